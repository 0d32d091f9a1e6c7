package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/bench/pair"
)

// A command is a whole process, as a user would start it.
type command struct {
	args []string
	env  []string
}

// A run is what one process took.
type run struct {
	wall, cpu time.Duration
	rss       int64 // the most memory it had, in bytes
}

func (c command) run(ctx context.Context) (run, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...) //nolint:gosec // its own programs
	cmd.Env = append(os.Environ(), c.env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	begin := time.Now()
	err := cmd.Run()
	r := run{wall: time.Since(begin)}
	if err != nil && cmd.ProcessState.ExitCode() != 3 { // 3: done, and a person should look
		return run{}, fmt.Errorf("%v: %w\n%s", c.args, err, &said)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.rss = usage.Maxrss << 10 // KiB on Linux
	}
	return r, nil
}

// A comparison is two commands in turn: the medians of the ratios of all pairs.
type comparison struct{ wall, cpu float64 }

// compare runs a and b in turn, n times after one run that does not count.
func compare(ctx context.Context, n int, a, b command) (comparison, error) {
	var wall, cpu []float64
	for i := range n + 1 {
		ours, err := a.run(ctx)
		if err != nil {
			return comparison{}, err
		}
		theirs, err := b.run(ctx)
		if err != nil {
			return comparison{}, err
		}
		if i > 0 {
			wall = append(wall, float64(ours.wall)/float64(theirs.wall))
			cpu = append(cpu, float64(ours.cpu)/float64(theirs.cpu))
		}
	}
	return comparison{pair.Median(wall), pair.Median(cpu)}, nil
}

// build builds a program as a release is built.
func build(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg) //nolint:gosec // its own programs
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
