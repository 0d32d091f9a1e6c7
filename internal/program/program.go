// Package program runs a program of the operator's: no shell, a clean environment,
// and an end.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// environment is all that a program gets beside what its caller adds. Credentials
// of stores stand in that of rotate.
var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}

// longest is how many bytes of a program's first line are kept.
const longest = 200

// Run runs a program, by its absolute path and its arguments, in the folder /, with
// some variables and a text on its standard input. It returns nil if the program
// ended with 0. The error tells how it ended, and the first line of what it printed,
// without control characters; the rest is thrown away. When ctx ends, the program
// and all that it started in its process group are killed.
func Run(ctx context.Context, argv, variables []string, input []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var said line
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) // #nosec G204 -- the program is the operator's
	cmd.Env, cmd.Dir, cmd.Stdin = append(environment[:len(environment):len(environment)], variables...), "/", bytes.NewReader(input)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for what has left the group and holds the pipe
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("the program did not end in time, and was killed")
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	ended, ran := errors.AsType[*exec.ExitError](err)
	if !ran {
		return fmt.Errorf("the program could not be run: %w", withoutPath(err))
	}
	if text := said.String(); text != "" {
		return fmt.Errorf("the program ended with %s: %s", ended, text)
	}
	return fmt.Errorf("the program ended with %s", ended)
}

// Missing tells why a program could not be run; nil if nothing is known against it. It
// is not run.
func Missing(path string) error {
	_, err := exec.LookPath(path)
	if failed, ok := errors.AsType[*exec.Error](err); ok {
		err = failed.Err
	}
	if err != nil {
		return fmt.Errorf("the program cannot be run: %w", withoutPath(err))
	}
	return nil
}

// withoutPath leaves out what the caller knows.
func withoutPath(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

// A line keeps the first line of what is written to it.
type line struct {
	text []byte
	full bool
}

func (l *line) Write(b []byte) (int, error) {
	if !l.full {
		first, _, more := bytes.Cut(b, []byte("\n"))
		l.text = append(l.text, first[:min(len(first), longest-len(l.text))]...)
		l.full = more || len(l.text) == longest
	}
	return len(b), nil
}

// String leaves out control characters, and what is no UTF-8.
func (l *line) String() string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, string(l.text)))
}
