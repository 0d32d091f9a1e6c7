package vaultkv

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	golangjwt "github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// counting is a transport that remembers what calls were made.
type counting struct {
	http.RoundTripper
	mu    sync.Mutex
	calls []string
	lose  func(call string) bool // the reply of this one is lost
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	call := vaultfake.CallName(r.Method, strings.TrimPrefix(r.URL.Path, "/v1/"))
	c.mu.Lock()
	c.calls = append(c.calls, call)
	lose := c.lose != nil && c.lose(call)
	c.mu.Unlock()
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil && lose {
		resp.Body.Close()
		return nil, errors.New("the reply is lost")
	}
	return resp, err
}

// realLife is one creation and one rotation within seconds, on a real clock.
// Once with every third reply of a change lost.
func realLife(t *testing.T, v server) {
	for _, lossy := range []bool{false, true} {
		t.Run(fmt.Sprintf("lossy %v", lossy), func(t *testing.T) {
			via := &counting{RoundTripper: v.via}
			n := 0
			if lossy {
				via.lose = func(call string) bool {
					if strings.HasPrefix(call, "PUT") {
						n++
					}
					return strings.HasPrefix(call, "PUT") && n%3 == 1
				}
				defer func() {
					if n < 6 {
						t.Errorf("only %d changes: hardly a reply was lost", n)
					}
				}()
			}
			l := life.New(t, life.World{})
			s, err := v.config(t).open(t.Context(), via)
			must(t, err)
			e := &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: func() string { return fmt.Sprint(time.Now().UnixNano()) }, Actor: "test", Audit: func(engine.Event) {}}
			target := engine.Target{
				Name: "auth-jwt", Environment: "test", StoreName: "vault", Store: s, Secret: name, Generate: l.Generate,
				Policy: rotation.Policy{Schedule: rotation.Every(4 * time.Second), Grace: 2 * time.Second},
			}
			var set *keyset.Set
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && (set == nil || set.Generation < 4); time.Sleep(200 * time.Millisecond) {
				res, err := e.Pass(context.Background(), target, engine.Ask{})
				if err != nil && !lossy {
					t.Fatal(err)
				}
				if res.Step.Do == rotation.Halt {
					t.Fatal(res.Step.Why)
				}
				if res.Set != nil {
					set = res.Set
				}
			}
			if set == nil || set.Generation != 4 || len(set.Keys) != 1 || len(set.Gone) != 1 {
				t.Fatalf("ends with %+v", set)
			}
			via.mu.Lock()
			t.Log(life.Counts(via.calls))
			via.lose = nil
			via.mu.Unlock()
			if _, err := e.Pass(context.Background(), target, engine.Ask{}); err != nil {
				t.Fatal(err)
			}
			// Promise 4: through every read that the API offers.
			for n := range 20 {
				for _, kind := range []string{"data", "subkeys"} {
					text := v.body(t, s.at(kind, name)+fmt.Sprintf("?version=%d", n))
					if strings.Contains(text, l.Made()[0]) {
						t.Errorf("version %d still shows the old key as %s", n, kind)
					}
				}
			}
		})
	}
}

func (v server) body(t testing.TB, path string) string {
	t.Helper()
	req, err := http.NewRequest("GET", v.addr+"/v1/"+path, nil)
	must(t, err)
	req.Header.Set("X-Vault-Token", v.token)
	resp, err := (&http.Client{Transport: v.via}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	var out json.RawMessage
	_ = json.NewDecoder(resp.Body).Decode(&out)
	return string(out)
}

func readText(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// realLogins uses each login that needs no cloud, with the documented policy, tokens
// that live for seconds, and one that is revoked.
func realLogins(t *testing.T, v server) {
	v.admin(t, "PUT", "sys/policies/acl/rotate", map[string]any{"policy": printed(&Config{Path: "rotate/+"}, nil)})
	v.admin(t, "POST", "sys/auth/approle", map[string]any{"type": "approle"})
	v.admin(t, "POST", "auth/approle/role/rotate", map[string]any{"token_policies": "rotate", "token_ttl": "3s", "token_max_ttl": "7s"})
	role := v.admin(t, "GET", "auth/approle/role/rotate/role-id", nil)["role_id"].(string)
	id := v.admin(t, "POST", "auth/approle/role/rotate/secret-id", nil)["secret_id"].(string)

	ca, leaf := papers(t, "rotate")

	// Kubernetes' part is a TokenReview that knows one JWT.
	enc := base64.RawURLEncoding.EncodeToString
	jwt := enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(`{"iss":"kubernetes","sub":"system:serviceaccount:prod:rotate","iat":1600000000,"nbf":1600000000,"exp":4102444800,"kubernetes.io":{"namespace":"prod","serviceaccount":{"name":"rotate","uid":"u"}}}`)) + "." + enc([]byte("nobody checks this"))
	review := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Spec struct{ Token string } }
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": map[string]any{
			"authenticated": in.Spec.Token == jwt,
			"user":          map[string]any{"username": "system:serviceaccount:prod:rotate", "uid": "u", "groups": []string{"system:serviceaccounts"}},
		}})
	}))
	defer review.Close()
	v.admin(t, "POST", "sys/auth/kubernetes", map[string]any{"type": "kubernetes"})
	v.admin(t, "POST", "auth/kubernetes/config", map[string]any{"kubernetes_host": review.URL, "disable_local_ca_jwt": true, "token_reviewer_jwt": "reviewer", "kubernetes_ca_cert": readText(t, ca)}) // OpenBao wants one, Vault takes it
	v.admin(t, "POST", "auth/kubernetes/role/rotate", map[string]any{"bound_service_account_names": "rotate", "bound_service_account_namespaces": "prod", "token_policies": "rotate", "token_ttl": "3s", "token_max_ttl": "7s"})

	// A CI job's token is a JWT that anybody can check by a public key.
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	must(t, err)
	job, err := golangjwt.NewWithClaims(golangjwt.SigningMethodRS256, golangjwt.MapClaims{"iss": "https://ci.example.com", "aud": "vault", "sub": "job", "iat": time.Now().Add(-time.Minute).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()}).SignedString(signer)
	must(t, err)
	v.admin(t, "POST", "sys/auth/jwt", map[string]any{"type": "jwt"})
	v.admin(t, "POST", "auth/jwt/config", map[string]any{"jwt_validation_pubkeys": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))})
	v.admin(t, "POST", "auth/jwt/role/rotate", map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault", "token_policies": "rotate", "token_ttl": "3s", "token_max_ttl": "7s"})
	v.admin(t, "POST", "sys/auth/userpass", map[string]any{"type": "userpass"})
	v.admin(t, "POST", "auth/userpass/users/rotate", map[string]any{"password": "opensesame", "token_policies": "rotate", "token_ttl": "3s", "token_max_ttl": "7s"})
	v.admin(t, "POST", "sys/auth/cert", map[string]any{"type": "cert"})
	v.admin(t, "POST", "auth/cert/certs/rotate", map[string]any{"certificate": readText(t, ca), "allowed_common_names": "rotate", "token_policies": "rotate", "token_ttl": "3s", "token_max_ttl": "7s"})
	v.admin(t, "POST", "auth/approle/role/few", map[string]any{"token_policies": "rotate", "token_num_uses": 4})
	few := v.admin(t, "GET", "auth/approle/role/few/role-id", nil)["role_id"].(string)
	fewID := v.admin(t, "POST", "auth/approle/role/few/secret-id", nil)["secret_id"].(string)

	for method, auth := range map[string]Auth{
		"few uses":   {Method: "approle", RoleID: few, SecretIDFile: fileOf(t, fewID)},
		"jwt":        {Method: "jwt", Role: "rotate", JWTFile: fileOf(t, job)},
		"userpass":   {Method: "userpass", Username: "rotate", PasswordFile: fileOf(t, "opensesame")},
		"cert":       {Method: "cert", Role: "rotate"},
		"approle":    {Method: "approle", RoleID: role, SecretIDFile: fileOf(t, id)},
		"kubernetes": {Method: "kubernetes", Role: "rotate", JWTFile: fileOf(t, jwt)},
	} {
		t.Run(method, func(t *testing.T) {
			via := &counting{RoundTripper: v.via}
			c := v.config(t)
			c.Auth, c.Path = auth, path.Join("rotate", c.Path)
			if method == "cert" { // by the server's listener with TLS, which the script names
				if os.Getenv("ROTATE_VAULT_TLS") == "" {
					t.Skip("ROTATE_VAULT_TLS is not set; e2e/vault.sh sets it")
				}
				cert, key := leaf("rotate")
				c.Address, c.TLS = os.Getenv("ROTATE_VAULT_TLS"), TLS{CACert: os.Getenv("ROTATE_VAULT_CA"), ClientCert: cert, ClientKey: key}
				client, err := c.client(nil)
				must(t, err)
				via.RoundTripper = client.CloneConfig().HttpClient.Transport
				t.Cleanup(client.CloneConfig().HttpClient.CloseIdleConnections)
			}
			s, err := c.open(t.Context(), via)
			must(t, err)
			must(t, s.Probe(t.Context()))
			rev := put(t, s, "a", "", 1)
			for range 15 { // beyond the maximum TTL
				time.Sleep(time.Second)
				if _, err := s.Read(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			next := put(t, s, "b", rev.ID, 2)
			if _, err := s.Erase(t.Context(), name, rev.ID, next.ID); err != nil {
				t.Error(err)
			}
			t.Log(life.Counts(via.calls))
			// Revoked by someone, and old enough not to be asked twice.
			v.admin(t, "POST", "auth/token/revoke", map[string]any{"token": s.session.token})
			s.session.since = time.Now().Add(-2 * young)
			s.session.life = time.Hour
			if _, err := s.Read(t.Context(), name); err != nil {
				t.Errorf("revoked: %v", err)
			}
			// Outside of its path it may do nothing.
			c.Path = "elsewhere"
			s, err = c.open(t.Context(), via)
			must(t, err)
			if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrDenied) {
				t.Errorf("elsewhere: %v, want ErrDenied", err)
			}
			if _, err := s.ProbeSecret(t.Context(), name); !errors.Is(err, providers.ErrDenied) || !strings.Contains(say.Error(err).String(), `path "secret/data/elsewhere/`+name+`" { capabilities = ["create", "read", "update"] }`) {
				t.Errorf("elsewhere the probe says %v", err)
			}
		})
	}
	for what, auth := range map[string]Auth{
		"a wrong secret id": {Method: "approle", RoleID: role, SecretIDFile: fileOf(t, "canary-wrong")},
		"a wrong password":  {Method: "userpass", Username: "rotate", PasswordFile: fileOf(t, "canary-wrong")},
		"a wrong job":       {Method: "jwt", Role: "rotate", JWTFile: fileOf(t, "canary.wrong.x")},
		"a wrong JWT":       {Method: "kubernetes", Role: "rotate", JWTFile: fileOf(t, "canary.wrong.x")},
		"a wrong token":     {TokenFile: fileOf(t, "canary-wrong")},
	} {
		c := v.config(t)
		c.Auth = auth
		if _, err := c.open(t.Context(), v.via); !errors.Is(err, providers.ErrDenied) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want ErrDenied", what, err)
		}
	}
}

// TestRealCluster writes through one standby of a real OpenBao and reads through all
// nodes, which e2e/bao.sh starts: what is read may be old, and says so.
func TestRealCluster(t *testing.T) {
	nodes := strings.Fields(os.Getenv("ROTATE_BAO_CLUSTER"))
	if len(nodes) == 0 {
		t.Skip("ROTATE_BAO_CLUSTER is not set; e2e/bao.sh sets it")
	}
	via := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(via.CloseIdleConnections)
	var handles []*store
	path := "t-" + strings.ToLower(rand.Text())
	for _, address := range nodes {
		v := server{address, via, os.Getenv("ROTATE_BAO_TOKEN")}
		c := v.config(t)
		c.Path = path
		s := v.open(t, c)
		if !s.bao || s.Traits().Stale != behind {
			t.Errorf("%s: OpenBao %v, reads may be %v old; want %v", address, s.bao, s.Traits().Stale, behind)
		}
		handles = append(handles, s)
	}
	rev, old := put(t, handles[1], "a", "", 1), 0
	for i := range 50 {
		base := rev.ID
		for tries := 0; ; tries++ { // a standby that is behind refuses its own old view
			next, err := handles[1+i%2].Write(t.Context(), name, providers.NewSecret([]byte(fmt.Sprint("v", i))), base, providers.Note{Lineage: "l", Generation: uint64(i + 2), Digest: fmt.Sprint("d", i)})
			if err == nil {
				rev = next
				break
			}
			if !errors.Is(err, providers.ErrConflict) || tries > 100 {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		for _, s := range handles {
			for {
				got, err := s.Read(t.Context(), name)
				if err == nil && got.ID == rev.ID {
					break
				}
				old++
				if err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.Is(err, providers.ErrUnreadable) {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	t.Logf("50 writes through standbys, each read back on 3 nodes: %d reads were old", old)
}
