package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// commandEnv is all of the environment that a program gets. Credentials of stores
// stand in that of rotate.
var commandEnv = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}

// command runs a program with the message on its standard input. No shell reads
// the arguments, what the program prints is thrown away, and its whole process
// group ends with ctx.
func command(ctx context.Context, argv []string, body []byte) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the program is the operator's
	cmd.Env, cmd.Dir, cmd.Stdin = commandEnv, "/", bytes.NewReader(body)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errors.New("the program did not end in time, and was killed")
	case errors.As(err, &ended):
		return fmt.Errorf("the program ended with %s", ended.ProcessState) // its code, or the signal
	}
	return fmt.Errorf("the program could not be run: %w", withoutPath(err))
}
