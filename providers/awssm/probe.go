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

// Probe makes each call of a rotation on a secret that does not exist, named
// rotate-probe-…, and names the permissions that are missing. AWS looks at
// permissions first, so what is allowed is answered by ResourceNotFoundException
// and nothing is changed. CreateSecret would create one: it is not tried.
func (s *store) Probe(ctx context.Context) (err error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	token := hex.EncodeToString(random[:])
	name := "rotate-probe-" + token[:nonceLen]
	defer dress(&err, "probe", name)
	calls := []struct {
		action string
		call   func() error
	}{
		{"DescribeSecret", func() error {
			_, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
			return err
		}},
		{"GetSecretValue", func() error {
			_, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name, VersionStage: aws.String(current)})
			return err
		}},
		{"PutSecretValue", func() error {
			_, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
				SecretId: &name, ClientRequestToken: &token, SecretString: aws.String("written by rotate validate --probe; safe to delete"), VersionStages: []string{"rotate-probe"},
			}, once)
			return err
		}},
		{"UpdateSecretVersionStage", func() error {
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
			missing, first = append(missing, "secretsmanager:"+c.action), errors.Join(first, err)
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
