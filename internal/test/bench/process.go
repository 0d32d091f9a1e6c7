package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/test/bench/pair"
)

// A command is a whole process, as a user would start it.
type command struct {
	args []string
	env  []string
	says string // its output has this, or it has not done what is measured
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
	if !strings.Contains(said.String(), c.says) {
		return run{}, fmt.Errorf("%v does not say %q:\n%s", c.args, c.says, &said)
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
	runs, err := inTurn(ctx, n, func(int) []command { return []command{a, b} })
	if err != nil {
		return comparison{}, err
	}
	return runs.ratio(0, 1), nil
}

// rounds are the runs of several commands in turn, by round and command.
type rounds [][]run

// inTurn runs the commands of a round one after the other, in n rounds after one,
// number 0, that does not count.
func inTurn(ctx context.Context, n int, round func(i int) []command) (rounds, error) {
	var all rounds
	for i := range n + 1 {
		var runs []run
		for _, c := range round(i) {
			r, err := c.run(ctx)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
		all = append(all, runs)
	}
	return all[1:], nil
}

// ratio compares the rounds' a-th command with their b-th.
func (rs rounds) ratio(a, b int) comparison {
	var wall, cpu []float64
	for _, r := range rs {
		wall = append(wall, float64(r[a].wall)/float64(r[b].wall))
		cpu = append(cpu, float64(r[a].cpu)/float64(r[b].cpu))
	}
	return comparison{pair.Median(wall), pair.Median(cpu)}
}

// build builds a program as a release is built.
func build(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg) //nolint:gosec // its own programs
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
