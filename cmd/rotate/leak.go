package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (a *app) revokeCommand() *cobra.Command {
	o := nowOptions{compromised: true}
	cmd := &cobra.Command{
		Use:   "revoke KEY KID…",
		Short: "Take a leaked key out of use at once, and log its users out",
		Long: `Take keys out of use at once: the same as rotate now --compromised KEY --kid KID.
A kid that signs is replaced by a fresh key; one that is next or previous is only
removed. A revoked kid is never accepted again. rotate status lists the kids.

It says first what users will notice, and asks on a terminal. The exit code is 1, and
each place is named, until no place holds the key any more.`,
		Example: `  rotate revoke auth-jwt nhrxbuxqmyfa… --dry-run`,
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.kids = args[1:]
			return a.leaked(cmd.Context(), args[:1], o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.StringVar(&o.logFormat, "log-format", logNone, "text or json: also log what is done to standard error, with one line \"audit\" for every change, as run does")
	return cmd
}

// leaked is `now --compromised` and `revoke`.
func (a *app) leaked(ctx context.Context, names []string, o nowOptions) error {
	switch {
	case !o.compromised:
		return usage.New("--kid and --yes belong to --compromised", "without a leak, rotate now KEY logs nobody out and asks nothing")
	case o.all || len(names) > 1:
		return usage.New("--compromised is about one key at a time")
	case o.wait:
		return usage.New("--wait: a compromised key is replaced at once")
	}
	keys, err := a.keys(choice{names: names})
	if err != nil {
		return err
	}
	log, err := a.logger(o.logFormat)
	if err != nil {
		return err
	}
	h := a.host(log)
	l := &leak{app: a, key: keys[0], o: o, h: h, engine: h.Engine()}
	if err := l.find(ctx); err != nil {
		return err
	}
	if o.dryRun {
		return a.each(ctx, keys, 1, func(context.Context, *fleet.Key) (answer, error) {
			return l.notice("dry run, nothing was changed"), nil
		})
	}
	if !l.repeated() {
		question := fmt.Sprintf("Revoke %s of key %s", l.named(), l.key.Name)
		if err := a.confirm(ctx, l.notice("this is about to happen"), o.yes, question); err != nil {
			return err
		}
	}
	return a.each(ctx, keys, 1, func(ctx context.Context, k *fleet.Key) (answer, error) {
		h.Command(k, "report of a compromise: revoke "+l.named())
		return l.revoke(ctx)
	})
}

// A leak is a report of compromised keys.
type leak struct {
	*app
	key    *fleet.Key
	o      nowOptions
	h      *ops.Host
	engine *engine.Engine
	before *keyset.Set // as it was when the report came
	kids   []string    // that are compromised
	taken  bool        // for a repeat, as no kid was named
}

// find settles which keys are meant, once: whoever else is at work meanwhile,
// no other key is ever revoked by this report.
func (l *leak) find(ctx context.Context) error {
	r, err := l.app.host(quiet).Certain(ctx, l.key, engine.Ask{})
	switch {
	case err != nil:
		return err
	case r.Set == nil:
		return usage.New(fmt.Sprintf("key %s has no keyset yet: there is nothing to revoke", l.key.Name))
	}
	l.before = r.Set
	asked, recorded := r.Set.Recorded(keyset.NamedRequest(l.requestID(), "", "").ID)
	replaced, repeat := r.Set.Replaced()
	switch {
	case len(l.o.kids) > 0:
		for _, kid := range l.o.kids {
			if kid, err = findKid(r.Set, kid); err != nil {
				return err
			}
			l.kids = append(l.kids, kid)
		}
	case l.o.request != "" && recorded:
		l.kids = []string{asked.From}
	case repeat:
		// A script that repeats its command must not log everyone out once more.
		l.kids, l.taken = []string{replaced.Kid}, true
	default:
		l.kids = []string{r.Set.Signing().Kid}
	}
	return nil
}

// requestID names the report in the document, apart from a wish to rotate of
// that name.
func (l *leak) requestID() string {
	if l.o.request == "" {
		return ""
	}
	return "compromised " + l.o.request
}

// repeated tells whether nothing is left to be revoked.
func (l *leak) repeated() bool { return l.revokedIn(l.before) }

// revokedIn tells whether all of the kids are on a keyset's revoked list.
func (l *leak) revokedIn(set *keyset.Set) bool {
	return !slices.ContainsFunc(l.kids, func(kid string) bool { return !slices.Contains(set.Revoked, kid) })
}

// named lists the kids in their short form.
func (l *leak) named() string {
	var short []string
	for _, kid := range l.kids {
		short = append(short, "kid "+say.Kid(kid))
	}
	return strings.Join(short, ", ")
}

// revoke does it, as far as places can be reached, and says what is left.
func (l *leak) revoke(ctx context.Context) (answer, error) {
	ask := engine.Ask{Revoke: l.kids, ID: l.requestID(), By: l.actor}
	r, failed := l.h.Rest(ctx, l.engine, l.key, ask)
	if failed == nil && r.Step.Do == rotation.Halt {
		return answer{}, ops.Halted(l.key, r.Step.Why)
	}
	found, err := l.engine.Remains(ctx, l.key.Target)
	set := found.Set
	switch {
	case failed == nil && err != nil:
		return answer{}, say.Hint(err, l.named()+" may be revoked; what is left of it could not be looked for. Repeat this command, which replaces nothing twice")
	case set == nil || !l.revokedIn(set):
		return answer{}, cmp.Or(failed, fmt.Errorf("key %s: %s is not on the revoked list of what the store holds now; repeat this command", l.key.Name, l.named()))
	}
	r.Set = set
	ans := l.tell(r, found)
	if failed == nil && len(found.Left) == 0 {
		return ans, nil
	}
	ans.alarm = "" // the error says more
	return ans, &leftError{key: l.key.Name, kids: l.named(), left: found.Left, cause: failed}
}

// A leftError names each place that may still hold what was revoked.
type leftError struct {
	key, kids string
	left      []engine.Leftover
	cause     error // why the work was not finished, if a call failed
}

func (e *leftError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "key %s: %s is revoked, but not gone from every place", e.key, e.kids)
	for _, l := range e.left {
		fmt.Fprintf(&b, "\n  %s: %s", say.Where(l), say.Left(l))
	}
	if e.cause != nil {
		fmt.Fprintf(&b, "\n  not finished: %v", e.cause)
	}
	return b.String()
}

// Todo is the hint, for package say.
func (e *leftError) Todo() string {
	return "mend the place and repeat this command, which replaces nothing twice; a running daemon goes on with it, too"
}

func (e *leftError) Unwrap() error { return e.cause }
