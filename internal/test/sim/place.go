package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// A place is the store or an output: a service, the weather there, and what it
// showed to whom.
type place struct {
	w      *world
	name   string
	index  int // 0 for the store
	format format
	shape  Shape
	b      backend
	behind time.Duration // of the service's clock

	weather []*Incident
	view    *view // of the head; nil if it cannot be read
	last    providers.RevisionID
	views   map[providers.RevisionID]*view
	past    []shown              // for reads within the declared staleness
	since   map[string]time.Time // when a live kid began to stand here

	attached  bool // applications read it
	disturbed *Incident
	disturbAt time.Time
	repaired  time.Time // when the last disturbance ended
	byHand    bool      // a person ended it
	writes    int
}

// A view is what an application takes from a value.
type view struct {
	id         providers.RevisionID
	generation uint64
	lineage    string
	noted      string // the lineage in the note beside it
	current    string
	kids       []string
	set        *keyset.Set // nil where the format is not a keyset
}

type shown struct {
	at  time.Time
	rev providers.Revision
}

func (w *world) newPlace(name string, shape Shape, index int) *place {
	p := &place{w: w, name: name, index: index, shape: shape, views: map[providers.RevisionID]*view{}, since: map[string]time.Time{}, attached: index == 0}
	if w.script.Propagation > 0 {
		p.behind = time.Duration(w.stream(uint64(500+index)).IntN(2*withinSkew)-withinSkew) * time.Second
	}
	p.b = newBackend(shape, func() time.Time { return w.now.Add(-p.behind) })
	return p
}

// client is the store of one process.
func (pl *place) client(by *run) providers.Store {
	inner := pl.b.client(wire{by, pl})
	if pl.index == 0 && pl.w.script.Stale > 0 {
		return stale{inner, pl, by.p}
	}
	return inner
}

// A wire is the way of one process to one service.
type wire struct {
	r  *run
	pl *place
}

// errLost stands for a reply that did not come.
var errLost = errors.New("no reply")

func (x wire) call(op string, lost error, do func() error) error {
	p, w := x.r.p, x.r.p.w
	reply := func(err error) error {
		if errors.Is(err, errLost) {
			return failure(op, lost, "no reply")
		}
		return err
	}
	switch f := x.r.reach(moment{place: x.pl, op: op}); {
	case f.dead:
		return failure(op, lost, "the process was killed")
	case f.late:
		w.in(time.Duration(1+p.rng.IntN(6*3600))*time.Second, func() {
			if op != "read" && op != "history" {
				w.tell("a call of %s to %s arrives late: %s", p.name, x.pl.name, op)
			}
			_ = do()
			w.overdue = true
			x.pl.look(p, op)
			w.overdue = false
		})
		return reply(errLost)
	case f.err != nil:
		return reply(f.err)
	}
	err := do()
	x.pl.look(p, op)
	switch f := x.r.reach(moment{place: x.pl, op: op, after: true}); {
	case f.dead:
		return failure(op, lost, "the process was killed")
	case f.err != nil:
		return reply(f.err)
	}
	return err
}

func (x wire) sleep(d time.Duration) { x.r.reach(moment{place: x.pl, op: "sleep", sleep: d}) }

// fate is what the weather does to a call before it is made, or to its reply.
func (pl *place) fate(p *process, m *moment) fate {
	if m.sleep > 0 {
		return fate{}
	}
	for _, i := range pl.weather {
		switch {
		case i.Kind == Outage && !m.after:
			pl.w.struck(Outage, p)
			return fate{err: failure(m.op, providers.ErrUnavailable, "")}
		case i.Kind == Throttle && !m.after && p.rng.IntN(3) > 0:
			pl.w.struck(Throttle, p)
			return fate{err: failure(m.op, providers.ErrThrottled, "")}
		case i.Kind == Denied && !m.after && (i.Op == "" || strings.HasPrefix(m.op, i.Op)):
			pl.w.struck(Denied, p)
			return fate{err: failure(m.op, providers.ErrDenied, "")}
		case i.Kind == LostReply && m.after && p.rng.IntN(2) > 0:
			pl.w.struck(LostReply, p)
			return fate{err: errLost}
		case i.Kind == LostCall && !m.after && p.rng.IntN(2) > 0:
			pl.w.struck(LostCall, p)
			return fate{err: errLost}
		case i.Kind == LateCall && !m.after && p.rng.IntN(2) > 0:
			pl.w.struck(LateCall, p)
			return fate{late: true}
		}
	}
	return fate{}
}

// look notices what became of the head. p is nil for what comes from outside.
func (pl *place) look(p *process, op string) {
	if d, ok := pl.b.(*detected); ok && d.unsettled() {
		pl.w.in(settleTime, func() { pl.look(p, op) })
	}
	rev, ok := pl.b.head()
	id := rev.ID
	if !ok {
		id = "unreadable"
	}
	pl.w.note(uint64(pl.index), uint64(len(op)), uint64(len(pl.past)))
	if id == pl.last || !ok && pl.last == "" {
		return
	}
	old := pl.view
	pl.last, pl.view = id, nil
	if ok {
		pl.past = append(pl.past, shown{pl.w.now, rev})
		if pl.views[id] == nil {
			pl.views[id] = pl.format.parse(rev)
		}
		pl.view = pl.views[id]
	}
	for _, b := range string(id) {
		pl.w.note(uint64(b)) //nolint:gosec // a rune
	}
	pl.track()
	pl.w.changed(pl, p, old)
	pl.wake()
}

// track notes since when each kid stands here.
func (pl *place) track() {
	var kids []string
	if pl.view != nil {
		kids = pl.view.kids
	}
	for kid := range pl.since {
		if !slices.Contains(kids, kid) {
			delete(pl.since, kid)
		}
	}
	for _, kid := range kids {
		if _, ok := pl.since[kid]; !ok {
			pl.since[kid] = pl.w.now
		}
	}
}

// A format is how a place renders the keyset.
type format string

const (
	whole format = ""      // the document
	list  format = "list"  // generation, and each kid with its status: quick to read
	value format = "value" // what signs, and nothing else
)

func (f format) carriesNext() bool { return f != value }

func (f format) render(s *keyset.Set) (secret.Text, error) {
	switch f {
	case list, value:
		var b strings.Builder
		fmt.Fprintf(&b, "%d %s", s.Generation, s.Lineage)
		for _, k := range s.Keys {
			b.WriteString(" " + k.Kid)
			if f == value {
				break
			}
		}
		return secret.New([]byte(b.String())), nil
	}
	return s.Projection()
}

func (f format) parse(rev providers.Revision) *view {
	v := &view{id: rev.ID, noted: rev.Note.Lineage}
	if f == whole {
		set, err := keyset.Parse(rev.Value.Reveal())
		if err != nil {
			return nil
		}
		v.set, v.generation, v.lineage = set, set.Generation, set.Lineage
		if set.Removing == nil { // else nothing is to sign
			v.current = set.Signing().Kid
		}
		for _, k := range set.Keys {
			v.kids = append(v.kids, k.Kid)
		}
		return v
	}
	words := strings.Fields(string(rev.Value.Reveal()))
	if len(words) < 3 {
		return nil
	}
	if _, err := fmt.Sscan(words[0], &v.generation); err != nil {
		return nil
	}
	v.lineage, v.current, v.kids = words[1], words[2], words[2:]
	return v
}
