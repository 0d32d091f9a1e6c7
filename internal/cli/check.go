package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

type checkOptions struct {
	env               []string
	output, algorithm string
	passphraseFile    string
	all, git, reuse   bool
}

func checkCommand(a *App) *cobra.Command {
	var o checkOptions
	cmd := help("check", &cobra.Command{
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case (o.git || o.reuse) && (o.git && o.reuse || o.all || len(o.env) > 0 || o.algorithm != "" || o.passphraseFile != ""):
				return usage.New("--git and --reuse go by themselves: of the other options they take -o and -c only")
			case o.git:
				return a.checkGit(cmd.Context(), args, o)
			case o.reuse:
				return a.checkReuse(cmd.Context(), args, o)
			}
			return a.check(cmd.Context(), args, o)
		},
	})
	a.outputFlag(cmd, &o.output, "text", "json", "sarif")
	f := cmd.Flags()
	f.StringArrayVar(&o.env, "env", nil, "a .env file of any name, or - for one on standard input; may be repeated")
	f.StringVar(&o.algorithm, "algorithm", "", "what the secrets are used with, for the length that it needs")
	f.BoolVar(&o.all, "all", false, "also count variables and members whose names are not those of secrets")
	f.BoolVar(&o.git, "git", false, "look for the keys of the config in every object of the Git repository at PATH")
	f.BoolVar(&o.reuse, "reuse", false, "compare the keys of these configs: which ones are the same?")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", passphraseUsage)
	return cmd
}

func (a *App) check(ctx context.Context, args []string, o checkOptions) error {
	if len(args)+len(o.env) == 0 {
		return usage.New("nothing is named that could be checked", "a file, FILE#MEMBER, STORE:NAME, --env FILE, or - for standard input")
	}
	input := slices.Contains(args, "-") || slices.Contains(o.env, "-")
	asks := ops.CheckOptions{All: o.all, Passphrase: a.passphrase(ctx, o.passphraseFile, input)}
	if o.algorithm != "" {
		var err error
		if asks.Algorithm, err = algorithmOf(o.algorithm); err != nil {
			return err
		}
	}
	reader, err := a.checker(ctx)
	if err != nil {
		return err
	}
	var found []report.Finding
	var failed []error
	one := func(s ops.CheckSource, err error) {
		var checked ops.Checked
		if err == nil {
			asks.Names = reader.Names(s)
			if checked, err = ops.Check(s, asks); err != nil {
				err = answer.Unchecked(s, err)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
		found = append(found, checked.Findings...)
		for _, remark := range answer.CheckRemarks(s, checked) {
			a.console.Voice.Note("%s", remark)
		}
	}
	for _, arg := range args {
		one(reader.Read(ctx, arg))
	}
	for _, path := range o.env {
		one(reader.ReadEnv(ctx, path))
	}
	if len(failed) == 1 && len(args)+len(o.env) == 1 {
		return failed[0]
	}
	if err := answer.CheckedForms(a.Now())[o.output](a.Stdout, found); err != nil {
		return console.Unwritten(err)
	}
	for _, err := range failed {
		a.console.Tell(err)
	}
	guessable := slices.ContainsFunc(found, func(f report.Finding) bool { return f.Result.Verdict == judge.Guessable })
	if guessable && o.output == "text" {
		a.console.Voice.Hint("%s", answer.Advice)
	}
	if len(failed) > 0 {
		return console.ErrTold
	}
	return console.Attention(guessable)
}

// checker takes what a check needs of this process. A config is of use where there
// is one: for its stores, and the names in it.
func (a *App) checker(ctx context.Context) (*ops.Checker, error) {
	c := &ops.Checker{
		Lookup: func(name string) (string, bool) { v := a.Getenv(name); return v, v != "" },
		Stdin: func() ([]byte, error) {
			return console.UnlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.Stdin, intake.MaxSource+1)) })
		},
	}
	keys, err := a.keysAround()
	c.Keys = keys
	return c, err
}

// keysAround is the keys of the config that is named, or of the one that lies
// around; none if there is none.
func (a *App) keysAround() ([]*fleet.Key, error) {
	if _, err := config.Find(a.path, a.Getenv); err != nil {
		return nil, nil //nolint:nilerr // there is none
	}
	conf, path, err := a.load()
	switch {
	case err == nil:
		return fleet.Of(conf, nil), nil
	case a.path != "" || a.Getenv("ROTATE_CONFIG") != "":
		return nil, err
	}
	a.console.Voice.Warn("%s is no valid config (rotate validate says why): its stores and names are not used", path)
	return nil, nil
}
