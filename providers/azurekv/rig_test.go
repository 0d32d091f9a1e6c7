package azurekv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "production-auth-jwt"

// credential gives out the fake's token for an hour.
type credential struct{}

func (credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 || o.Scopes[0] != "https://vault.azure.net/.default" {
		return azcore.AccessToken{}, fmt.Errorf("asked for %v, which is not what the challenge says", o.Scopes)
	}
	return azcore.AccessToken{Token: azurefake.Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// onFake opens a store on a fake.
func onFake(f *azurefake.Fake, c Config) *store {
	c.Vault = azurefake.Vault
	s, err := c.store(credential{}, cloud.AzurePublic, f)
	if err != nil {
		panic(err)
	}
	return s
}

// outside does to a secret what people do with az and the portal: all by the
// API, so it works on a real vault.
type outside struct{ api *azsecrets.Client }

func (o outside) set(t testing.TB, name, value string, tags map[string]*string) string {
	t.Helper()
	out, err := o.api.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{Value: &value, Tags: tags}, nil)
	must(t, err)
	return out.ID.Version()
}

func (o outside) enable(t testing.TB, name, id string, on bool) {
	t.Helper()
	_, err := o.api.UpdateSecretProperties(t.Context(), name, id, azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: &on}}, nil)
	must(t, err)
}

func (o outside) remove(t testing.TB, name string) {
	t.Helper()
	_, err := o.api.DeleteSecret(t.Context(), name, nil)
	must(t, err)
	o.until(t, func() error { _, err := o.api.GetDeletedSecret(t.Context(), name, nil); return err })
}

func (o outside) recover(t testing.TB, name string) {
	t.Helper()
	_, err := o.api.RecoverDeletedSecret(t.Context(), name, nil)
	must(t, err)
	o.until(t, func() error { _, err := o.api.GetSecret(t.Context(), name, "", nil); return err })
}

// until asks again as long as the service says 404.
func (o outside) until(t testing.TB, ask func() error) {
	t.Helper()
	for range 60 {
		err := ask()
		if r := (*azcore.ResponseError)(nil); !errors.As(err, &r) || r.StatusCode != 404 {
			must(t, err)
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("the service takes more than a minute")
}

// harness runs the suite on what open opens.
func harness(open func(t testing.TB) *store) providertest.Harness {
	out := func(s providers.Store) outside { return outside{s.(*store).api} }
	return providertest.Harness{
		New:    func(t testing.TB) providers.Store { return open(t) },
		Reopen: func(_ testing.TB, s providers.Store) providers.Store { again := *s.(*store); return &again },
		Lose:   func(t testing.TB, s providers.Store, name string) { out(s).remove(t, name) },
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) {
			out(s).set(t, name, string(value), nil)
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			if _, err := out(s).api.GetDeletedSecret(t.Context(), name, nil); err == nil {
				out(s).recover(t, name)
			}
			out(s).set(t, name, string(old.Value.Reveal()), nil)
		},
		BadNames: []string{"schlüssel", "auth jwt", "auth_jwt", "auth.jwt", "prod/auth", strings.Repeat("a", 128)},
	}
}

func note(g uint64) providers.Note {
	return providers.Note{Lineage: "lineage", Generation: g, Digest: fmt.Sprint("sha-256:", g)}
}

func write(t testing.TB, s *store, v string, after providers.RevisionID, g uint64) providers.Revision {
	t.Helper()
	rev, err := s.Write(context.Background(), name, providers.NewSecret([]byte(v)), after, note(g))
	must(t, err)
	return rev
}

func fails(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("the error is %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(say.Error(err).String(), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
