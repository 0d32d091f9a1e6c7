package awssm

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "production-auth-jwt"

// testConfig signs with a key that protects nothing and calls client.
func testConfig(client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region: "eu-west-1", HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "test"}, nil
		}),
	}
}

// onFake opens a store on a fake.
func onFake(f *awsfake.Fake, c Config) *store { return c.store(testConfig(f)) }

// outside does to a secret what people do with the console: all by the API, so
// it works on every server.
type outside struct{ api *secretsmanager.Client }

func (o outside) lose(t testing.TB, name string) {
	t.Helper()
	_, err := o.api.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: &name, RecoveryWindowInDays: aws.Int64(7)})
	must(t, err)
}

func (o outside) tamper(t testing.TB, name string, value []byte) {
	t.Helper()
	_, err := o.api.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: aws.String(string(value))})
	must(t, err)
}

func (o outside) restore(t testing.TB, name string, old providers.RevisionID) {
	t.Helper()
	d, err := o.api.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	must(t, err)
	if d.DeletedDate != nil {
		_, err := o.api.RestoreSecret(t.Context(), &secretsmanager.RestoreSecretInput{SecretId: &name})
		must(t, err)
	}
	for id, stages := range d.VersionIdsToStages {
		for _, stage := range stages {
			if stage == current && id != string(old) {
				_, err := o.api.UpdateSecretVersionStage(t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
					SecretId: &name, VersionStage: aws.String(current), MoveToVersionId: aws.String(string(old)), RemoveFromVersionId: &id,
				})
				must(t, err)
			}
		}
	}
}

// harness runs the suite on what open opens.
func harness(open func(t testing.TB) *store) providertest.Harness {
	out := func(s providers.Store) outside { return outside{s.(*store).api} }
	return providertest.Harness{
		New:    func(t testing.TB) providers.Store { return open(t) },
		Reopen: func(_ testing.TB, s providers.Store) providers.Store { again := *s.(*store); return &again },
		Lose:   func(t testing.TB, s providers.Store, name string) { out(s).lose(t, name) },
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) { out(s).tamper(t, name, value) },
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			out(s).restore(t, name, old.ID)
		},
		BadNames: []string{"schlüssel", "auth jwt", "auth:jwt", "arn:aws:secretsmanager:eu-west-1:1:secret:x", "a*"},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
