package guards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// goTest runs tests, as `go test` takes them, with a file changed or, where text
// is nil, as they are. The sources stay as they are. who is the tests that
// failed, in the order in which they did; the error tells why the run proves
// nothing.
func goTest(t *testing.T, tests, path string, text []byte) (who []string, err error) {
	t.Helper()
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"test", "-json", "-vet=off", "-failfast", "-timeout=5m"}
	if text != nil {
		dir := t.TempDir()
		changed, list := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(abs, path): changed}})
		if err := errors.Join(err, os.WriteFile(changed, text, 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-overlay="+list)
	}
	cmd := exec.Command("go", append(args, strings.Fields(tests)...)...)
	cmd.Dir = abs
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, failed := cmd.Output()
	if who, err = failures(out); err != nil {
		return nil, err
	}
	if (failed != nil) != (len(who) > 0) {
		return nil, fmt.Errorf("go test ended with %v, and %d tests failed:\n%s%s", failed, len(who), out, stderr.String())
	}
	return who, nil
}

// An event is a line of `go test -json`; see go doc test2json.
type event struct{ Action, Package, Test, Output string }

// failures returns the tests that failed in a run. That something did not build,
// or that a package ran out of time, is no failed test: the error tells it,
// unless a test of another package failed.
func failures(out []byte) (who []string, err error) {
	said, failed := map[string]string{}, map[string][]string{}
	var packages []string
	for line := range bytes.Lines(out) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("not a line of go test -json: %q", line)
		}
		switch {
		case e.Action == "build-output" || e.Action == "output":
			said[e.Package] += e.Output
		case e.Action == "build-fail":
			return nil, fmt.Errorf("it does not compile:\n%s", said[""])
		case e.Action == "fail" && e.Test == "":
			packages = append(packages, e.Package)
		case e.Action == "fail" && !strings.Contains(e.Test, "/"): // subtests fail with it
			failed[e.Package] = append(failed[e.Package], e.Test)
		}
	}
	for _, p := range packages {
		switch {
		case strings.Contains(said[p], "panic: test timed out after "):
			err = errors.Join(err, fmt.Errorf("%s ran out of time:\n%s", p, said[p]))
		case len(failed[p]) == 0:
			err = errors.Join(err, fmt.Errorf("%s failed, and none of its tests did:\n%s", p, said[p]))
		default:
			who = append(who, failed[p]...)
		}
	}
	if len(who) > 0 {
		return who, nil
	}
	return nil, err
}

// passes holds that tests pass as they are, once for each set of them: else no
// change could be told to be noticed by them.
func passes(t *testing.T, tests string) {
	t.Helper()
	once, _ := baselines.LoadOrStore(tests, sync.OnceValue(func() error {
		who, err := goTest(t, tests, "", nil)
		if len(who) > 0 {
			err = fmt.Errorf("%s fail without any change", strings.Join(who, ", "))
		}
		return err
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatal(err)
	}
}

var baselines sync.Map
