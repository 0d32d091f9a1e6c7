package cli

import (
	"context"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
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
	unfit := slices.Collect(ops.Unfit(keys))
	host := a.host(slog.New(slog.DiscardHandler))
	var probed error
	warned := len(conf.Warnings) > 0
	if try {
		probed = a.probe(ctx, host, keys, &warned)
		unfit = slices.AppendSeq(unfit, host.Unheld(ctx, keys))
	}
	for i, h := range unfit { // what stands in a file may be in the store as well
		if same := func(o ops.Hold) bool { return o.Key == h.Key && o.Output == h.Output }; !slices.ContainsFunc(unfit[:i], same) {
			a.console.Voice.Warn("%s", answer.Unfit(h))
		}
	}
	if probed != nil {
		return probed
	}
	return console.Attention(warned || len(unfit) > 0)
}

// probe tries every store and output, and says what each erases.
func (a *App) probe(ctx context.Context, host *ops.Host, keys []*fleet.Key, warned *bool) error {
	failed := false
	for p := range host.Probe(ctx, keys) {
		if p.Err != nil {
			failed = true
			a.console.Voice.Error(p.Err)
		} else if err := a.console.Write(answer.Probed(p)); err != nil {
			return err
		}
		if excess := answer.Excess(p); excess != "" {
			*warned = true
			a.console.Voice.Warn("%s", excess)
		}
	}
	if failed {
		return console.ErrTold
	}
	return nil
}
