package kubernetes

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	name      = "production-auth-jwt"
	namespace = "shop"
)

var (
	allSecrets = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"*"}}}
	allMaps    = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"*"}}}
	leastRules = []rbacv1.PolicyRule{ // docs/providers/kubernetes.md
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "update"}, ResourceNames: []string{name}},
	}
)

// A server is an API server to test with: the fake, or the real one.
type server struct {
	conf   rest.Config // without a token
	fresh  func(t testing.TB) (namespace string)
	grant  func(t testing.TB, ns string, rules []rbacv1.PolicyRule) // to the user rotate, who may nothing else
	limit  func(t testing.TB, ns string)                            // no more Secrets than there are
	deny   func(t testing.TB, ns string)                            // by a policy whose words quote the data key value
	ending func(t testing.TB, ns string)                            // the namespace is being deleted
}

func fakeServer() (*kubefake.Fake, server) {
	f := kubefake.New(namespace, map[string][]rbacv1.PolicyRule{"admin": slices.Concat(allSecrets, allMaps), "rotate": leastRules})
	locked := func(change func()) {
		f.Mu.Lock()
		defer f.Mu.Unlock()
		change()
	}
	return f, server{
		conf: rest.Config{Host: "https://kubernetes.example.com", Transport: f},
		fresh: func(testing.TB) string {
			ns := "n-" + strings.ToLower(rand.Text())
			locked(func() { f.Namespaces[ns] = false })
			return ns
		},
		grant: func(_ testing.TB, ns string, rules []rbacv1.PolicyRule) {
			locked(func() { f.Rules["rotate@"+ns] = rules })
		},
		limit: func(_ testing.TB, ns string) { locked(func() { f.Quota[ns] = 0 }) },
		deny: func(testing.TB, string) {
			locked(func() { f.Deny = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no " })
		},
		ending: func(_ testing.TB, ns string) { locked(func() { f.Namespaces[ns] = true }) },
	}
}

// open is a store in a namespace, as a user whose token is its name.
func (v server) open(t testing.TB, c Config, user string) *store {
	t.Helper()
	if c.Namespace == "" {
		c.Namespace = v.fresh(t)
	}
	conf := v.conf
	conf.BearerToken = user
	s, err := c.connect(&conf)
	must(t, err)
	return s
}

// try makes a call as a person with every right would.
func (v server) try(t testing.TB, method, path string, body any) (int, []byte) {
	t.Helper()
	conf := v.conf
	conf.BearerToken = "admin"
	client, err := rest.HTTPClientFor(&conf)
	must(t, err)
	var text []byte
	if body != nil {
		text, err = json.Marshal(body)
		must(t, err)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, v.conf.Host+path, bytes.NewReader(text))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, text
}

func (v server) admin(t testing.TB, method, path string, body any) []byte {
	t.Helper()
	status, text := v.try(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return text
}

func at(ns, name string) string { return "/api/v1/namespaces/" + ns + "/secrets/" + name }

func (v server) object(t testing.TB, s *store, name string) *corev1.Secret {
	t.Helper()
	var object corev1.Secret
	must(t, json.Unmarshal(v.admin(t, "GET", at(s.Namespace, name), nil), &object))
	return &object
}

// edit changes a Secret as a person would with kubectl edit.
func (v server) edit(t testing.TB, s *store, name string, change func(*corev1.Secret)) {
	t.Helper()
	object := v.object(t, s, name)
	change(object)
	v.admin(t, "PUT", at(s.Namespace, name), object)
}

// stranger makes a Secret as somebody else would.
func (v server) stranger(t testing.TB, s *store, name string, data map[string]string) {
	t.Helper()
	v.admin(t, "POST", strings.TrimSuffix(at(s.Namespace, ""), "/"), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: bytesOf(data)})
}

func bytesOf(data map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for k, v := range data {
		out[k] = []byte(v)
	}
	return out
}

// harness runs the contract's suite.
func (v server) harness() providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB) providers.Store { return v.open(t, Config{}, "admin") },
		Reopen: func(t testing.TB, s providers.Store) providers.Store {
			return v.open(t, s.(*store).Config, "admin")
		},
		Lose: func(t testing.TB, s providers.Store, name string) {
			v.edit(t, s.(*store), name, func(o *corev1.Secret) { o.Data = nil })
		},
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) {
			v.edit(t, s.(*store), name, func(o *corev1.Secret) { o.Data = map[string][]byte{textKey: value} })
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			v.edit(t, s.(*store), name, func(o *corev1.Secret) { o.Data = map[string][]byte{textKey: old.Value.Reveal()} })
		},
		BadNames: []string{"Production-auth", "a_b", "-a", "a-", "a/b", "a..b", strings.Repeat("a", 254), "a%2fb", "é"},
	}
}

func TestContract(t *testing.T) {
	_, v := fakeServer()
	providertest.Run(t, v.harness())
}

// put writes and stops the test if that fails.
func put(t testing.TB, s providers.Store, text string, after providers.RevisionID, generation uint64) providers.Revision {
	t.Helper()
	rev, err := s.Write(t.Context(), name, providers.NewSecret([]byte(text)), after, noteOf(generation))
	must(t, err)
	return rev
}

func noteOf(generation uint64) providers.Note {
	return providers.Note{Lineage: "l", Generation: generation, Digest: fmt.Sprint("sha-256:", generation)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
