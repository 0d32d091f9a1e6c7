package awssm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyrotate/rotate/providers"
)

// Probe makes each call of a rotation on a secret that does not exist, named rotate-probe-…, and names the permissions
// that are missing. AWS looks at permissions first. So it answers an allowed call with ResourceNotFoundException and
// changes nothing. CreateSecret would create a secret, so Probe does not try it.
func (s *store) Probe(ctx context.Context) (err error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	token := hex.EncodeToString(random[:])
	name := "rotate-probe-" + token[:nonceLen]
	defer providers.Dress(&err, "probe", name)
	calls := []struct {
		action string
		call   func() error
	}{
		{describe, func() error {
			_, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
			return err
		}},
		{getValue, func() error {
			_, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name, VersionStage: aws.String(current)})
			return err
		}},
		{putValue, func() error {
			_, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
				SecretId: &name, ClientRequestToken: &token, SecretString: aws.String("written by rotate validate --probe; safe to delete"), VersionStages: []string{"rotate-probe"},
			}, once)
			return err
		}},
		{moveLabel, func() error {
			_, err := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &name, VersionStage: aws.String("rotate-probe"), MoveToVersionId: &token,
			}, once)
			return err
		}},
	}
	var missing []string
	var first error
	for _, c := range calls {
		err := c.call()
		if err == nil {
			return unsafe(fmt.Errorf("%s succeeds on a secret that does not exist", c.action), "this is not AWS Secrets Manager: look at endpoint")
		}
		switch err := failed(ctx, err, false); {
		case errors.Is(err, providers.ErrNotFound):
		case errors.Is(err, providers.ErrDenied):
			// guard incident 26: a right that is missing is named
			missing, first = append(missing, c.action), errors.Join(first, err)
		default:
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if len(missing) == len(calls) { // the credentials, rather than the policy
		return first
	}
	return &providers.Error{
		Kind: providers.ErrDenied, Err: fmt.Errorf("missing %s", strings.Join(missing, ", ")),
		Hint: "allow them on the secrets of rotate, and on rotate-probe-* so that this can be told: docs/providers/awssm.md has the policy",
	}
}

// excessive are calls that rotate never makes. Whoever takes over its host could do harm with them: lose the secret,
// or share it.
var excessive = []struct {
	action string
	call   func(ctx context.Context, api *secretsmanager.Client, name string) error
}{
	{"DeleteSecret", func(ctx context.Context, api *secretsmanager.Client, name string) error {
		_, err := api.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &name}, once)
		return err
	}},
	{"PutResourcePolicy", func(ctx context.Context, api *secretsmanager.Client, name string) error {
		_, err := api.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{
			SecretId: &name, ResourcePolicy: aws.String(`{"Version":"2012-10-17","Statement":[]}`),
		}, once)
		return err
	}},
}

// ProbeSecret names what the credentials may do beyond what rotate needs. It makes those calls on a secret beside
// name, which does not exist: a policy that ends in * covers it too. It cannot find a policy for name alone.
func (s *store) ProbeSecret(ctx context.Context, name string) (excess []string, err error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	beside := name + "-rotate-probe-" + hex.EncodeToString(random[:])
	defer providers.Dress(&err, "probe", name)
	if !takesName(beside) {
		return nil, nil
	}
	for _, c := range excessive {
		switch err := failed(ctx, c.call(ctx, s.api, beside), false); {
		case errors.Is(err, providers.ErrNotFound):
			excess = append(excess, "secretsmanager:"+c.action)
		case errors.Is(err, providers.ErrDenied):
		default:
			return nil, err
		}
	}
	return excess, nil
}
