package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

type acceptOptions struct {
	generation  uint64
	revoke      []string
	noneRevoked bool
	yes, dryRun bool
	logFormat   string
}

func (a *app) acceptCommand() *cobra.Command {
	var o acceptOptions
	cmd := &cobra.Command{
		Use:   "accept KEY --generation N",
		Short: "Go on from a restored backup, which stops a key until someone says so",
		Long: `Go on from a document that was restored from a backup, or is a fork. Such a key stops
with an alarm, since keys made after the backup are lost and deleted ones come back to
life. accept tells which, asks on a terminal, and writes a generation above everything
that any witness remembers, so that outputs follow.

N is the generation that the alarm and status name, so that nothing else is accepted than
was looked at. A kid that an output or this host's audit file knows as revoked stays
revoked. Where no output can tell, you have to: name each kid that leaked after the backup
with --revoke, or say --none-revoked. The audit logs of all hosts have them, as lines with
the action "revoke".

Neither a document that was edited nor that of another key can be accepted, and what was
lost cannot be made up: docs/runbooks has the ways out.`,
		Example: `  rotate accept auth-jwt --generation 12 --dry-run`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.accept(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.Uint64Var(&o.generation, "generation", 0, "the generation that the store holds, as the alarm names it")
	f.StringArrayVar(&o.revoke, "revoke", nil, "a kid that must not come back to life; may be repeated")
	f.BoolVar(&o.noneRevoked, "none-revoked", false, "no key was reported as compromised since that generation")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.StringVar(&o.logFormat, "log-format", logNone, "text or json: also log what is done to standard error, with one line \"audit\" for every change, as run does")
	return cmd
}

func (a *app) accept(ctx context.Context, name string, o acceptOptions) error {
	keys, err := a.keys(choice{names: []string{name}})
	if err != nil {
		return err
	}
	log, err := a.logger(o.logFormat)
	if err != nil {
		return err
	}
	h := a.host(log)
	b := &backup{app: a, key: keys[0], o: o, h: h, engine: h.Engine()}
	notice, err := b.look(ctx)
	switch {
	case err != nil:
		return err
	case b.o.dryRun || len(b.found.Witnesses) == 0:
		return a.each(ctx, keys, 1, func(context.Context, *fleet.Key) (answer, error) { return notice, nil })
	case b.found.Newer == nil && !b.found.Notes() && len(o.revoke) == 0 && !o.noneRevoked:
		// A revoked key must not come back because nobody thought of it.
		return usage.New(
			fmt.Sprintf("key %s: no output tells which keys were reported as compromised since generation %d, and a revoked one must not come back; nothing was changed", name, o.generation),
			"the audit log has lines with the action \"revoke\": name each kid with --revoke KID, or say --none-revoked",
		)
	}
	if err := a.confirm(ctx, notice, o.yes, fmt.Sprintf("Accept generation %d of key %s", o.generation, name)); err != nil {
		return err
	}
	return a.each(ctx, keys, 1, func(ctx context.Context, k *fleet.Key) (answer, error) {
		h.Command(k, fmt.Sprintf("rotate accept --generation %d", o.generation))
		return b.accept(ctx)
	})
}

// A backup is a restored document on its way to being accepted.
type backup struct {
	*app
	key    *fleet.Key
	o      acceptOptions
	h      *ops.Host
	engine *engine.Engine
	found  engine.Restored
	filed  []string // kids of found that the audit file knows as revoked, and nothing else does
}

// look finds out what would be accepted.
func (b *backup) look(ctx context.Context) (answer, error) {
	found, r, err := b.app.host(quiet).Look().Restored(ctx, b.key.Target)
	switch {
	case errors.Is(err, engine.ErrNotRestored):
		return answer{}, say.Hint(
			fmt.Errorf("key %s: there is nothing to accept: neither the store nor an output knows a keyset of this name", b.key.Name),
			fmt.Sprintf("put a backup into %s, and look again; rotate now %s begins anew", b.key.Place(), b.key.Name))
	case err != nil:
		return answer{}, err
	case r.Step.Do == rotation.Halt:
		return answer{}, say.Hint(ops.Halted(b.key, r.Step.Why), "rotate accept takes only a whole document whose age is all that is wrong with it; docs/runbooks/lost-store.md has the other ways out")
	}
	b.found = found
	at := found.Set.Generation
	switch {
	case len(found.Witnesses) == 0:
		t := &sheet{head: fmt.Sprintf("%s: nothing to accept: no witness contradicts generation %d", b.key.Name, at), now: b.now()}
		t.row("if", "a daemon says otherwise, it remembers more than the store and the outputs do: make sure that this is the document you want, and restart it")
		return t.answer(""), nil
	case b.o.generation == 0:
		return answer{}, usage.New("--generation is missing: the one that the alarm names", "rotate status "+b.key.Name+" shows it")
	case b.o.generation != at:
		return answer{}, usage.New(fmt.Sprintf("the store holds generation %d of key %s, not %d; nothing was changed", at, b.key.Name, b.o.generation), "look at it again: rotate status "+b.key.Name)
	}
	for i, kid := range b.o.revoke {
		if b.o.revoke[i], err = findKid(found.Set, kid); err != nil {
			return answer{}, err
		}
	}
	if err := b.recall(); err != nil {
		b.voice.Warn("key %s: which keys were revoked could not be looked up: %v", b.key.Name, err)
	}
	head := "this is about to happen"
	if b.o.dryRun {
		head = "dry run, nothing was changed"
	}
	return b.notice(head), nil
}

// recall looks into the audit file of this host, which no backup of the store
// takes back, for keys that would come to life again although they were revoked.
func (b *backup) recall() error {
	if b.trail.Path() == "" {
		return nil
	}
	events, _, err := audit.Read(b.trail.Path(), b.key.Name, b.key.StoreName, b.key.Secret)
	known := slices.Concat(b.o.revoke, b.found.Revoked)
	for _, ev := range events {
		if _, back := b.found.Set.Key(ev.Kid); ev.Action == string(rotation.Revoke) && ev.To == "" && back && !slices.Contains(known, ev.Kid) {
			b.filed, known = append(b.filed, ev.Kid), append(known, ev.Kid)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// notice tells what is accepted, and at what price.
func (b *backup) notice(head string) answer {
	t := &sheet{head: b.key.Name + ": " + head, now: b.now()}
	set := b.found.Set
	t.row("accepts", fmt.Sprintf("generation %d, of %s", set.Generation, say.When(t.now, set.NewestTime())))
	for _, w := range b.found.Witnesses {
		t.row("over", fmt.Sprintf("generation %d, which %s remembers", w.Generation, say.Witness(rotation.Reason{Whose: w.Whose, Output: w.Output})))
	}
	for _, k := range set.Keys {
		t.row(string(k.Status), fmt.Sprintf("kid %s (%s), made at %s; %s", say.Kid(k.Kid), k.Alg, say.When(t.now, k.Issued), b.fate(k)))
	}
	if b.found.Notes() {
		t.row("lost", "only a note of what was seen everywhere: it is made again, and the wait that it began begins anew.\nAt one generation the keys are the same, so nobody is logged out")
	} else if newer := b.found.Newer; newer != nil {
		for _, k := range newer.Keys {
			if _, kept := set.Key(k.Kid); !kept {
				t.row("lost", fmt.Sprintf("kid %s (%s), which output %s still shows: whoever has a token of it is logged out", say.Kid(k.Kid), k.Status, b.found.In))
			}
		}
	} else {
		t.row("unknown", "which keys were deleted, or reported as compromised, since then: no output shows it.\nThe audit log does: name what must not come back with --revoke KID, or say --none-revoked.\nWhoever has a token of a key that was made since then is logged out")
	}
	return t.answer("")
}

// fate is what becomes of a key of the restored document.
func (b *backup) fate(k keyset.Key) string {
	newer := b.found.Newer
	switch {
	case slices.Contains(b.found.Revoked, k.Kid):
		return "revoked, as an output knows: it does not come back"
	case slices.Contains(b.o.revoke, k.Kid):
		return "revoked, as you say: it does not come back"
	case slices.Contains(b.filed, k.Kid):
		return "revoked, as the audit file says: it does not come back"
	case b.found.Notes():
		return "as before"
	case newer == nil:
		return "is live again"
	}
	if now, live := newer.Key(k.Kid); !live {
		return "deleted since: it comes back to life"
	} else if now.Status != k.Status {
		return fmt.Sprintf("%s by now: it is %s again", now.Status, k.Status)
	}
	return "as before"
}

// accept writes, and brings the outputs up to date.
func (b *backup) accept(ctx context.Context) (answer, error) {
	// What was told to be revoked stays so, whatever becomes of the output that knew it.
	r, err := b.engine.Accept(ctx, b.key.Target, b.o.generation, slices.Concat(b.o.revoke, b.found.Revoked, b.filed))
	switch {
	case err != nil:
		return answer{}, err
	case r.Step.Do == rotation.Halt:
		return answer{}, ops.Halted(b.key, r.Step.Why)
	}
	head := fmt.Sprintf("generation %d is accepted", b.o.generation)
	if len(r.Did) == 0 {
		head = "another process was faster, and what the store holds is not contradicted any more"
	}
	r, err = b.h.Rest(ctx, b.engine, b.key, engine.Ask{})
	switch {
	case err != nil:
		return oneLine(b.key.Name + ": " + head + "; it has to be gone on with"), err
	case r.Step.Do == rotation.Halt:
		return answer{}, ops.Halted(b.key, r.Step.Why)
	}
	w := &wish{app: b.app, key: b.key, last: r, did: r.Did}
	t := w.sheet(fmt.Sprintf("%s; the key goes on at generation %d", head, r.Set.Generation))
	w.keysNow(t)
	t.row("lives in", b.key.Place())
	t.row("daemons", "that have seen the newer document take this one for its successor: they need no restart")
	return t.answer(w.alarms()), nil
}
