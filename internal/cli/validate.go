package cli

import (
	"context"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

type validateOptions struct{ probe, strict bool }

func validateCommand(a *App) *cobra.Command {
	var o validateOptions
	cmd := help("validate", &cobra.Command{
		Args: counted(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if a.path != "" {
					return usage.New("two configs are named: one with -c, one after validate", "leave one of them out")
				}
				a.path = args[0]
			}
			return a.validate(cmd.Context(), o)
		},
	})
	cmd.Flags().BoolVar(&o.probe, "probe", false, "also read and write each store, changing nothing")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "exit with 3 where there is a warning, too")
	a.documented(cmd, func() form.Document { return &form.Config{Head: form.Head{Schema: form.Validate}} })
	return cmd
}

func (a *App) validate(ctx context.Context, o validateOptions) error {
	conf, path, err := a.load()
	if err != nil {
		return err
	}
	keys := fleet.Of(conf, nil)
	if a.document != nil {
		a.document = answer.ValidForm(a.Now(), path, conf, keys)
	} else if err := a.console.Write(answer.Valid(a.Now(), path, conf, keys)); err != nil {
		return err
	}
	for _, w := range conf.Warnings {
		a.console.Voice.Warn("%s", w)
	}
	unfit := slices.Collect(ops.Unfit(ctx, keys))
	host := a.host(slog.New(slog.DiscardHandler))
	excess, probed := false, error(nil)
	if o.probe {
		a.trail.Use(conf.AuditFile)
		excess, probed = a.probe(ctx, host, keys)
	}
	read := slices.DeleteFunc(slices.Clone(keys), func(k *fleet.Key) bool { return !o.probe && !k.OnDisk() })
	unfit = slices.AppendSeq(unfit, host.Unheld(ctx, read))
	for i, h := range unfit { // what stands in a file may be in the store as well
		if same := func(o ops.Hold) bool { return o.Key == h.Key && o.Output == h.Output }; !slices.ContainsFunc(unfit[:i], same) {
			a.console.Voice.Warn("%s", answer.Unfit(h))
		}
	}
	refused, careless := a.exposed(ctx, keys)
	if probed != nil {
		return probed
	}
	return console.Attention(len(unfit) > 0 || refused || o.strict && careless || o.strict && (excess || len(conf.Warnings) > 0))
}

// exposed tells of files that are outputs: whether rotate refuses to write one as it is,
// and whether others have one or may read it by its mode. An access control list is told
// and no more, since somebody set it on purpose.
func (a *App) exposed(ctx context.Context, keys []*fleet.Key) (refused, careless bool) {
	for seen := range ops.Exposed(ctx, keys) {
		refused = refused || seen.Refused()
		careless = careless || seen.Exposure.Git != "" || seen.Exposure.Mode != 0
		for _, text := range answer.Seen(seen) {
			a.console.Voice.Warn("%s", text)
		}
	}
	return refused, careless
}

// probe tries every store and output, and says what each erases. It reports whether
// rotate may do more somewhere than it needs.
func (a *App) probe(ctx context.Context, host *ops.Host, keys []*fleet.Key) (excess bool, err error) {
	failed := false
	doc, _ := a.document.(*form.Config)
	for p := range host.Probe(ctx, keys) {
		if doc != nil {
			doc.Probes = append(doc.Probes, answer.ProbeForm(p))
		} else if p.Err == nil {
			if err := a.console.Write(answer.Probed(p)); err != nil {
				return excess, err
			}
		}
		if p.Err != nil {
			failed = true
			a.console.Voice.Error(p.Err)
		}
		if text := answer.Excess(p); text != "" {
			excess = true
			a.console.Voice.Warn("%s", text)
		}
	}
	if failed {
		return excess, console.ErrTold
	}
	return excess, nil
}
