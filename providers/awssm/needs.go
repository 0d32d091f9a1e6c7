package awssm

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/keyrotate/rotate/providers"
)

// The calls that the adapter makes, by the action that allows each.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
const (
	describe  = "secretsmanager:DescribeSecret"
	getValue  = "secretsmanager:GetSecretValue"
	putValue  = "secretsmanager:PutSecretValue"
	moveLabel = "secretsmanager:UpdateSecretVersionStage"
	create    = "secretsmanager:CreateSecret"
	tag       = "secretsmanager:TagResource"              // by CreateSecret, with tags
	replicate = "secretsmanager:ReplicateSecretToRegions" // by CreateSecret, with replicas
	list      = "secretsmanager:ListSecrets"
	getPolicy = "secretsmanager:GetResourcePolicy"
	decrypt   = "kms:Decrypt"         // by every read of a secret with a key of its own
	dataKey   = "kms:GenerateDataKey" // by every write of one
)

// probed are secrets that never exist, on which Probe tries the calls.
const probed = "rotate-probe-*"

// rotating are the actions of a rotation on a secret that is there.
var rotating = []string{describe, getValue, putValue, moveLabel}

// Needs implements providers.Needer. An ARN ends in six characters that AWS makes
// up: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
func (c *Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	names := providers.SecretsOf(uses)
	rights := providers.Rights{Language: providers.AWSPolicy, Scope: strings.Join([]string{c.Profile, c.Role}, " ")}
	add := func(name string, on []string, when []providers.Condition, actions ...string) {
		rights.List = append(rights.List, providers.Right{Name: name, Actions: actions, On: on, When: when})
	}
	switch role {
	case providers.Rotator:
		add("Rotate", append(c.arns("-??????", names), c.arn(probed)), nil, rotating...)
		add("Create", []string{c.arn("*")}, []providers.Condition{{Test: "StringEquals", Key: "secretsmanager:Name", Values: names}}, create)
		if len(c.Tags) > 0 { // these two know no condition on the name
			add("Tag", c.arns("*", names), nil, tag)
		}
		if len(c.Replicas) > 0 {
			add("Replicate", c.arns("*", names), nil, replicate)
		}
		c.encrypted(add, decrypt, dataKey)
	case providers.Signer, providers.Verifier:
		stages := map[bool][]string{}
		for _, u := range uses {
			stages[u.Previous] = append(stages[u.Previous], u.Secret)
		}
		for _, previous := range []bool{false, true} {
			if len(stages[previous]) == 0 {
				continue
			}
			name, values := "Read", []string{current}
			if previous {
				name, values = "ReadPrevious", []string{current, "AWSPREVIOUS"}
			}
			add(name, c.arns("-??????", stages[previous]), []providers.Condition{{Test: "StringEquals", Key: "secretsmanager:VersionStage", Values: values}}, getValue)
		}
		c.encrypted(add, decrypt)
	case providers.Auditor:
		add("List", nil, nil, list)
		add("Policies", c.arns("-??????", names), nil, getPolicy)
	}
	return rights
}

// encrypted adds the rights on a KMS key of one's own, through Secrets Manager alone.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
func (c *Config) encrypted(add func(string, []string, []providers.Condition, ...string), actions ...string) {
	if c.KMSKey == "" {
		return
	}
	key, when := c.KMSKey, []providers.Condition{{Test: "StringLike", Key: "kms:ViaService", Values: []string{"secretsmanager." + cmp.Or(c.Region, "*") + ".amazonaws.com"}}}
	name := key[strings.LastIndex(key, ":")+1:]
	switch {
	case strings.HasPrefix(name, "alias/"): // a policy cannot name an alias as a resource
		key = c.resource("kms", "key/*")
		when = append(when, providers.Condition{Test: "ForAnyValue:StringEquals", Key: "kms:ResourceAliases", Values: []string{name}})
	case !strings.HasPrefix(key, "arn:"):
		key = c.resource("kms", "key/"+key)
	}
	add("Encrypt", []string{key}, when, actions...)
}

func (c *Config) arns(suffix string, names []string) (all []string) {
	for _, name := range names {
		all = append(all, c.arn(name+suffix))
	}
	return all
}

func (c *Config) arn(name string) string { return c.resource("secretsmanager", "secret:"+name) }

// resource is an ARN. The config names an account only by the role.
func (c *Config) resource(service, resource string) string {
	partition, account := "aws", "*"
	switch {
	case strings.HasPrefix(c.Region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(c.Region, "us-gov-"):
		partition = "aws-us-gov"
	}
	if role, err := arn.Parse(c.Role); err == nil {
		account = role.AccountID
	}
	return arn.ARN{Partition: partition, Service: service, Region: cmp.Or(c.Region, "*"), AccountID: account, Resource: resource}.String()
}
