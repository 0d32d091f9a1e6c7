package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

func TestValidate(t *testing.T) {
	for word, c := range map[string]Config{
		"context is not set":          {Kubeconfig: "k"},
		"namespace is not set":        {Context: "c"},
		"namespace is not a name":     {Namespace: "A b"},
		"secret_type is one of":       {SecretType: "kubernetes.io/tls"},
		"owner needs all of":          {Owner: Owner{Kind: "Deployment"}},
		`"a b" is not a label`:        {Labels: map[string]string{"a b": "c"}},
		managedBy:                     {Labels: map[string]string{managedBy: "Helm"}},
		"keyrotate.github.io/note":    {Annotations: map[string]string{"keyrotate.github.io/note": "{}"}},
		`"a b" is not an annotation`:  {Annotations: map[string]string{"a b": "c"}},
		"is not a label that can be ": {Labels: map[string]string{"team": "no blanks"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v, want %s", c, err, word)
		}
	}
	for _, c := range []Config{{}, {Namespace: "shop"}, {Context: "c", Namespace: "shop", Annotations: map[string]string{"reloader.stakater.com/match": "true"}}} {
		must(t, c.Validate())
	}
}

// A kubeconfig's context is named, never the current one.
func TestKubeconfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(file, []byte(`apiVersion: v1
kind: Config
current-context: other
clusters:
- {name: here, cluster: {server: "https://here.example.com"}}
- {name: other, cluster: {server: "https://other.example.com"}}
contexts:
- {name: here, context: {cluster: here, user: u}}
- {name: other, context: {cluster: other, user: u}}
users:
- {name: u, user: {token: canary}}
`), 0o600))
	c := &Config{Kubeconfig: filepath.Base(file), Context: "here", Namespace: "shop"}
	c.Relative(filepath.Dir(file))
	s, err := c.open()
	must(t, err)
	if got := s.core.Get().URL().Host; got != "here.example.com" {
		t.Errorf("it talks to %s", got)
	}
	c.Context = "gone"
	_, err = c.Open(t.Context())
	fails(t, err, providers.ErrUnsafe, `"gone"`)

	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err = (&Config{Namespace: "shop"}).Open(t.Context())
	fails(t, err, providers.ErrUnsafe, "this is no pod", "set context")
}
