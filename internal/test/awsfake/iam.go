package awsfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A policy is an identity policy of IAM. The rules of its evaluation:
//
//	[eval]     https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
//	[grammar]  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
//	[actions]  https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
//	[kms]      https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect      string
	Action, Resource []string
	Condition        map[string]map[string][]string
}

// Grant has the caller be allowed what a policy allows, and nothing else.
func (f *Fake) Grant(document string) error {
	p := new(policy)
	d := json.NewDecoder(strings.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil || p.Version != "2012-10-17" {
		return fmt.Errorf("awsfake: MalformedPolicyDocument: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.granted = p
	return nil
}

// permit refuses what no statement allows. All that a call does has to be allowed.
func (f *Fake) permit(action string, in request) error {
	if f.granted == nil {
		return nil
	}
	name := in.Name + in.SecretId
	secret := f.arn(name)
	needs := []need{{"secretsmanager:" + action, secret, map[string]string{}}}
	keys := needs[0].keys
	switch action {
	case "CreateSecret":
		keys["secretsmanager:Name"] = name
		if len(in.Tags) > 0 {
			needs = append(needs, need{"secretsmanager:TagResource", secret, nil})
		}
		if len(in.AddReplicaRegions) > 0 {
			needs = append(needs, need{"secretsmanager:ReplicateSecretToRegions", secret, nil})
		}
	case "GetSecretValue":
		keys["secretsmanager:VersionStage"] = in.VersionStage
		if in.VersionStage == "" && in.VersionId == "" {
			keys["secretsmanager:VersionStage"] = current
		}
	case "ListSecrets":
		needs[0].resource = "*"
	}
	needs = append(needs, f.encrypted(action, in)...)
	for _, n := range needs {
		if !slices.ContainsFunc(f.granted.Statement, n.allowedBy) {
			return &Error{http.StatusBadRequest, "AccessDeniedException", fmt.Sprintf(
				"User: arn:aws:iam::123456789012:user/rotate is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", n.action, n.resource, n.action), 0}
		}
	}
	return nil
}

// encrypted is what a call does with a KMS key of one's own, in the caller's name [kms].
func (f *Fake) encrypted(action string, in request) (needs []need) {
	key := in.KmsKeyId
	if s := f.secrets[in.SecretId]; s != nil {
		key = s.KMSKey
	}
	actions := map[string][]string{
		"GetSecretValue": {"kms:Decrypt"}, "PutSecretValue": {"kms:GenerateDataKey", "kms:Decrypt"}, "CreateSecret": {"kms:GenerateDataKey", "kms:Decrypt"},
	}[action]
	if key == "" {
		return nil
	}
	keys := map[string]string{"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
	resource := key
	if alias := key[strings.LastIndex(key, ":")+1:]; strings.HasPrefix(alias, "alias/") {
		keys["kms:ResourceAliases"], resource = alias, "arn:aws:kms:eu-west-1:123456789012:key/of-the-alias"
	} else if !strings.HasPrefix(key, "arn:") {
		resource = "arn:aws:kms:eu-west-1:123456789012:key/" + key
	}
	for _, a := range actions {
		needs = append(needs, need{a, resource, keys})
	}
	return needs
}

// A need is one action on one resource, with the context's keys.
type need struct {
	action, resource string
	keys             map[string]string
}

func (n need) allowedBy(s statement) bool {
	if s.Effect != "Allow" || !matchAny(s.Action, n.action, strings.EqualFold) || !matchAny(s.Resource, n.resource, nil) {
		return false
	}
	for test, conditions := range s.Condition {
		for key, values := range conditions {
			is, ok := n.keys[key] // a key that is not in the context matches nothing [grammar]
			like := strings.TrimPrefix(test, "ForAnyValue:")
			switch {
			case !ok, like != "StringEquals" && like != "StringLike":
				return false
			case like == "StringEquals" && !slices.Contains(values, is), like == "StringLike" && !matchAny(values, is, nil):
				return false
			}
		}
	}
	return true
}

// matchAny tells whether a text is like one of some patterns, in which * is any text
// and ? one character.
func matchAny(patterns []string, text string, same func(a, b string) bool) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if same != nil && same(p, text) {
			return true
		}
		p = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p))
		return regexp.MustCompile("^(?s:" + p + ")$").MatchString(text)
	})
}
