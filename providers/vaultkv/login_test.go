package vaultkv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// roleOf has the fake know one role.
func roleOf(f *vaultfake.Fake, who, credential string, bound map[string]string) {
	f.Roles["|"+who] = vaultfake.Role{Credential: credential, TTL: time.Hour, Max: time.Hour, Capabilities: policy(""), Bound: bound}
}

// logsIn opens a store and uses it; with the same options and another proof it is denied.
func logsIn(t *testing.T, c Config, via http.RoundTripper) {
	t.Helper()
	s, err := c.open(t.Context(), via)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "", 1)
}

func isDenied(t *testing.T, what string, c Config, via http.RoundTripper) {
	t.Helper()
	if _, err := c.open(t.Context(), via); !errors.Is(err, providers.ErrDenied) || strings.Contains(err.Error(), "canary") {
		t.Errorf("%s: %v, want ErrDenied without the credential", what, err)
	}
}

// The logins that take what a file or a variable has.
func TestLoginsByWhatIsGiven(t *testing.T) {
	f, v := fakeServer(t)
	roleOf(f, "jwt/r", "a.b.c", nil)
	roleOf(f, "userpass/anna", "opensesame", nil)
	for _, c := range []struct {
		variable, value string
		good, bad       Auth
	}{
		{"VAULT_JWT", "a.b.c", Auth{Method: "jwt", Role: "r"}, Auth{Method: "jwt", Role: "r", JWTFile: fileOf(t, "canary.b.c")}},
		{"VAULT_PASSWORD", "opensesame", Auth{Method: "userpass", Username: "anna"}, Auth{Method: "userpass", Username: "anna", PasswordFile: fileOf(t, "canary")}},
	} {
		conf := *v.config(t)
		conf.Auth = c.bad
		isDenied(t, c.bad.Method, conf, v.via)
		conf.Auth = c.good
		isDenied(t, c.good.Method+" without "+c.variable, conf, v.via)
		t.Setenv(c.variable, c.value)
		logsIn(t, conf, v.via)
	}
}

// papers makes an authority and certificates that it signed, as files.
func papers(t testing.TB, names ...string) (ca string, leaf func(name string) (cert, key string)) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, root, root, signer.Public(), signer)
	must(t, err)
	for i, name := range names {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 2)), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, root, key.Public(), signer)
		must(t, err)
		private, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		write(name+".pem", "CERTIFICATE", cert)
		write(name+".key", "PRIVATE KEY", private)
	}
	return write("ca.pem", "CERTIFICATE", der), func(name string) (cert, key string) {
		return filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	}
}

// The certificate of the connection is the proof.
func TestLoginByCertificate(t *testing.T) {
	f := vaultfake.New()
	roleOf(f, "cert/r", "rotate", nil)
	srv := httptest.NewUnstartedServer(f)
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.StartTLS()
	defer srv.Close()
	server := fileOf(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	_, leaf := papers(t, "rotate", "other")
	conf := func(name string) (Config, http.RoundTripper) {
		cert, key := leaf(name)
		c := Config{Address: srv.URL, TLS: TLS{CACert: server, ClientCert: cert, ClientKey: key}, Auth: Auth{Method: "cert", Role: "r"}}
		client, err := c.client(nil)
		must(t, err)
		via := client.CloneConfig().HttpClient.Transport
		t.Cleanup(client.CloneConfig().HttpClient.CloseIdleConnections)
		return c, via
	}
	c, via := conf("rotate")
	logsIn(t, c, via)
	c, via = conf("other")
	isDenied(t, "another certificate", c, via)
}

// What is signed for AWS counts only as it was signed: the fake signs it again.
func TestLoginByAWS(t *testing.T) {
	f, v := fakeServer(t)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIDFAKE", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	roleOf(f, "aws/r", "canary", map[string]string{"server_id": "vault.example.com"})
	conf := *v.config(t)
	for _, region := range []string{"", "eu-west-1"} {
		conf.Path = "t" + region
		conf.Auth = Auth{Method: "aws", Role: "r", Region: region, ServerID: "vault.example.com"}
		logsIn(t, conf, v.via)
	}
	conf.Auth.ServerID = "vault.example.org"
	isDenied(t, "another server's id", conf, v.via)
	conf.Auth.ServerID = "vault.example.com"
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-other")
	isDenied(t, "another key", conf, v.via)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	isDenied(t, "no credentials", conf, v.via)
}

// A beyond is what calls that do not go to Vault meet with.
type beyond struct {
	vault http.RoundTripper
	by    map[string]http.HandlerFunc // host and path
}

func (w beyond) RoundTrip(r *http.Request) (*http.Response, error) {
	if h := w.by[r.URL.Host+r.URL.Path]; h != nil {
		rec := httptest.NewRecorder()
		h(rec, r)
		resp := rec.Result()
		resp.Request = r
		return resp, nil
	}
	if r.URL.Host == "127.0.0.1:8200" {
		return w.vault.RoundTrip(r)
	}
	return nil, fmt.Errorf("%s%s is out of reach", r.URL.Host, r.URL.Path)
}

func jwtOf(claims any) string {
	text, _ := json.Marshal(claims)
	return "e30." + base64.RawURLEncoding.EncodeToString(text) + ".signature"
}

// Google's metadata server signs for the machine, and its IAM for a service account.
func TestLoginByGoogle(t *testing.T) {
	f, v := fakeServer(t)
	roleOf(f, "gcp/r", "", nil)
	t.Setenv("GCE_METADATA_HOST", "metadata")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", fileOf(t, `{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}`))
	const account = "rotate@project.iam.gserviceaccount.com"
	w := beyond{v.via, map[string]http.HandlerFunc{
		// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
		"metadata/computeMetadata/v1/instance/service-accounts/default/identity": func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Metadata-Flavor") != "Google" || r.URL.Query().Get("format") != "full" {
				http.Error(rw, "missing header or format", http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(rw, jwtOf(map[string]any{"aud": r.URL.Query().Get("audience"), "sub": "machine", "exp": time.Now().Add(time.Minute).Unix()}))
		},
		"oauth2.googleapis.com/token": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(rw, `{"access_token":"canary-token","token_type":"Bearer","expires_in":3600}`)
		},
		"iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + account + ":signJwt": func(rw http.ResponseWriter, r *http.Request) {
			var in struct{ Payload string }
			if r.Header.Get("Authorization") != "Bearer canary-token" || json.NewDecoder(r.Body).Decode(&in) != nil {
				http.Error(rw, "{}", http.StatusForbidden)
				return
			}
			_ = json.NewEncoder(rw).Encode(map[string]string{"signedJwt": "e30." + base64.RawURLEncoding.EncodeToString([]byte(in.Payload)) + ".signature"})
		},
	}}
	conf := *v.config(t)
	conf.Auth = Auth{Method: "gcp", Role: "r"}
	logsIn(t, conf, w)
	conf.Path, conf.Auth.ServiceAccount = "t2", account
	logsIn(t, conf, w)
	conf.Auth.ServiceAccount = "other@project.iam.gserviceaccount.com"
	isDenied(t, "an account that it may not sign for", conf, w)
	conf.Auth = Auth{Method: "gcp", Role: "none"}
	isDenied(t, "another role", conf, w)
}

// Azure's token comes with where the machine is, which its metadata service tells.
func TestLoginByAzure(t *testing.T) {
	f, v := fakeServer(t)
	roleOf(f, "azure/r", "canary.token.x", map[string]string{"subscription_id": "sub", "resource_group_name": "group", "vm_name": "", "vmss_name": "set"})
	for name, value := range map[string]string{"AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000000", "AZURE_CLIENT_ID": "rotate", "AZURE_CLIENT_SECRET": "canary"} {
		t.Setenv(name, value)
	}
	const tenant = "login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
	reply := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(rw, text)
		}
	}
	w := beyond{v.via, map[string]http.HandlerFunc{
		"login.microsoftonline.com/common/discovery/instance": reply(`{"tenant_discovery_endpoint":"https://` + tenant + `/v2.0/.well-known/openid-configuration","metadata":[]}`),
		tenant + "/v2.0/.well-known/openid-configuration":     reply(`{"token_endpoint":"https://` + tenant + `/oauth2/v2.0/token","authorization_endpoint":"https://` + tenant + `/oauth2/v2.0/authorize","issuer":"https://` + tenant + `/v2.0"}`),
		tenant + "/oauth2/v2.0/token": func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			if !strings.HasPrefix(form.Get("scope"), "https://management.azure.com/.default") {
				http.Error(rw, `{"error":"invalid_scope"}`, http.StatusBadRequest)
				return
			}
			reply(`{"access_token":"canary.token.x","token_type":"Bearer","expires_in":3600}`)(rw, r)
		},
		// https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
		"169.254.169.254/metadata/instance": func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Metadata") != "true" || r.URL.Query().Get("api-version") == "" {
				http.Error(rw, "{}", http.StatusBadRequest)
				return
			}
			reply(`{"compute":{"subscriptionId":"sub","resourceGroupName":"group","name":"set_1","vmScaleSetName":"set"}}`)(rw, r)
		},
	}}
	conf := *v.config(t)
	conf.Auth = Auth{Method: "azure", Role: "r"}
	logsIn(t, conf, w)
	conf.Auth.Resource = "https://vault.example.com"
	isDenied(t, "a resource that Vault does not name", conf, w)
	conf.Auth.Resource = ""
	delete(w.by, "169.254.169.254/metadata/instance")
	isDenied(t, "a role that is bound to a machine, from a pod", conf, w)
	roleOf(f, "azure/r", "canary.token.x", nil)
	conf.Path = "t2"
	logsIn(t, conf, w)
}
