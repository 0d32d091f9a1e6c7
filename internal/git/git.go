// Package git runs git as a program, and asks it about repositories that it does not
// trust: a repository may name programs in its config, and rotate lets it run none.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// needs are the variables that git is given: no credential of a store, and no
// GIT_DIR of a hook, which names another repository. SUDO_UID says whose folders are
// safe (git-config(1), safe.directory).
var needs = []string{"PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID", "TMPDIR"}

// quiet keeps a repository's config from naming programs that git would run: for
// changes of files, differences, signatures and pages (git-config(1)).
var quiet = []string{
	"--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=", "-c", "log.showSignature=false",
}

// Command is git with arguments in a folder. It fetches nothing, asks nobody and
// reads objects as they are, without replacements. The error is that there is no git.
func Command(ctx context.Context, dir string, args ...string) (*exec.Cmd, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, slices.Concat(quiet, []string{"-C", dir}, args)...) // #nosec G204 -- git, with arguments of ours
	// An object that the repository lacks is not fetched, as its config says how to.
	cmd.Env = []string{
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0",
		"GIT_NO_REPLACE_OBJECTS=1", "LC_ALL=C",
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); slices.Contains(needs, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd, nil
}

// Output runs a command of git to its end and returns what it printed.
func Output(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd, err := Command(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	return cmd.Output()
}

// ExitedWith reports whether a command ended with this code.
func ExitedWith(err error, code int) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == code
}

// Said is an error of git with the first line that it printed about it.
func Said(err error, stderr []byte) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(stderr) == 0 {
		stderr = exit.Stderr
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(stderr), []byte("\n"))
	if err == nil || len(line) == 0 {
		return err
	}
	return fmt.Errorf("git: %s (%w)", bytes.TrimPrefix(line, []byte("fatal: ")), err)
}
