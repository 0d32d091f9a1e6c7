package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// A reader is an application. It reads its place at most every so often, goes
// on with what it has while the place cannot be read, and either signs with
// current, or verifies with all that it knows.
type reader struct {
	name   string
	place  *place
	cache  time.Duration
	ttl    time.Duration
	signs  bool
	phase  time.Duration
	kid    string               // that it signs with; "" while it has read nothing good
	signed map[string]time.Time // earlier ones, and until when
	kids   []string             // that it accepts

	behind time.Time // since when its place holds what it has not read; zero if it is up to date
	bad    bool      // what it has was read from a place that someone had changed
	asleep bool      // a read is planned
}

func (w *world) newReader(i int, s ReaderSpec) {
	r := &reader{place: w.place(s.Place), cache: s.Cache, ttl: s.TTL, signs: s.TTL > 0, signed: map[string]time.Time{}}
	r.name = fmt.Sprintf("a verifier of %s", r.place.name)
	if r.signs {
		r.name = fmt.Sprintf("an issuer of %s", r.place.name)
	}
	if r.cache > 0 {
		r.phase = time.Duration(w.stream(uint64(700 + i)).Int64N(int64(r.cache)))
	}
	w.readers = append(w.readers, r)
}

// wake plans the next read of all who read here.
func (pl *place) wake() {
	for _, r := range pl.w.readers {
		if r.place == pl && pl.attached {
			if r.behind.IsZero() {
				r.behind = pl.w.now
			}
			pl.w.plan1(r)
		}
	}
}

func (w *world) plan1(r *reader) {
	if r.asleep {
		return
	}
	r.asleep = true
	wait := time.Duration(0)
	if r.cache > 0 {
		wait = r.cache - (w.now.Sub(start)+r.phase)%r.cache
	}
	w.in(wait, func() { w.read(r) })
}

// attach lets applications read an output as soon as it is up to date.
func (pl *place) attach() {
	w := pl.w
	if !w.config.outputs[pl.index-1] || pl.attached {
		return
	}
	if pl.view == nil || pl.disturbed != nil || w.good == nil || pl.view.generation != w.good.Generation || w.settling() {
		w.in(time.Hour, pl.attach)
		return
	}
	pl.attached = true
	for _, r := range w.readers {
		if r.place == pl {
			r.behind, r.bad = time.Time{}, false
			w.take(r, pl.view)
		}
	}
}

// settling tells whether a process still has an older config, if only for the
// pass in hand: one that sleeps through a change may yet promote without the new
// output, so applications begin to read it after that.
func (w *world) settling() bool {
	return slices.ContainsFunc(w.daemons, func(d *process) bool {
		return d.config.version != w.config.version || d.pass != nil && d.using.version != w.config.version
	})
}

// detach ends all reading of an output: the applications went elsewhere before
// it went out of use.
func (pl *place) detach() {
	pl.attached = false
	for _, r := range pl.w.readers {
		if r.place == pl {
			pl.w.stopSigning(r)
			r.kids = nil
		}
	}
}

// read is one attempt of a reader.
func (w *world) read(r *reader) {
	r.asleep = false
	pl := r.place
	switch {
	case !pl.attached || r.behind.IsZero():
		return
	case slices.ContainsFunc(pl.weather, func(i *Incident) bool { return i.Kind == Outage }) || pl.view == nil:
		r.asleep = true
		w.in(time.Minute, func() { w.read(r) })
		return
	}
	r.bad = pl.disturbed != nil
	if r.bad || r.kid != pl.view.current {
		w.stopSigning(r)
	}
	r.behind = time.Time{}
	w.take(r, pl.view)
}

// take makes a reader use what it has read.
func (w *world) take(r *reader, v *view) {
	if !r.signs {
		had := r.kids
		r.kids = v.kids
		w.judgeVerifier(r, had)
		return
	}
	if r.bad || r.kid == v.current || v.current == "" {
		return
	}
	r.kid = v.current
	w.judgeSigning(r)
}

// stopSigning notes until when a key was used.
func (w *world) stopSigning(r *reader) {
	if r.kid != "" {
		r.signed[r.kid] = w.until(r)
	}
	r.kid = ""
}

// until is the last time at which a reader signed with its key as a well-behaved
// one: one that could not read for longer than the propagation is not.
func (w *world) until(r *reader) time.Time {
	if end := r.behind.Add(w.script.Propagation); !r.behind.IsZero() && end.Before(w.now) && !w.script.Beyond {
		return end
	}
	return w.now
}

// late tells whether a reader has not read for longer than was declared.
func (w *world) late(r *reader) bool {
	return !r.behind.IsZero() && w.now.Sub(r.behind) > w.script.Propagation && !w.script.Beyond
}

// judgeSigning holds every verifier against a key that begins to be used.
func (w *world) judgeSigning(issuer *reader) {
	for _, v := range w.readers {
		if !v.signs && v.place.attached {
			w.judge(v, issuer, issuer.kid, false)
		}
	}
}

// judgeVerifier holds a verifier that has read against every token out there.
func (w *world) judgeVerifier(v *reader, had []string) {
	for _, issuer := range w.readers {
		if issuer.kid != "" {
			w.judge(v, issuer, issuer.kid, slices.Contains(had, issuer.kid))
		}
		for kid, end := range issuer.signed {
			if end.Add(issuer.ttl + w.tolerance()).After(w.now) {
				w.judge(v, issuer, kid, slices.Contains(had, kid))
			} else {
				delete(issuer.signed, kid)
			}
		}
	}
}

// tolerance is how much later than at an issuer a token ends at a verifier.
func (w *world) tolerance() time.Duration {
	if w.script.Propagation == 0 {
		return 0
	}
	return rotation.Skew
}

// judge asks whether a verifier accepts the tokens of a key.
func (w *world) judge(v, issuer *reader, kid string, dropped bool) {
	if slices.Contains(v.kids, kid) || w.revoked[kid] || w.given[kid] || len(v.kids) == 0 {
		return
	}
	switch {
	case v.place.format == value:
		w.refused.raw++
	case w.late(v) || v.bad && w.excused(v, kid):
		w.refused.late++
	case dropped:
		w.worst = max(w.worst, issuer.ttl)
		w.fail(3, "%s does not accept %s any more, while a token that %s signed with it is still valid", v.name, kid, issuer.name)
	case w.exempt[kid]:
		w.refused.replaced++
	default:
		if v.cache > 0 {
			w.worst = max(w.worst, v.cache-(w.now.Sub(start)+v.phase)%v.cache)
		}
		w.fail(2, "%s signs with %s, which %s does not know", issuer.name, kid, v.name)
	}
}

// excused: what someone changed in the store or in an output is on them, but
// what was promoted after an output was put right had to wait for it.
func (w *world) excused(v *reader, kid string) bool {
	return v.place.disturbed != nil || v.place.byHand || !w.promoted[kid].After(v.place.repaired)
}
