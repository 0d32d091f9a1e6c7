package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Test runs tests, as `go test` takes them, in the module at root, with the file
// at path changed to text or, where text is nil, as they are. who is the tests
// that failed. An error tells why the run proves nothing: the change does not
// compile, a set-up failed, or a package ran out of its time of 5 minutes.
func Test(root, tests, path string, text []byte) (who []string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	args := []string{"test", "-json", "-vet=off", "-failfast", "-timeout=5m"}
	if text != nil {
		list, done, err := lay(filepath.Join(root, path), text)
		if err != nil {
			return nil, err
		}
		defer done()
		args = append(args, "-overlay="+list)
	}
	cmd := exec.Command("go", append(args, strings.Fields(tests)...)...)
	cmd.Dir = root
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

// lay writes the list that makes the go command read text in place of a file.
func lay(file string, text []byte) (list string, done func(), err error) {
	dir, err := os.MkdirTemp("", "overlay")
	if err != nil {
		return "", nil, err
	}
	changed := filepath.Join(dir, "changed.go")
	list = filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	err = errors.Join(err, os.WriteFile(changed, text, 0o600), os.WriteFile(list, replace, 0o600))
	return list, func() { _ = os.RemoveAll(dir) }, err
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
