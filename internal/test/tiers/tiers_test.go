// Package tiers holds the two tiers of checks together: what .ci/run runs before
// every change lands, what `make conformance-all` runs beyond it, and the page
// that tells which is which.
package tiers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// stub is a command that only tells how it was called.
const stub = `#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$(basename "$0") $1" in "git clone") mkdir "$4";; esac
`

// ci runs parts of .ci/run over a README, with commands in place of Go, Git and make
// that only tell how they were called.
func ci(t *testing.T, readme string, parts ...string) (calls []string, said string, err error) {
	t.Helper()
	return ciOn(t, nil, readme, parts...)
}

// ciOn is the same with further commands of the host, by their names.
func ciOn(t *testing.T, host map[string]string, readme string, parts ...string) (calls []string, said string, err error) {
	t.Helper()
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(".ci/run", read(t, ".ci/run"))
	write("README.md", readme)
	write("bin/go", stub)
	write("bin/git", stub)
	write("bin/make", stub)
	for name, text := range host {
		write("bin/"+name, text)
	}
	cmd := exec.Command("bash", append([]string{filepath.Join(dir, ".ci/run")}, parts...)...)
	cmd.Env = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "CALLS=" + filepath.Join(dir, "calls"), "TMPDIR=" + dir}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	data, _ := os.ReadFile(filepath.Join(dir, "calls")) // there is none if nothing was called
	return strings.Fields(strings.ReplaceAll(string(data), " ", "_")), out.String(), err
}

// What the README shows is what is run: each line that it lacks fails the run
// before anything else is done, and so does the part that would run it.
func TestReadmeLinesAreRun(t *testing.T) {
	whole := read(t, "README.md")
	parts := map[string]struct{ line, call string }{
		"readme-first": {"$ go run ./cmd/rotate now -c config.example.yaml\n", "go_run_./cmd/rotate_now_-c_config.example.yaml"},
		"readme-tests": {"$ go test ./...\n", "go_test_./..."},
	}
	for part, want := range parts {
		calls, said, err := ci(t, whole, "readme-lines", part)
		if err != nil || !slices.Contains(calls, want.call) {
			t.Errorf("%s: %v, it called %q and said\n%s", part, err, calls, said)
		}
		if n := strings.Count(whole, want.line); n != 1 {
			t.Fatalf("README.md has %d lines %q", n, want.line)
		}
		for name, readme := range map[string]string{
			"no line":      strings.Replace(whole, want.line, "", 1),
			"another line": strings.Replace(whole, want.line, strings.TrimSuffix(want.line, "\n")+" -v\n", 1),
			"nothing":      "",
		} {
			for _, run := range [][]string{{"readme-lines"}, {part}, nil} {
				calls, said, err := ci(t, readme, run...)
				if err == nil || len(calls) > 0 || !strings.Contains(said, "README.md has no line") {
					t.Errorf("%s, %s, %q: %v, it called %q and said\n%s", part, name, run, err, calls, said)
				}
			}
		}
	}
}

// Each way to install that the README shows is three lines, which a harness runs as
// they stand.
func TestInstallationIsRun(t *testing.T) {
	_, after, _ := strings.Cut(read(t, "README.md"), "\n## Install\n")
	section, _, _ := strings.Cut(after, "\n## ")
	ways := regexp.MustCompile(`(?m)^# (.*)$`).FindAllStringSubmatch(section, -1)
	runs := []string{".ci/run", "e2e/systemd/8-upgrade.sh", "e2e/kubelet.sh"}
	if len(ways) != len(runs) {
		t.Fatalf("README.md has %d ways to install, and %d are run", len(ways), len(runs))
	}
	for i, way := range ways {
		lines, err := exec.Command(filepath.Join(root, "e2e/readme.sh"), way[1]).Output()
		if n := strings.Count(string(lines), "\n"); err != nil || n != 3 {
			t.Errorf("%s: %d lines, want 3: %v", way[1], n, err)
		}
		if call := `e2e/readme.sh "` + way[1] + `"`; !strings.Contains(read(t, runs[i]), call) {
			t.Errorf("%s does not call %s", runs[i], call)
		}
	}
	if err := exec.Command(filepath.Join(root, "e2e/readme.sh"), "no such way").Run(); err == nil {
		t.Error("a way that is not there has lines")
	}
}

// An unknown part is a slip of the pen, not a run that passed.
func TestUnknownPartFails(t *testing.T) {
	if _, said, err := ci(t, read(t, "README.md"), "no-such-part"); err == nil || !strings.Contains(said, "There are: readme-lines ") {
		t.Errorf("%v, it said\n%s", err, said)
	}
}

// Where no machine can be booted, that part is skipped by its name, and the run is
// told so at its end.
func TestSystemdAsInitIsRunOrNamed(t *testing.T) {
	root, user, yes, no := "#!/bin/sh\necho 0\n", "#!/bin/sh\necho 1000\n", "#!/bin/sh\n", "#!/bin/sh\nexit 1\n"
	for name, c := range map[string]struct {
		host map[string]string
		want string // at the end; "" if it is run
	}{
		"root":          {map[string]string{"id": root, "apt-get": yes, "unshare": yes}, ""},
		"a user":        {map[string]string{"id": user, "apt-get": yes, "unshare": yes}, "skipped on this host:\n  conformance-systemd: needs root\n"},
		"no namespaces": {map[string]string{"id": root, "apt-get": yes, "unshare": no}, "skipped on this host:\n  conformance-systemd: needs a host that"},
	} {
		calls, said, err := ciOn(t, c.host, read(t, "README.md"), "conformance-systemd")
		ran := slices.Contains(calls, "make_conformance-systemd")
		if err != nil || ran != (c.want == "") || !strings.Contains(said, c.want) || c.want == "" && strings.Contains(said, "skipped on this host") {
			t.Errorf("%s: %v, it called %q and said\n%s", name, err, calls, said)
		}
	}
}

// Every part of .ci/run and every target beyond it has its row on the page, and
// no row is of anything else. Every check that the Makefile has is in a tier.
func TestEveryCheckIsInATier(t *testing.T) {
	makefile, script := read(t, "Makefile"), read(t, ".ci/run")
	var inCI []string
	for _, m := range regexp.MustCompile(`(?m)^part (\S+)`).FindAllStringSubmatch(script, -1) {
		inCI = append(inCI, m[1])
	}
	all := regexp.MustCompile(`(?m)^BEYOND = (.*)$`).FindStringSubmatch(makefile)
	if all == nil || len(inCI) == 0 {
		t.Fatal("no parts, or no BEYOND")
	}
	beyond := strings.Fields(all[1])

	page := read(t, "docs/how-it-is-tested.md")
	rows := func(heading, row string) (names []string) {
		_, after, _ := strings.Cut(page, "\n"+heading+"\n")
		section, _, _ := strings.Cut(after, "\n#")
		for _, m := range regexp.MustCompile("(?m)^"+row).FindAllStringSubmatch(section, -1) {
			names = append(names, m[1])
		}
		return names
	}
	if got := rows("### Before every change: `.ci/run`", "\\| `([a-z-]+)` \\|"); !slices.Equal(got, inCI) {
		t.Errorf("docs/how-it-is-tested.md has rows for %q, .ci/run has the parts %q", got, inCI)
	}
	if got := rows("### By hand: `make conformance-all`", "\\| `make ([a-z-]+)` \\|"); !slices.Equal(got, beyond) {
		t.Errorf("docs/how-it-is-tested.md has rows for %q, the Makefile has BEYOND = %q", got, beyond)
	}

	for _, m := range regexp.MustCompile(`(?m)^(conformance[a-z-]*|mutants|judge|interleavings|planted|edges|faults|soak|fuzz|bench|guards|race):`).FindAllStringSubmatch(makefile, -1) {
		if name := m[1]; name != "conformance-all" && slices.Contains(inCI, name) == slices.Contains(beyond, name) {
			t.Errorf("make %s is in both tiers, or in none: name it in .ci/run or in BEYOND of the Makefile, and in docs/how-it-is-tested.md", name)
		}
	}
}
