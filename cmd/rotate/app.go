package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/metrics"
	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// The exit codes.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2 // the command line or the config is wrong: nothing was tried
	exitAttention = 3 // done, but something needs a person
)

// An app is rotate without a process around it: what it takes from the host is
// in its fields, so that tests run it as it is.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	clock          func() rotation.Clock
	newID          func() string
	isTerminal     func(any) bool // of one of the three above
	columns        func(any) int  // of a terminal
	actor          string         // who this is, in audit events and requests
	stores         config.Registry

	voice      *ui.Voice
	configPath string // --config
	listen     string // of the config that counts
	trail      audit.File
	lost       atomic.Bool      // an event is missing in the trail
	metrics    *metrics.Metrics // of a daemon; nil elsewhere
	alarm      func(error)      // how a lost event is told
	hardened   error            // why this process is less guarded than it should be
	started    bool             // the command line was understood
}

// run is main with an exit code.
func (a *app) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			a.tell(bug.Of(v))
			code = exitFailed
		}
	}()
	a.voice = &ui.Voice{Err: a.stderr, Terminal: a.isTerminal(a.stderr)}
	a.alarm = func(err error) {
		a.voice.Warn("the event is not on record: %v; what it tells has happened all the same", err)
	}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.voice.Done()
	if err == nil && a.lost.Load() {
		err = errAttention
	}
	if err != nil && !a.started {
		err = errors.New(scrub(err.Error(), args)) // cobra quotes whatever it does not know
	}
	return a.exit(err)
}

// root is the command line.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rotate",
		Short: "Rotate the keys that sign and verify tokens, without logging anyone out",
		Long: `rotate makes the keys that sign and verify tokens, keeps them in secret
managers or files, and replaces them on a schedule: the next key is published
before it signs, the previous one verifies until its grace has ended.

Applications sign with current and verify with all three: current, next, previous.

Exit codes: 0 done, 1 failed, 2 usage or config, 3 done but something needs attention.`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
		RunE:             func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVarP(&a.configPath, "config", "c", "",
		"config file, or folder of files (default $ROTATE_CONFIG, ./rotate.yaml, /etc/rotate/rotate.yaml)")
	root.AddCommand(
		a.runCommand(), a.nowCommand(), a.revokeCommand(), a.acceptCommand(), a.statusCommand(), a.planCommand(), a.adoptCommand(), a.getCommand(),
		a.forgetCommand(), a.validateCommand(), a.auditCommand(), a.generateCommand(), a.schemaCommand(), a.versionCommand(),
	)
	return root
}

// A usageError is a command line that cannot be served.
type usageError struct{ msg, hint string }

func (e *usageError) Error() string { return e.msg }

// errAttention ends a command that has said all there is to say: it is done,
// but a person should look.
var errAttention = errors.New("something needs attention")

// errTold ends a command that failed and has said so.
var errTold = errors.New("failed, as told above")

// exit says what is left to say about an error, and turns it into a code.
func (a *app) exit(err error) int {
	var usage *usageError
	var problems config.Problems
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errAttention):
		return exitAttention
	case errors.Is(err, errTold):
		return exitFailed
	case errors.As(err, &problems):
		a.voice.Block(problems.Error())
		return exitUsage
	case errors.As(err, &usage):
		a.voice.Error(usage)
		if usage.hint != "" {
			a.voice.Hint("%s", usage.hint)
		}
		return exitUsage
	case !a.started:
		a.voice.Error(err)
		a.voice.Hint("rotate help, or rotate COMMAND --help, lists what there is")
		return exitUsage
	}
	a.tell(err)
	return exitFailed
}

// tell says an error; of a bug also where it is.
func (a *app) tell(err error) {
	a.voice.Error(err)
	if caught, ok := errors.AsType[*bug.Panic](err); ok {
		a.voice.Block(strings.Join(caught.Stack, "\n"))
	}
}

// engine is the one that all passes of this process run on. What it tells is
// kept in the audit file, too; an engine that only looks has nothing to tell.
func (a *app) engine(audit func(engine.Event)) *engine.Engine {
	if audit != nil {
		audit = a.recorded(audit)
	}
	return &engine.Engine{Clock: a.clock, NewID: a.newID, Audit: audit, Actor: a.actor}
}
