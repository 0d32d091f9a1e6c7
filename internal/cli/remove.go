package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

type removeOptions struct {
	changes
	in        string
	now, undo bool
}

func removeCommand(a *App) *cobra.Command {
	var o removeOptions
	cmd := help("remove", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.remove(cmd.Context(), args, o) },
	})
	o.flags(cmd, true)
	a.documented(cmd, changesDocument(form.Remove, &o.dryRun))
	f := cmd.Flags()
	f.StringVar(&o.in, "in", "", "how long what was signed stays valid, such as 48h; the grace if not set")
	f.BoolVar(&o.now, "now", false, "erase everything at once, whoever still has a token")
	f.BoolVar(&o.undo, "undo", false, "take a removal back whose erasure has not begun")
	completeFlag(cmd, "in", []string{"24h", "48h", "7d"})
	return cmd
}

func (a *App) remove(ctx context.Context, names []string, o removeOptions) error {
	if o.now && o.undo || o.in != "" && (o.now || o.undo) {
		return usage.New("--in, --now and --undo: one of the three")
	}
	in := time.Duration(0)
	if o.in != "" {
		d, err := strictyaml.ParseDuration(o.in)
		if err != nil || d <= 0 || d > keyset.MaxUntil {
			return usage.New("--in: "+usage.Quote(o.in, "what was given")+" is no time from now", "such as --in 48h; 400d at most, and --now for at once")
		}
		in = d
	}
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	if o.undo {
		return a.restore(ctx, h, keys[0], o.dryRun)
	}
	d, err := h.Remove(ctx, keys[0], ops.RemoveOptions{In: in, Now: o.now})
	if err != nil {
		return err
	}
	if err := d.Try(); err != nil {
		return err
	}
	notice := answer.Remove(a.Now(), d, o.dryRun)
	if o.dryRun {
		return a.console.Answer(d.Key, notice, nil)
	}
	if d.Marker == nil && !d.Begun() {
		if err := a.console.Confirm(ctx, notice, o.yes, fmt.Sprintf("Remove key %s everywhere", d.Key.Name)); err != nil {
			return err
		}
	}
	d.Dry = false
	if err := d.Do(ctx); err != nil {
		return err
	}
	return a.console.Answer(d.Key, answer.Removed(a.Now(), d), nil)
}

// restore takes a removal back. It asks nobody: it loses nothing.
func (a *App) restore(ctx context.Context, h *ops.Host, k *fleet.Key, dry bool) error {
	d, err := h.Restoring(ctx, k)
	if err != nil {
		return err
	}
	if d.Dry = dry; !dry {
		if err := d.Undo(ctx); err != nil {
			return err
		}
	}
	return a.console.Answer(d.Key, answer.Restored(a.Now(), d), nil)
}
