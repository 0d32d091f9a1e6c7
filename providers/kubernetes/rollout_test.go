package kubernetes

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// workload answers a patch as the API server does: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
type workload struct {
	calls  []string
	status int
	reason string
}

func (w *workload) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.calls = append(w.calls, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), body))
	answer := `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"shop"}}`
	if w.status != http.StatusOK {
		answer = fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"deployments.apps \"shop\" %s","code":%d}`, w.reason, map[string]string{"NotFound": "not found"}[w.reason], w.status)
	}
	return &http.Response{StatusCode: w.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// rollouts is a config whose calls a workload answers.
func rollouts(t *testing.T, w *workload) *Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(file, []byte(`{apiVersion: v1, kind: Config, clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}],
contexts: [{name: here, context: {cluster: here, user: u}}], users: [{name: u, user: {}}]}`), 0o600))
	return &Config{Kubeconfig: file, Context: "here", Namespace: "shop", Transport: w}
}

// A rollout is one merge patch of one annotation, which is another for each output
// and says the same again for the same revision.
func TestRolloutIsOnePatch(t *testing.T) {
	w := &workload{status: http.StatusOK}
	c := rollouts(t, w)
	for _, call := range [][3]string{{"deployment/shop", "here jwt", "7"}, {"deployment/shop", "here jwt", "7"}, {"statefulset/shop", "here other", "8"}, {"daemonset/shop", "here jwt", "9"}} {
		must(t, c.Rollout(t.Context(), call[0], call[1], call[2]))
	}
	want := `PATCH /apis/apps/v1/namespaces/shop/deployments/shop?fieldManager=rotate application/merge-patch+json {"spec":{"template":{"metadata":{"annotations":{"keyrotate.github.io/read-abc9e42cc81f":"7"}}}}}`
	if w.calls[0] != want || w.calls[1] != want {
		t.Errorf("got\n%s\n%s\nwant\n%s", w.calls[0], w.calls[1], want)
	}
	if other := w.calls[2]; !strings.Contains(other, "/statefulsets/shop?") || strings.Contains(other, "read-abc9e42cc81f") {
		t.Errorf("another output: %s", other)
	}
	if !strings.Contains(w.calls[3], "/daemonsets/shop?") {
		t.Errorf("a DaemonSet: %s", w.calls[3])
	}
}

// A refusal says which right is missing, or that nothing of the name is there.
func TestRolloutRefused(t *testing.T) {
	for _, c := range []struct {
		status       int
		reason, hint string
		kind         error
	}{
		{http.StatusForbidden, "Forbidden", "resources: [deployments], verbs: [patch], resourceNames: [shop]", providers.ErrDenied},
		{http.StatusNotFound, "NotFound", "there is no such workload", providers.ErrUnavailable},
		{http.StatusInternalServerError, "InternalError", "", providers.ErrUnclear},
	} {
		w := &workload{status: c.status, reason: c.reason}
		err := rollouts(t, w).Rollout(t.Context(), "deployment/shop", "here jwt", "7")
		fails(t, err, c.kind, "patch deployment/shop in namespace shop")
		if e := err.(*providers.Error); !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: the hint is %q", c.reason, e.Hint)
		}
		if len(w.calls) != 1 {
			t.Errorf("%s: %d calls", c.reason, len(w.calls))
		}
		fails(t, rollouts(t, w).ProbeRollout(t.Context(), "deployment/shop"), c.kind, "patch deployment/shop in namespace shop")
	}
}

// A probe is a patch that the API server checks and does not make.
func TestProbeRolloutRollsNothingOut(t *testing.T) {
	w := &workload{status: http.StatusOK}
	must(t, rollouts(t, w).ProbeRollout(t.Context(), "deployment/shop"))
	if len(w.calls) != 1 || !strings.HasPrefix(w.calls[0], "PATCH /apis/apps/v1/namespaces/shop/deployments/shop?dryRun=All&fieldManager=rotate application/merge-patch+json ") {
		t.Errorf("called %q", w.calls)
	}
}

func TestTakesWorkload(t *testing.T) {
	for workload, want := range map[string]bool{
		"deployment/shop": true, "statefulset/db.main": true, "daemonset/a": true,
		"shop": false, "deployment/": false, "deployment/Shop": false, "pod/shop": false, "deployment/a/b": false, "deployments/shop": false,
	} {
		if got := new(Config).TakesWorkload(workload); got != want {
			t.Errorf("%s: %v", workload, got)
		}
	}
}
