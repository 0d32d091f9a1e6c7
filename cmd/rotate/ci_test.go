package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The step of deploy/ci/action.yml (docs/check.md), as a runner calls it: with inputs as
// variables.
func TestActionChecks(t *testing.T) {
	rotate := binary(t)
	script, err := filepath.Abs("../../deploy/ci/check.sh")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Using string
			Steps []struct {
				Env   map[string]string
				Run   string
				Shell string
			}
		}
	}
	text, err := os.ReadFile("../../deploy/ci/action.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &action)
	}
	if err != nil {
		t.Fatal(err)
	}
	input := regexp.MustCompile(`^\$\{\{ inputs\.([a-z]+) \}\}$`)
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") || step.Shell != "bash" {
			t.Errorf("an input stands in a script, where it would be run: %q", step.Run)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"bad.env": "JWT_SECRET=password\n", "odd name.env": "", "good.env": "JWT_SECRET=q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for files, want := range map[string]int{"": 0, "good.env": 0, "bad.env": 3, "good.env bad.env": 3, "good.env\nbad.env\n": 3, "nope.env": 2, "$(touch evil)": 1} {
		step := action.Runs.Steps[len(action.Runs.Steps)-1]
		cmd := exec.Command("bash", "-c", step.Run)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GITHUB_ACTION_PATH="+filepath.Dir(script))
		for name, value := range step.Env {
			m := input.FindStringSubmatch(value)
			if m == nil {
				t.Fatalf("%s: %s is no input", name, value)
			}
			text := action.Inputs[m[1]].Default
			switch m[1] {
			case "files":
				text = files
			case "rotate":
				text = rotate
			}
			cmd.Env = append(cmd.Env, name+"="+text)
		}
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q: exit code %d, want %d: %v\n%s", files, got, want, err, out)
		}
		if want == 3 {
			sarif, err := os.ReadFile(filepath.Join(dir, "rotate-sarif/secrets.sarif"))
			if err != nil || !json.Valid(sarif) || !bytes.Contains(sarif, []byte("bad.env")) {
				t.Errorf("%q: %v\n%s", files, err, sarif)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("an input was run")
	}
}

// The hooks of pre-commit are calls that the command line understands, and take the
// files that they are for.
func TestPreCommitHooks(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Entry, Files string }
	if err := yaml.Unmarshal(text, &hooks); err != nil || len(hooks) != 2 {
		t.Fatal(hooks, err)
	}
	for _, h := range hooks {
		args := strings.TrimPrefix(h.Entry, "rotate ")
		if why := misunderstood(t, args, false); why != "" {
			t.Errorf("%s: %s", h.Entry, why)
		}
	}
	files := regexp.MustCompile(hooks[0].Files)
	for name, want := range map[string]bool{".env": true, "a/.env.local": true, "a/prod.env": true, "tls.key": true, "a.pem": true, "env": false, "a.environment": false, "a.envrc": false} {
		if files.MatchString(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}
