package sim

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// happen makes one incident begin.
func (w *world) happen(i Incident) {
	if i.During != "" && w.phase(nil) != i.During && !w.calm {
		w.waiting = append(w.waiting, i)
		return
	}
	if w.calm {
		return
	}
	w.tell("%s", i.words(w.script))
	switch i.Kind {
	case Pause, Kill:
		d := w.daemons[i.Who]
		d.armed = append(d.armed, &i)
	case Suspend:
		w.suspend(w.daemons[i.Who], i.Dur)
	case Slew, Jump:
		w.setClock(w.daemons[i.Who], i)
	case Outage, Throttle, Denied, LostReply, LostCall, LateCall:
		pl := w.place(i.Who)
		pl.weather = append(pl.weather, &i)
		w.in(i.Dur, func() { pl.clear(&i) })
	case Rollback, Edit, Lose, Foreign, Accept:
		w.disturb(w.place(i.Who), &i)
	case Now, NowNamed:
		w.askNow(i)
	case Compromise:
		w.askRevoke(i)
	case Hold:
		w.hold(i)
	case Remove, End:
		w.remove(i)
	case Schedule, Grace, Outputs:
		w.reconfigure(i)
	}
}

// during makes the incidents happen that waited for the transition that is to
// come now.
func (w *world) during() {
	phase := w.phase(nil)
	w.waiting = slices.DeleteFunc(w.waiting, func(i Incident) bool {
		if i.During == phase {
			w.in(0, func() { w.happen(i) })
		}
		return i.During == phase
	})
}

// words is an incident as a story tells it.
func (i Incident) words(s *Script) string {
	who := fmt.Sprintf("rotator %d", i.Who+1)
	at := "at its next calls"
	if i.Op != "" {
		at = "at its next " + i.Op
	} else if i.N > 0 {
		at = fmt.Sprintf("after %d more moments", i.N)
	}
	dur := rotation.Duration(i.Dur)
	switch i.Kind {
	case Pause:
		return fmt.Sprintf("%s will be paused %s for %s", who, at, dur)
	case Kill:
		return fmt.Sprintf("%s will be killed %s, and started %s later", who, at, dur)
	case Suspend:
		return fmt.Sprintf("the host of %s is suspended for %s", who, dur)
	case Slew:
		return fmt.Sprintf("the clock of %s is off by %s", who, rotation.Duration(i.Size))
	case Jump:
		return fmt.Sprintf("the clock of %s jumps by %s, for %s", who, rotation.Duration(i.Size), dur)
	case Outage, Throttle, Denied, LostReply, LostCall, LateCall, Rollback, Edit, Lose, Foreign, Accept:
		return fmt.Sprintf("%s: %s %s for %s", s.place(i.Who), i.Kind, i.Op, dur)
	case Schedule, Grace:
		return fmt.Sprintf("%s becomes %s", i.Kind, rotation.Duration(i.Size))
	case Outputs:
		return fmt.Sprintf("output %d goes out of use, or back into it", i.Who+1)
	}
	return fmt.Sprintf("someone asks: %s", i.Kind)
}

func (w *world) place(i int) *place {
	if i == 0 {
		return w.store
	}
	return w.outputs[i-1]
}

func (pl *place) clear(i *Incident) {
	pl.weather = slices.DeleteFunc(pl.weather, func(o *Incident) bool { return o == i })
}

func (w *world) suspend(d *process, dur time.Duration) {
	w.struck(Suspend, d)
	if d.host.until.Before(w.now) {
		d.host.until = w.now.Add(dur)
		d.host.suspended += dur
	}
}

func (w *world) setClock(d *process, i Incident) {
	if w.script.Propagation == 0 && w.shared != nil {
		return // nothing is allowed for there
	}
	w.struck(i.Kind, d)
	if i.Kind == Slew {
		if d.host.offset.Abs() <= rotation.Skew {
			d.host.offset = i.Size
		}
		return
	}
	if d.host.offset.Abs() > rotation.Skew {
		return // one at a time
	}
	w.jumped = w.now.Add(i.Dur)
	was := d.host.offset
	set := func(to time.Duration) {
		d.host.offset = to
		for _, o := range w.daemons {
			if o.host == d.host && o.pass == nil {
				o.again(time.Minute)
			}
		}
	}
	set(was + i.Size)
	w.in(i.Dur, func() {
		if d.host.offset == was+i.Size {
			set(was)
		}
	})
}

// disturb changes a place from outside, and has a person put it right later.
// What is edited at an output, rotate puts right by itself.
func (w *world) disturb(pl *place, i *Incident) {
	if pl.disturbed != nil || pl.view == nil {
		return
	}
	pl.disturbed, pl.disturbAt = i, w.now
	switch i.Kind {
	case Rollback, Accept:
		if !pl.b.rollback(i.N) {
			pl.disturbed = nil
			return
		}
	case Edit:
		pl.b.tamper([]byte("edited by hand"))
	case Lose:
		pl.b.lose()
	case Foreign:
		if pl.index == 0 {
			pl.b.tamper(foreign(pl.format)) // its own witness stays with the service
		} else {
			pl.b.usurp(foreign(pl.format))
		}
	}
	w.struck(i.Kind, nil)
	pl.look(nil, "outside")
	if i.Kind == Accept {
		w.in(i.Dur, w.accept)
		return
	}
	w.in(i.Dur, func() {
		if pl.disturbed == i {
			w.tell("%s is put right by hand", pl.name)
			pl.putRight()
		}
	})
}

// putRight puts back what was there before a disturbance. An output may have
// missed something since: that is for rotate to bring up to date.
func (pl *place) putRight() {
	pl.b.restore()
	pl.look(nil, "outside")
	if pl.index == 0 {
		pl.settled(true)
		return
	}
	pl.disturbed = &Incident{Kind: Rollback}
	pl.maybeSettled(true)
}

// settled ends a disturbance. Where a person put the very revision back that
// was noted as seen, rotate does not know that it was gone: a gap that
// docs/how-it-is-tested.md tells of, and that the oracle does not hold against it.
func (pl *place) settled(byHand bool) {
	pl.disturbed, pl.repaired, pl.byHand = nil, pl.w.now, byHand
}

// maybeSettled ends the disturbance of an output that is up to date again.
func (pl *place) maybeSettled(byHand bool) {
	if pl.index > 0 && pl.disturbed != nil && pl.view != nil && pl.w.good != nil &&
		pl.view.lineage == pl.w.good.Lineage && pl.view.noted == pl.w.good.Lineage && pl.view.generation == pl.w.good.Generation {
		pl.settled(byHand)
	}
}

// foreign is a well-formed value of another keyset.
func foreign(f format) []byte {
	k, err := keyset.NewSymmetric("foreign-key", keyset.HS256, secret.New([]byte("material of a foreign key, long enough")), "")
	if err != nil {
		panic(err)
	}
	set, err := keyset.Create(keyName, environment, "foreign-lineage", k, start)
	if err != nil {
		panic(err)
	}
	set, doc, err := set.Encode("", "foreign-write")
	if err != nil {
		panic(err)
	}
	if f == whole {
		return doc.Reveal()
	}
	text, _ := f.render(set)
	return text.Reveal()
}

// askNow has some people ask for a rotation at about the same time, and with an
// id, again later.
func (w *world) askNow(i Incident) {
	w.struck(i.Kind, nil)
	ask := engine.Ask{Rotate: true, By: "someone"}
	if i.Kind == NowNamed {
		w.requests++
		ask.ID = fmt.Sprintf("request %d", w.requests)
		w.asked[keyset.NamedRequest(ask.ID, "", "").ID] = true
	}
	for n := range i.N + 1 {
		w.in(time.Duration(n)*50*time.Millisecond, func() { w.now1(ask) })
	}
	if ask.ID != "" {
		w.in(i.Dur, func() { w.now1(ask) })
	}
}

func (w *world) now1(ask engine.Ask) {
	tries := 0
	p := w.command("rotate now", nil, ask, func(p *process) bool {
		tries++
		return p.err != nil && tries < 20
	})
	p.asks = true
}

// askRevoke reports a key as compromised, until that is on record.
func (w *world) askRevoke(i Incident) {
	if w.store.view == nil || w.store.disturbed != nil || len(w.revoked) > 40 || w.removing {
		return
	}
	w.struck(Compromise, nil)
	kid := w.store.view.kids[i.N%len(w.store.view.kids)]
	w.revoked[kid] = true
	h := &host{offset: i.Size}
	if w.shared != nil {
		h = w.shared
	}
	tries := 0
	w.command("rotate now --compromised", h, engine.Ask{Revoke: []string{kid}}, func(p *process) bool {
		tries++
		done := p.err == nil && p.result.Set != nil && slices.Contains(p.result.Set.Revoked, kid)
		return !done && tries < 500
	})
}

// hold has someone pause the key for a time, which is over when the trouble is. Every other
// one is ended early.
func (w *world) hold(i Incident) {
	until := w.now.Add(min(i.Dur, start.Add(w.script.calm()).Sub(w.now)))
	if w.store.view == nil || !until.After(w.now) {
		return
	}
	w.struck(Hold, nil)
	w.decide("rotate pause", func(p *process, t engine.Target) (engine.Result, error) {
		return p.engine.Pause(context.Background(), t, keyset.Pause{Until: until, By: "someone", Reason: "a release"})
	}, until)
	if i.N%2 == 1 {
		w.in(i.Dur/2, func() {
			w.decide("rotate resume", func(p *process, t engine.Target) (engine.Result, error) {
				return p.engine.Resume(context.Background(), t, "someone")
			}, until)
		})
	}
}

// decide has someone run a command until it is done, or of no use any more.
func (w *world) decide(name string, work func(*process, engine.Target) (engine.Result, error), until time.Time) {
	tries := 0
	w.readings++
	p := w.newProcess(name, uint64(100+w.readings))
	p.asks = true
	p.work = func(t engine.Target) (engine.Result, error) { return work(p, t) }
	p.done = func() {
		if tries++; p.err != nil && tries < 20 && w.now.Add(time.Hour).Before(until) {
			w.in(time.Minute, p.begin)
		}
	}
	p.begin()
}

// adopt begins the world with a key that applications use already, unless a
// rotator is faster. Every other one is weak, and is rotated away from at once.
func (w *world) adopt() {
	k, err := w.generate()
	if err != nil {
		panic(err)
	}
	weak := ""
	if w.script.Seed%2 == 0 {
		weak = "someone who adopts a weak key"
	}
	tries := 0
	p := w.newProcess("rotate adopt", 99)
	p.asks = true
	p.work = func(t engine.Target) (engine.Result, error) {
		return p.engine.Adopt(context.Background(), t, []keyset.Key{k}, 0, weak)
	}
	p.done = func() {
		if tries++; p.err != nil && !errors.Is(p.err, engine.ErrManaged) && tries < 20 {
			w.in(time.Minute, p.begin)
		}
	}
	p.begin()
}

// accept has someone run `rotate accept`, with the generation that the store
// shows, until that is done.
func (w *world) accept() {
	tries := 0
	p := w.newProcess("rotate accept", 98)
	p.asks = true
	p.work = func(t engine.Target) (engine.Result, error) {
		found, result, err := p.engine.Restored(context.Background(), t)
		if err != nil || len(found.Witnesses) == 0 {
			return result, err
		}
		p.accepts = true
		return p.engine.Accept(context.Background(), t, found.Set.Generation, nil)
	}
	p.done = func() {
		if tries++; w.store.disturbed != nil && tries < 20 {
			w.in(time.Minute, p.begin)
		}
	}
	p.begin()
}

// reconfigure changes the config; each daemon gets it within two hours.
func (w *world) reconfigure(i Incident) {
	s := w.script
	c := w.config
	c.version++
	c.outputs = slices.Clone(c.outputs)
	switch i.Kind {
	case Schedule:
		c.period = i.Size
	case Grace:
		c.grace = i.Size
		w.least = min(w.least, i.Size)
	case Outputs:
		on := !c.outputs[i.Who]
		c.outputs[i.Who] = on
		if !on {
			w.outputs[i.Who].detach()
		} else {
			w.in(3*time.Hour, w.outputs[i.Who].attach)
		}
	}
	c.policy = s.policy(c.period, c.grace)
	w.config = c
	w.struck(i.Kind, nil)
	for n, d := range w.daemons {
		w.in(time.Duration(n)*40*time.Minute, func() {
			d.config = w.config
			if d.pass == nil && d.planned > 0 {
				d.again(time.Second)
			}
		})
	}
}

// heal ends all trouble, except for pauses that go on.
func (w *world) heal() {
	w.tell("the trouble ends")
	w.calm = true
	for _, pl := range append([]*place{w.store}, w.outputs...) {
		pl.weather = nil
		if pl.disturbed != nil {
			pl.putRight()
		}
	}
	for _, d := range w.daemons {
		d.armed = nil
		d.host.until = w.now
		if d.host.offset.Abs() > rotation.Skew {
			d.host.offset = 0
		}
		if d.pass == nil && d.planned > 0 {
			d.again(time.Second)
		}
	}
}

func ed25519Key(seed uint64, n int) ed25519.PrivateKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", seed, n))
	return ed25519.NewKeyFromSeed(sum[:])
}
