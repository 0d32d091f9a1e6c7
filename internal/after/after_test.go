package after

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// TestMain is the program as well that tests of Exec run, and the process that those
// of Signal send to.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "act" {
		act(os.Args[2:])
	}
	os.Exit(m.Run())
}

var change = Change{Key: "auth-jwt", Output: "/etc/shop/.env", Revision: "r1"}

// told is what a way says of its failure, and its advice; "" if it did not fail.
func told(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return "not an Error: " + err.Error()
	}
	return e.Error() + "\n" + e.Todo()
}

func holds(t *testing.T, err error, want ...string) {
	t.Helper()
	got := told(err)
	if len(want) == 0 && got != "" {
		t.Errorf("it failed: %s", got)
	}
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("it says %q, without %q", got, text)
		}
	}
}

func TestExecTellsWhatIsToBeRead(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	holds(t, Exec([]string{os.Args[0], "act", "record", seen, "an argument; exit 1"}).Wake(t.Context(), change))
	text, err := os.ReadFile(seen)
	if err != nil || string(text) != "auth-jwt /etc/shop/.env r1 an argument; exit 1" {
		t.Errorf("the program got %q, %v", text, err)
	}
	holds(t, Exec([]string{os.Args[0], "act", "fail"}).Wake(t.Context(), change), "exec "+os.Args[0]+": the program ended with exit status 7: no such shop")
}

// roller is a cluster.
type roller struct {
	got string
	err error
}

func (*roller) TakesWorkload(string) bool { return true }

func (r *roller) Rollout(_ context.Context, workload, output, revision string) error {
	r.got = workload + " " + output + " " + revision
	return r.err
}

func (r *roller) ProbeRollout(_ context.Context, workload string) error {
	r.got = "tried " + workload
	return r.err
}

func TestRollout(t *testing.T) {
	r := &roller{}
	holds(t, Rollout(r, "deployment/shop").Wake(t.Context(), change))
	if r.got != "deployment/shop auth-jwt /etc/shop/.env r1" {
		t.Errorf("rolled out %q", r.got)
	}
	r.err = &providers.Error{Op: "patch", Name: "deployment/shop", Kind: providers.ErrDenied, Hint: "the Role"}
	holds(t, Rollout(r, "deployment/shop").Wake(t.Context(), change), "kubernetes deployment/shop: patch deployment/shop: permission denied", "the Role")
}

// What would keep readers from being woken is found, and nobody is woken.
func TestTryWakesNobody(t *testing.T) {
	dir := t.TempDir()
	seen, plain := filepath.Join(dir, "seen"), filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, Exec([]string{os.Args[0], "act", "record", seen, "x"}).Try(t.Context()))
	if _, err := os.Stat(seen); err == nil {
		t.Error("the program was run")
	}
	holds(t, Exec([]string{filepath.Join(dir, "none")}).Try(t.Context()), "exec "+dir+"/none: the program cannot be run: no such file")
	holds(t, Exec([]string{dir}).Try(t.Context()), "the program cannot be run: ")
	holds(t, Exec([]string{plain}).Try(t.Context()), "the program cannot be run: permission denied")

	r := &roller{}
	holds(t, Rollout(r, "deployment/shop").Try(t.Context()))
	if r.got != "tried deployment/shop" {
		t.Errorf("the cluster was asked for %s", r.got)
	}
	r.err = &providers.Error{Op: "patch", Name: "deployment/shop", Kind: providers.ErrDenied, Hint: "the Role"}
	holds(t, Rollout(r, "deployment/shop").Try(t.Context()), "kubernetes deployment/shop: patch deployment/shop: permission denied", "the Role")

	var none Settings
	if none.Way(r) != nil {
		t.Error("no way is a way")
	}
	for _, s := range []Settings{{Systemd: "a.service"}, {Kubernetes: "deployment/a"}, {PIDFile: "/a", Signal: "HUP"}, {Exec: []string{"/a"}}} {
		if s.Way(r) == nil {
			t.Errorf("%+v is no way", s)
		}
	}
}
