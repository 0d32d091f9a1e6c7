package awssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyrotate/rotate/providers"
)

// several is a member of a policy that is a text or a list of them.
type several []string

func (s *several) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*s = several{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(s))
}

// principals is who a statement is about: "*", or lists by kind.
type principals struct{ all []string }

func (p *principals) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		p.all = []string{one}
		return nil
	}
	var kinds map[string]several
	err := json.Unmarshal(text, &kinds)
	for _, names := range kinds {
		p.all = append(p.all, names...)
	}
	return err
}

// A resourcePolicy is https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type resourcePolicy struct {
	Statement []struct {
		Effect                  string
		Principal, NotPrincipal *principals
		Action, NotAction       several
		Condition               map[string]any
	}
}

// Readers implements providers.ReaderFinder: the secret's resource policy. It is one call.
func (s *store) Readers(ctx context.Context, name string) (_ providers.Readers, err error) {
	defer providers.Dress(&err, "look at the policy of", name)
	found := providers.Readers{Unseen: []string{
		"identities of the account whose own IAM policies allow " + getValue,
		"the policy of the KMS key, without which nobody can read",
	}}
	out, err := s.api.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &name})
	if err != nil {
		err = failed(ctx, err, false)
	}
	if errors.Is(err, providers.ErrDenied) {
		found.Unseen = append(found.Unseen, "the secret's resource policy: this identity has no "+getPolicy)
		return found, nil
	} else if errors.Is(err, providers.ErrNotFound) {
		return found, nil
	} else if err != nil || aws.ToString(out.ResourcePolicy) == "" {
		return found, err
	}
	var p resourcePolicy
	if err := json.Unmarshal([]byte(*out.ResourcePolicy), &p); err != nil {
		found.Unseen = append(found.Unseen, "the secret's resource policy, which is not written as rotate knows it")
		return found, nil
	}
	for i, st := range p.Statement {
		by := "resource policy"
		if len(st.Condition) > 0 {
			by += ", under a condition"
		}
		switch reads := slices.ContainsFunc(st.Action, allowsReading); {
		case st.Effect == "Deny":
			found.Unseen = append(found.Unseen, fmt.Sprintf("whom statement %d of the resource policy denies it", i+1))
		case st.NotPrincipal != nil || len(st.NotAction) > 0:
			found.Unseen = append(found.Unseen, fmt.Sprintf("whom statement %d of the resource policy allows it: it says whom or what it does not", i+1))
		case reads && st.Principal != nil:
			for _, who := range st.Principal.all {
				found.Known = append(found.Known, providers.Reader{Who: who, By: by})
			}
		}
	}
	slices.SortFunc(found.Known, func(a, b providers.Reader) int { return strings.Compare(a.Who, b.Who) })
	return found, nil
}

// allowsReading tells whether an action of a policy, in which * and ? stand for
// others, covers the reading of a value.
func allowsReading(action string) bool {
	for _, read := range []string{getValue, "secretsmanager:BatchGetSecretValue"} {
		if ok, err := path.Match(strings.ToLower(action), strings.ToLower(read)); ok && err == nil {
			return true
		}
	}
	return false
}
