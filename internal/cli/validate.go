package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say/answer"
)

func validateCommand(a *App) *cobra.Command {
	var try bool
	cmd := help("validate", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.validate(cmd.Context(), try) },
	})
	cmd.Flags().BoolVar(&try, "probe", false, "also read and write each store, changing nothing")
	return cmd
}

func (a *App) validate(ctx context.Context, try bool) error {
	conf, path, err := a.load()
	if err != nil {
		return err
	}
	keys := fleet.Of(conf, nil)
	if err := a.console.Write(answer.Valid(a.Now(), path, conf, keys)); err != nil {
		return err
	}
	for _, w := range conf.Warnings {
		a.console.Voice.Warn("%s", w)
	}
	if !try {
		return console.Attention(len(conf.Warnings) > 0)
	}
	a.trail.Use(conf.AuditFile)
	return a.probe(ctx, keys, len(conf.Warnings) > 0)
}

// probe tries every store and output, and says what each erases.
func (a *App) probe(ctx context.Context, keys []*fleet.Key, warned bool) error {
	failed := false
	for p := range a.host(slog.New(slog.DiscardHandler)).Probe(ctx, keys) {
		if p.Err != nil {
			failed = true
			a.console.Voice.Error(p.Err)
		} else if err := a.console.Write(answer.Probed(p)); err != nil {
			return err
		}
		if excess := answer.Excess(p); excess != "" {
			warned = true
			a.console.Voice.Warn("%s", excess)
		}
	}
	if failed {
		return console.ErrTold
	}
	return console.Attention(warned)
}
