package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

type nowOptions struct {
	changes
	all, wait, compromised, strict bool
	request                        string
	kids                           []string
}

// report tells that this is about a leak.
func (o nowOptions) report() bool { return o.compromised || len(o.kids) > 0 || o.yes }

func nowCommand(a *App) *cobra.Command {
	var o nowOptions
	cmd := help("now", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.report() {
				return compromised(cmd.Context(), a, args, o)
			}
			return rotateNow(cmd.Context(), a, args, o)
		},
	})
	o.flags(cmd, false)
	a.documented(cmd, func() form.Document {
		schema := form.Now
		if o.report() {
			schema = form.Revoke
		}
		return changesDocument(schema, &o.dryRun)()
	})
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "every key of the config")
	f.BoolVar(&o.wait, "wait", false, "stay until the new key signs")
	f.BoolVar(&o.strict, "strict", false, "exit with 3 where there is a warning, too")
	f.StringVar(&o.request, "request", "", "request id; repeating it within 7 days does nothing")
	f.BoolVar(&o.compromised, "compromised", false, "the key has leaked: replace it at once and log its users out")
	f.StringArrayVar(&o.kids, "kid", nil, "with --compromised: the key that has leaked, if it is not the one that signs; may be repeated")
	f.BoolVar(&o.yes, "yes", false, "with --compromised: do not ask")
	return cmd
}

func rotateNow(ctx context.Context, a *App, names []string, o nowOptions) error {
	h, keys, err := a.work(names, o.all, o.log)
	if wrong, ok := errors.AsType[*usage.Error](err); ok && errors.Is(err, fleet.ErrWhich) {
		wrong.Hint += "; --all is every one of them"
	}
	if err != nil {
		return err
	}
	w := console.Waiting{Console: a.console}
	v := console.Verdict{Console: a.console, Strict: o.strict}
	for done := range h.Rotate(ctx, keys, ops.RotateOptions{Wait: o.wait, Request: o.request, DryRun: o.dryRun, Idle: w.Idle, Away: w.Away}) {
		var ans answer.Answer
		if done.Err == nil {
			ans = answer.Rotated(a.Now(), done.Got)
		}
		v.Add(done.Key, ans, done.Err)
	}
	return v.Err()
}

func revokeCommand(a *App) *cobra.Command {
	o := nowOptions{compromised: true}
	cmd := help("revoke", &cobra.Command{
		Args: counted(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.kids = args[1:]
			return compromised(cmd.Context(), a, args[:1], o)
		},
	})
	o.flags(cmd, true)
	a.documented(cmd, changesDocument(form.Revoke, &o.dryRun))
	return cmd
}

// compromised is `now --compromised` and `revoke`.
func compromised(ctx context.Context, a *App, names []string, o nowOptions) error {
	switch {
	case !o.compromised:
		return usage.New("--kid and --yes belong to --compromised", "without a leak, rotate now KEY logs nobody out and asks nothing")
	case o.all || len(names) > 1:
		return usage.New("--compromised is about one key at a time")
	case o.wait:
		return usage.New("--wait: a compromised key is replaced at once")
	}
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	r, err := h.Report(ctx, keys[0], ops.ReportOptions{Kids: o.kids, Request: o.request})
	switch {
	case err != nil:
		return err
	case o.dryRun:
		return a.console.Answer(r.Key, answer.Revoking(a.Now(), r, true), nil)
	case !r.Done():
		if err := a.console.Confirm(ctx, answer.Revoking(a.Now(), r, false), o.yes, "Revoke "+r.Named()+" of key "+r.Key.Name); err != nil {
			return err
		}
	}
	done, err := r.Revoke(ctx)
	var ans answer.Answer
	if done != nil {
		ans = answer.Revoked(a.Now(), done)
	}
	if err != nil {
		ans.Alarm = "" // the error says more
	}
	v := console.Verdict{Console: a.console, Strict: o.strict}
	v.Add(r.Key, ans, err)
	return v.Err()
}
