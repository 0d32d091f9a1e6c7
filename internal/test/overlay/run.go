package overlay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Test runs tests, as `go test` takes them, in the module at root, with the file
// at path changed to text or, where text is nil, as they are. who is the tests
// that failed. An error tells why the run proves nothing: the change does not
// compile, a set-up failed, or a package ran out of its time of 10 minutes.
func Test(root, tests, path string, text []byte) (who []string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	// A package at a time, the changed one first: it is the likeliest to notice.
	args := []string{"test", "-json", "-vet=off", "-failfast", "-timeout=10m", "-p=1"}
	list := strings.Fields(tests)
	slices.SortStableFunc(list, func(a, b string) int { return own(path, b) - own(path, a) })
	if text != nil {
		laid, done, err := lay(filepath.Join(root, path), text)
		if err != nil {
			return nil, err
		}
		defer done()
		args = append(args, "-overlay="+laid)
	}
	out, stderr, failed := untilFailure(root, append(args, list...))
	if who, err = failures(out); err != nil {
		return nil, err
	}
	if (failed != nil) != (len(who) > 0) {
		return nil, fmt.Errorf("go test ended with %v, and %d tests failed:\n%s%s", failed, len(who), out, stderr)
	}
	return who, nil
}

// own is 1 for the package of the file at path, and for a flag, which has to
// stand before all packages.
func own(path, arg string) int {
	if arg == "./"+filepath.ToSlash(filepath.Dir(path)) || strings.HasPrefix(arg, "-") {
		return 1
	}
	return 0
}

// untilFailure runs the go command until it ends or a test has failed: what the
// other packages say then is of no interest.
func untilFailure(root string, args []string) (out []byte, stderr string, failed error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the test binaries are stopped with it
	var said bytes.Buffer
	cmd.Stderr = &said
	lines, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, "", err
	}
	read := bufio.NewReader(lines)
	for err == nil {
		var line []byte
		line, err = read.ReadBytes('\n')
		out = append(out, line...)
		if !bytes.Contains(line, []byte(`"Action":"fail"`)) {
			continue
		}
		if who, none := failures(out); none == nil && len(who) > 0 {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
			break
		}
	}
	_, _ = io.Copy(io.Discard, read)
	failed = cmd.Wait() // until it returns, said is still written to
	return out, said.String(), failed
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
	running := map[string]string{} // the last test of a package that began and did not end
	var packages []string
	for line := range bytes.Lines(out) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("not a line of go test -json: %q", line)
		}
		switch {
		case e.Action == "build-output" || e.Action == "output":
			said[e.Package] += e.Output
		case e.Action == "run" && !strings.Contains(e.Test, "/"):
			running[e.Package] = e.Test
		case e.Test == running[e.Package] && (e.Action == "pass" || e.Action == "skip"):
			running[e.Package] = ""
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
		case len(failed[p]) == 0 && running[p] != "" && strings.Contains(said[p], "panic: "):
			who = append(who, running[p]) // a panic in a bubble of synctest ends everything at once
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
