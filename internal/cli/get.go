package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

// getOptions are the flags of get.
type getOptions struct {
	format, envName string
	show            bool
}

func getCommand(a *App) *cobra.Command {
	o := getOptions{format: string(format.Value)}
	cmd := help("get", &cobra.Command{
		Args: counted(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.get(cmd.Context(), args, o) },
	})
	cmd.Flags().StringVar(&o.format, "format", o.format, "value, env, list, jwks, pem or keyset")
	cmd.Flags().StringVar(&o.envName, "env-name", "", "of the first variable of env; the others have _NEXT and _PREVIOUS after it (default JWT_SECRET)")
	cmd.Flags().BoolVar(&o.show, "show", false, "print a secret even if standard output is a terminal")
	a.documented(cmd, func() form.Document { return &form.Material{Head: form.Head{Schema: form.Get}} })
	return cmd
}

func (a *App) get(ctx context.Context, names []string, o getOptions) error {
	f, err := o.parse()
	if err != nil {
		return err
	}
	secret := f != format.JWKS && f != format.PEM
	if secret && !o.show && a.IsTerminal(a.Stdout) {
		return usage.New("standard output is a terminal, and what get prints is a secret: it would stay in the scrollback",
			"a file: the same command with > FILE after it, under umask 077; this terminal: the same command with --show")
	}
	h, keys, err := a.look(names, false)
	if err != nil {
		return err
	}
	k := keys[0]
	set, err := h.Keyset(ctx, k)
	if err != nil {
		return err
	}
	text, err := f.Render(set, format.Options{Current: o.envName})
	switch err = wrapped(k.Name, err); {
	case errors.Is(err, format.ErrNoPublic):
		return usage.New(err.Error())
	case err != nil:
		return err
	}
	now := a.Now()
	hidden := k.Outlook(set).Hidden(now, time.Time{})
	if f != format.Env {
		hidden.Keys = nil // other formats have them all, or only one
	}
	if len(hidden.Keys) > 0 {
		a.console.Voice.Warn("key %s: %s", k.Name, say.Hidden(hidden, say.From(now)))
	}
	if a.document == nil {
		return a.console.Print(text.Reveal())
	}
	a.document = answer.Material(k, set, f, text, hidden)
	return nil
}

// parse reads the format, and holds --env-name against it.
func (o getOptions) parse() (format.Format, error) {
	f, err := format.Parse(o.format)
	switch {
	case err != nil:
		return f, usage.New("--format: "+usage.Name(o.format, "what was given")+" is an unknown format", "known are "+strings.Trim(fmt.Sprint(format.All()), "[]"))
	case o.envName != "" && f != format.Env:
		return f, usage.New("--env-name is for --format env")
	case o.envName != "" && !format.IsVariable(o.envName):
		return f, usage.New("--env-name: a variable's name has letters, digits and _ only, and begins with no digit")
	}
	return f, nil
}

// wrapped names the key that an error is about.
func wrapped(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("key %s: %w", key, err)
}
