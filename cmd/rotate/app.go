package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
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
	isJournal      func(any) bool // the same of systemd's journal
	columns        func(any) int  // of a terminal
	actor          string         // who this is, in audit events and requests
	stores         stores.Registry

	voice      *say.Voice
	configPath string // --config
	trail      audit.File
	lost       atomic.Bool // an event is missing in the trail
	hardened   error       // why this process is less guarded than it should be
	started    bool        // the command line was understood
}

// run is main with an exit code.
func (a *app) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			a.tell(bug.Of(v))
			code = exitFailed
		}
	}()
	a.voice = &say.Voice{Err: a.stderr, Terminal: a.isTerminal(a.stderr), Journal: a.isJournal(a.stderr)}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.voice.Done()
	if err == nil && a.lost.Load() {
		err = errAttention
	}
	if err != nil && !a.started {
		err = errors.New(usage.Scrub(err.Error(), args)) // cobra quotes whatever it does not know
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

// errAttention ends a command that has said all there is to say: it is done,
// but a person should look.
var errAttention = errors.New("something needs attention")

// errTold ends a command that failed and has said so.
var errTold = errors.New("failed, as told above")

// exit says what is left to say about an error, and turns it into a code.
func (a *app) exit(err error) int {
	var unclear *ops.UnclearError
	var usage *usage.Error
	var problems strictyaml.Problems
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errAttention):
		return exitAttention
	case errors.Is(err, errTold):
		return exitFailed
	case errors.As(err, &unclear):
		a.tell(err)
		return exitAttention
	case errors.As(err, &problems):
		a.voice.Block(problems.Error())
		return exitUsage
	case errors.As(err, &usage):
		a.voice.Error(usage)
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

// host is what operations take from this process. log has every event.
func (a *app) host(log *slog.Logger) *ops.Host {
	return &ops.Host{Now: a.now, Clock: a.clock, NewID: a.newID, Actor: a.actor, Trail: &a.trail, Log: log, Lost: a.lostEvent}
}

// quiet is the log of what tells nothing.
var quiet = slog.New(slog.DiscardHandler)

// lostEvent says once that the audit file lacks something; the exit code is 3 then.
func (a *app) lostEvent(err error) {
	if !a.lost.Swap(true) {
		a.voice.Warn("the event is not on record: %v; what it tells has happened all the same", err)
	}
}

// read reads the config. Nothing counts of it before use.
func (a *app) load() (*config.Config, string, error) {
	return fleet.Read(a.configPath, a.getenv, a.stores)
}

// A choice says which keys of the config a command is about.
type choice struct {
	names []string
	all   bool
}

// keys are the chosen ones, by name. Without a choice it is the only one. The
// config's audit file counts from here on.
func (a *app) keys(c choice) ([]*fleet.Key, error) {
	conf, _, err := a.load()
	if err != nil {
		return nil, err
	}
	a.trail.Use(conf.AuditFile)
	return fleet.Choose(fleet.Of(conf, nil), c.names, c.all)
}
