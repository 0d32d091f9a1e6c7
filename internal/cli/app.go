// Package cli is the command line of rotate: flags, what goes to which stream, and
// exit codes. What a command does is package ops, and what it answers package
// answer.
package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
	_ "time/tzdata" // CRON_TZ= on hosts and in containers that have no zones

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/process"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/internal/version"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// The exit codes.
const (
	Done      = 0
	Failed    = 1
	Usage     = 2 // the command line or the config is wrong: nothing was tried
	Attention = 3 // done, but something needs a person
)

// An App is rotate without a process around it: what it takes from the host is in
// its fields, so that tests run it as it is. It runs one command line.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	Clock          func() rotation.Clock
	NewID          func() string
	IsTerminal     func(any) bool                             // of one of the three streams
	IsJournal      func(any) bool                             // the same of systemd's journal
	Size           func(any) (columns, lines int)             // of a terminal
	Password       func(context.Context, any) ([]byte, error) // what is typed on a terminal, unseen
	Actor          string                                     // who this is, in audit events and requests
	Types          stores.Registry
	Hardened       error // why this process is less guarded than it should be; nil if it is not

	console  *console.Console
	document form.Document // that standard output gets; nil where it gets text, or a report that is written at once
	json     bool          // -o json
	path     string        // --config
	trail    audit.File
	lost     atomic.Bool // an event is missing in the trail
	started  bool        // the command line was understood
}

// New is the App of this process, with these types of stores.
func New(types stores.Registry) *App {
	clock := &engine.SystemClock{}
	return &App{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Now: time.Now, Clock: clock.Now, NewID: rand.Text,
		IsTerminal: process.IsTerminal, IsJournal: process.IsJournal, Size: process.Size, Password: process.Password, Actor: process.Actor(),
		Types: types,
	}
}

// Main runs the command line of this process: hardened, interruptible, with an
// exit code.
func (a *App) Main() int {
	a.Hardened = process.Harden()
	ctx, stop := process.Interruptible()
	defer stop()
	return a.Run(ctx, os.Args[1:])
}

// endWithin is how long a command may go on once it was told to end. A daemon leaves
// its passes a little before.
const endWithin = 4900 * time.Millisecond

// lastWord is how long the message about what hangs may take.
const lastWord = 50 * time.Millisecond

// Run runs a command line and returns its exit code. It returns within 5 s of the
// end of ctx, even if a call heeds no context: then it tells which, and the command
// has failed. What hangs ends with the process, as do its locks.
func (a *App) Run(ctx context.Context, args []string) int {
	a.console = &console.Console{
		Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr, Now: a.Now, IsTerminal: a.IsTerminal,
		Voice: &say.Voice{Err: a.Stderr, Terminal: a.IsTerminal(a.Stderr), Journal: a.IsJournal(a.Stderr)},
	}
	ctx, calls := stores.Watch(ctx)
	ended := make(chan int, 1)
	go func() {
		code := Failed
		defer func() { ended <- code }()
		code = a.run(ctx, args)
	}()
	select {
	case code := <-ended:
		return code
	case <-ctx.Done():
	}
	late := time.NewTimer(endWithin)
	defer late.Stop()
	select {
	case code := <-ended:
		return code
	case <-late.C:
		told := make(chan struct{})
		go func() { // a pipe that nobody reads may hold up the last word as well
			defer close(told)
			a.console.Voice.Error(say.Failed(say.Hanging("5 s", calls.Hanging())))
		}()
		select {
		case <-told:
		case <-time.After(lastWord):
		}
		return Failed
	}
}

// run is Run for as long as it takes.
func (a *App) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if v := recover(); v != nil {
			err := bug.Of(v)
			a.console.Tell(err)
			code = a.finish(Failed, err)
		}
	}()
	root := a.Root()
	root.SetArgs(args)
	err := root.ExecuteContext(providers.TellWaiting(ctx, func(what string) { a.console.Voice.Note("%s", what) }))
	a.console.Voice.Done()
	if err == nil && a.lost.Load() {
		err = console.ErrAttention
	}
	if _, own := err.(*usage.Error); err != nil && !a.started && !own {
		err = errors.New(usage.Scrub(err.Error(), args)) // cobra quotes whatever it does not know
	}
	return a.finish(a.exit(err), err)
}

// Root is the command line.
func (a *App) Root() *cobra.Command {
	root := help("rotate", &cobra.Command{
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
		RunE:             func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:          version.Of().Line(),
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.PersistentFlags().StringVarP(&a.path, "config", "c", "",
		"config file, or folder of files (default $ROTATE_CONFIG, ./rotate.yaml, /etc/rotate/rotate.yaml)")
	for _, command := range []func(*App) *cobra.Command{
		runCommand, nowCommand, pauseCommand, resumeCommand, revokeCommand, acceptCommand, statusCommand, planCommand, adoptCommand, getCommand,
		removeCommand, forgetCommand, listCommand, inventoryCommand, policyCommand, checkCommand, inspectCommand, validateCommand, auditCommand, generateCommand, schemaCommand, versionCommand,
	} {
		root.AddCommand(command(a))
	}
	a.complete(root)
	return root
}

// exit says what is left to say about an error, and turns it into a code.
func (a *App) exit(err error) int {
	var unclear *ops.UnclearError
	var wrong *usage.Error
	var problems strictyaml.Problems
	switch {
	case err == nil:
		return Done
	case errors.Is(err, console.ErrAttention):
		return Attention
	case errors.Is(err, console.ErrTold):
		return Failed
	case errors.As(err, &unclear):
		a.console.Tell(err)
		return Attention
	case errors.As(err, &problems):
		a.console.Voice.Block(problems.Error())
		return Usage
	case errors.As(err, &wrong):
		a.console.Voice.Error(wrong)
		return Usage
	case !a.started:
		a.console.Voice.Error(err)
		a.console.Voice.Hint("rotate help, or rotate COMMAND --help, lists what there is")
		return Usage
	}
	a.console.Tell(err)
	return Failed
}

// host is what operations take from this process. log has every event.
func (a *App) host(log *slog.Logger) *ops.Host {
	return &ops.Host{Now: a.Now, Clock: a.Clock, NewID: a.NewID, Actor: a.Actor, Trail: &a.trail, Log: log, Lost: a.lostEvent}
}

// lostEvent says once that the audit file lacks something; the exit code is 3 then.
func (a *App) lostEvent(err error) {
	if !a.lost.Swap(true) {
		a.console.Voice.Warn("the audit file does not have this event, though what it tells did happen: %v", err)
	}
}

// load reads the config. Nothing counts of it before keys.
func (a *App) load() (*config.Config, string, error) { return fleet.Read(a.path, a.Getenv, a.Types) }

// keys are those of the config that were named, or all of them. The config's audit
// file counts from here on.
func (a *App) keys(names []string, all bool) ([]*fleet.Key, error) {
	conf, _, err := a.load()
	if err != nil {
		return nil, err
	}
	a.trail.Use(conf.AuditFile)
	return fleet.Choose(fleet.Of(conf, nil), names, all)
}

// work is the host and the keys of a command that changes something.
func (a *App) work(names []string, all bool, format string) (*ops.Host, []*fleet.Key, error) {
	keys, err := a.keys(names, all)
	if err != nil {
		return nil, nil, err
	}
	log, err := a.console.Logger(format)
	if err != nil {
		return nil, nil, err
	}
	return a.host(log), keys, nil
}

// look is the host and the keys of a command that changes nothing.
func (a *App) look(names []string, all bool) (*ops.Host, []*fleet.Key, error) {
	keys, err := a.keys(names, all)
	return a.host(slog.New(slog.DiscardHandler)), keys, err
}
