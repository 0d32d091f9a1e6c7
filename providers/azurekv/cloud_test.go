package azurekv

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/providers"
)

// A refusal may come without an inner code, as emulators and proxies give it: it is
// the right that is missing, and the others are asked for.
func TestProbeWithoutInnerCodes(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "GetSecretVersions" || c.Kind == "UpdateSecret" {
				return &fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Message: "Forbidden"}}
			}
			return nil
		})
		fails(t, s.Probe(t.Context()), providers.ErrDenied, "missing Microsoft.KeyVault/vaults/secrets/readMetadata/action (access policy: list), Microsoft.KeyVault/vaults/secrets/update/action")
		f.On(nil)
		f.Takes("7.4")
		fails(t, s.Probe(t.Context()), providers.ErrUnsafe, "is not recognized", "api_version")
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnsafe, "api_version")
		on(f, "GetSecretVersions", fakes.Fault{Before: &azurefake.Error{Status: 400, Code: "UnsupportedApiVersion", Message: "no"}})
		_, err = s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnavailable, "api_version")
	})
	inBubble(t, Config{APIVersion: "7.4"}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		f.Takes("7.4")
		must(t, s.Probe(t.Context()))
	})
}

// Where the cloud is an address, nothing but that address and the vault is asked.
func TestAnotherCloudIsNotLookedUpInThePublicOne(t *testing.T) {
	for name, value := range map[string]string{"AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000000", "AZURE_CLIENT_ID": "rotate", "AZURE_CLIENT_SECRET": "test"} {
		t.Setenv(name, value)
	}
	var asked []string
	c := Config{Vault: "https://vault.example.com", Cloud: "https://login.example.com", Transport: transport(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Host)
		if r.URL.Host == "vault.example.com" {
			w := httptest.NewRecorder()
			w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.example.com/00000000-0000-0000-0000-000000000000", resource="https://example.com"`)
			w.WriteHeader(http.StatusUnauthorized)
			res := w.Result()
			res.Request = r
			return res, nil
		}
		return nil, errors.New("out of reach")
	})}
	s, err := c.Open(t.Context())
	must(t, err)
	_, err = s.Read(t.Context(), name)
	if err == nil || !slices.Contains(asked, "login.example.com") {
		t.Errorf("%v; asked %v", err, asked)
	}
	for _, host := range asked {
		if host != "login.example.com" && host != "vault.example.com" {
			t.Errorf("%s was asked", host)
		}
	}
	for _, one := range []string{"https://Vault.example.com/", "https://vault.example.com:443"} {
		if got, want := (&Config{Vault: one}).Where("A"), c.Where("a"); got != want {
			t.Errorf("%s: %s, want %s", one, got, want)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
