package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

type nowOptions struct {
	all, wait, dryRun bool
	request           string
	logFormat         string

	compromised, yes bool // see leak
	kids             []string
}

func (a *app) nowCommand() *cobra.Command {
	var o nowOptions
	cmd := &cobra.Command{
		Use:   "now [KEY…]",
		Short: "Rotate now: away from the key that signs at this moment",
		Long: `Rotate away from the key that signs at this moment, without logging anyone out.

Where there is no key yet, the first one is made and signs at once. Otherwise
the next key is published, and signs when every reader has had time to learn it
(the propagation). A running daemon does that, or --wait.

A second rotation within the grace leaves two previous keys, and only the youngest is
among the three values that applications read as variables. now says so, and ends with
exit code 3. Audit lines are not written unless --log-format asks for them.

If several processes ask at once, one rotation happens; the others tell who did it.

With --compromised the key that signs, or those that --kid names, are worthless at once:
a fresh key takes the place of the one that signs, no copy that rotate can reach stays
readable, and their users are logged out. It says so first and asks, or wants --yes. The
exit code is 1, and each place is named, until no place holds the old key; repeat it, or
leave that to the daemon. A repeat replaces nothing twice.`,
		Example: `  rotate now                            the one key of the config
  rotate now auth-jwt --wait            stay until the new key signs
  rotate now auth-jwt --request INC-42  safe to repeat: INC-42 rotates once
  rotate now --compromised auth-jwt     it leaked: replace it at once, after a question`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.compromised || len(o.kids) > 0 || o.yes {
				return a.leaked(cmd.Context(), args, o)
			}
			return a.rotateNow(cmd.Context(), args, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "every key of the config")
	f.BoolVar(&o.wait, "wait", false, "stay until the new key signs")
	f.StringVar(&o.request, "request", "", "an id for this wish: a retry with the same one changes nothing, for 7 days")
	f.StringVar(&o.logFormat, "log-format", logNone, "text or json: also log what is done to standard error, with one line \"audit\" for every change, as run does")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.BoolVar(&o.compromised, "compromised", false, "the key has leaked: replace it at once and log its users out")
	f.StringArrayVar(&o.kids, "kid", nil, "with --compromised: the key that has leaked, if it is not the one that signs; may be repeated")
	f.BoolVar(&o.yes, "yes", false, "with --compromised: do not ask")
	return cmd
}

// words is the command as the audit tells it. The id of a request may say more
// than a record should.
func (o nowOptions) words() string {
	words := "rotate now"
	if o.wait {
		words += " --wait"
	}
	if o.request != "" {
		words += " --request, id " + keyset.NamedRequest(o.request, "", "").ID
	}
	return words
}

func (a *app) rotateNow(ctx context.Context, names []string, o nowOptions) error {
	keys, err := a.keys(choice{names: names, all: o.all})
	if err != nil {
		return err
	}
	log, err := a.logger(o.logFormat)
	if err != nil {
		return err
	}
	h := a.host(log)
	eng := h.Engine()
	limit := ops.AtOnce
	if o.wait {
		limit = len(keys) // what waits is no work
	}
	return a.each(ctx, keys, limit, func(ctx context.Context, k *fleet.Key) (answer, error) { return a.rotateKey(ctx, h, eng, k, o) })
}

// rotateKey rotates one key, and says what came of it.
func (a *app) rotateKey(ctx context.Context, h *ops.Host, eng *engine.Engine, k *fleet.Key, o nowOptions) (answer, error) {
	w := &wish{app: a, h: h, key: k, o: o, ask: engine.Ask{Rotate: true, ID: o.request, By: a.actor}}
	if o.dryRun {
		return w.look(ctx)
	}
	h.Command(k, o.words())
	if err := w.pass(ctx, eng); err != nil {
		return answer{}, err
	}
	for o.wait && !w.over() {
		if err := w.idle(ctx); err != nil {
			return answer{}, err
		}
		if err := w.again(ctx, eng); err != nil {
			return answer{}, err
		}
	}
	return w.tell(), nil
}

// soon is when to look again at what is in the way.
const soon = time.Minute

// again is a pass of a wait that has begun: a store that cannot be reached for a
// while does not end it.
func (w *wish) again(ctx context.Context, eng *engine.Engine) error {
	for told := false; ; told = true {
		err := w.pass(ctx, eng)
		passing := errors.Is(err, providers.ErrUnavailable) || errors.Is(err, providers.ErrThrottled) || errors.Is(err, providers.ErrUnclear)
		if !passing || ctx.Err() != nil {
			return err
		}
		if !told {
			w.voice.Warn("%s", say.Error(err))
			w.voice.Note("key %s: waiting goes on; the store is tried again every minute", w.key.Name)
		}
		if err := ops.Pause(ctx, soon); err != nil {
			return err
		}
	}
}

// A wish is one `now` of one key: what was asked, and what was seen.
type wish struct {
	*app
	h    *ops.Host
	key  *fleet.Key
	o    nowOptions
	ask  engine.Ask
	last engine.Result
	did  []engine.Event // by all passes

	noted, warned time.Time // when waiting was spoken of last
	alarm         string    // what was warned of then
}

// pass goes on with the rotation as far as the time allows.
func (w *wish) pass(ctx context.Context, eng *engine.Engine) error {
	r, err := w.h.Rest(ctx, eng, w.key, w.ask)
	w.ask.Away = r.Away
	w.did = append(w.did, r.Did...)
	if err == nil {
		w.last = r
	}
	if err == nil && r.Step.Do == rotation.Halt {
		return ops.Halted(w.key, r.Step.Why)
	}
	return err
}

// over tells whether the wish has come true: another key signs than the asker
// saw, or the request was served before.
func (w *wish) over() bool {
	set := w.last.Set
	r, recorded := w.request()
	return set.Signing().Kid != w.ask.Away || recorded && r.From != set.Signing().Kid
}

// request is the wish as the document has it on record.
func (w *wish) request() (keyset.Request, bool) {
	id := keyset.UnnamedRequest(w.ask.Away, "").ID
	if w.ask.ID != "" {
		id = keyset.NamedRequest(w.ask.ID, "", "").ID
	}
	return w.last.Set.Recorded(id)
}

// idle waits until there may be something to do: at the latest for as long as
// the daemon would.
func (w *wish) idle(ctx context.Context) error {
	step := w.last.Step
	until := w.now().Add(w.key.Sync)
	if !step.At.IsZero() && step.At.Before(until) {
		until = step.At
	}
	if alarm := w.alarms(); alarm != "" {
		if alarm != w.alarm || w.now().Sub(w.warned) >= soon {
			w.voice.Warn("key %s: %s", w.key.Name, alarm)
			w.alarm, w.warned = alarm, w.now()
		}
		until = w.now().Add(min(soon, w.key.Sync))
	}
	if !w.voice.Terminal && w.now().Sub(w.noted) >= soon { // a log has no use for more
		w.noted = w.now()
		w.voice.Note("key %s: waiting, %s", w.key.Name, say.Waiting(w.now(), step))
	}
	if err := w.sleepUntil(ctx, until, func(now time.Time) string {
		return fmt.Sprintf("%s: waiting, %s; Ctrl-C leaves it to the daemon", w.key.Name, say.Waiting(now, step))
	}); err != nil {
		return fmt.Errorf("key %s: stopped waiting: %w; the rotation is on record, and a running daemon or `rotate run --once` goes on with it", w.key.Name, err)
	}
	return nil
}

// sleepUntil shows progress each second, on a terminal.
func (a *app) sleepUntil(ctx context.Context, until time.Time, progress func(time.Time) string) error {
	defer a.voice.Done()
	for {
		now := a.now()
		if !now.Before(until) {
			return nil
		}
		left := until.Sub(now)
		if a.voice.Terminal {
			a.voice.Progress(progress(now))
			left = min(left, time.Second)
		}
		if err := ops.Pause(ctx, left); err != nil {
			return err
		}
	}
}

// did tells whether this process took a step.
func (w *wish) took(do rotation.Action) bool {
	return slices.ContainsFunc(w.did, func(ev engine.Event) bool { return ev.Action == string(do) })
}
