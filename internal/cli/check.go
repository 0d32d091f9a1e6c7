package cli

import (
	"context"
	"io"
	"slices"
	"strings"

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
	all               bool
}

func checkCommand(a *App) *cobra.Command {
	var o checkOptions
	cmd := help("check", &cobra.Command{
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), args, o) },
		ValidArgsFunction: func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			return a.completeSource(begun)
		},
	})
	f := cmd.Flags()
	f.StringArrayVar(&o.env, "env", nil, "a .env file of any name, or - for one on standard input; may be repeated")
	f.StringVar(&o.algorithm, "algorithm", "", "what the secrets are used with, for the length that it needs")
	f.BoolVar(&o.all, "all", false, "also count variables and members whose names are not those of secrets")
	f.StringVarP(&o.output, "output", "o", "text", "text, json or sarif")
	if err := cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "sarif"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is there
	}
	return cmd
}

func (a *App) check(ctx context.Context, args []string, o checkOptions) error {
	write, ok := answer.CheckedForms()[o.output]
	if !ok {
		return usage.New("-o: the output is text, json or sarif")
	}
	if len(args)+len(o.env) == 0 {
		return usage.New("nothing is named that could be checked", "a file, FILE#MEMBER, STORE:NAME, --env FILE, or - for standard input")
	}
	asks := ops.CheckOptions{All: o.all}
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
		one(reader.ReadEnv(path))
	}
	if len(failed) == 1 && len(args)+len(o.env) == 1 {
		return failed[0]
	}
	if err := write(a.Stdout, found); err != nil {
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

// completeSource offers what a source can be: files, stores, and after # the
// variables or members of what was named. It offers names, never a value.
func (a *App) completeSource(typed string) ([]string, cobra.ShellCompDirective) {
	before, _, part := strings.Cut(typed, "#")
	if !part {
		return a.completeFrom(&cobra.Command{}, nil, typed)
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	s, err := (&ops.Checker{Keys: a.configured(), Stdin: func() ([]byte, error) { return nil, nil }}).Read(ctx, before)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []string
	for _, name := range s.Parts() {
		all = append(all, before+"#"+name)
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
