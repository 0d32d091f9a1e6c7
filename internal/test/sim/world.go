package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

const (
	keyName     = "auth-jwt"
	environment = "simulation"
	secretName  = "simulation-auth-jwt"
	day         = 24 * time.Hour
)

// start is the true time at which every world begins.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A world is one Script being played.
type world struct {
	script *Script
	now    time.Time // true time, which no one in it knows
	events queue
	seq    int
	hash   uint64

	store   *place
	outputs []*place  // all that the script has, in use or not
	shared  *host     // the only host there is, where the store is a file
	jumped  time.Time // until when the last jump of a clock lasts
	daemons []*process
	readers []*reader
	config  config        // the newest
	least   time.Duration // the shortest grace so far

	waiting []Incident // for their transition

	removing bool // someone removes the key, and has not taken that back
	ends     bool // nobody will

	mu      sync.Mutex
	arrived []*moment        // since the world last looked
	stopped map[*moment]bool // that a process waits at

	keys, ids, readings int // made so far
	*oracle
}

// config is what an operator can change.
type config struct {
	version       int
	period, grace time.Duration
	policy        rotation.Policy // of these
	outputs       []bool          // in use
}

// play runs a script to its end and returns what the oracle has to say. With
// tell set, the story of the world is kept.
func (b Bubble) play(s *Script, tell bool) (o *oracle) {
	b(func() { o = play(s, tell) })
	return o
}

// play is played inside a bubble.
func play(s *Script, tell bool) *oracle {
	w := &world{script: s, now: start, stopped: map[*moment]bool{}}
	w.oracle = newOracle(w, tell)
	w.build()
	w.plan()
	for w.events.Len() > 0 && w.verdict == nil {
		e := heap.Pop(&w.events).(*event)
		if e.at.After(start.Add(s.length())) {
			break
		}
		w.now = e.at
		e.do()
	}
	for len(w.stopped) > 0 { // what is still in a call
		for m := range w.stopped {
			m.run.p.end()
			break
		}
	}
	if w.verdict == nil {
		w.judgeEnd()
	}
	return w.oracle
}

// build makes the places, the hosts and the readers.
func (w *world) build() {
	s := w.script
	w.least = s.Grace
	w.config = config{period: s.Period, grace: s.Grace, policy: s.policy(s.Period, s.Grace), outputs: make([]bool, len(s.Outputs))}
	w.store = w.newPlace("the store", s.Shape, 0)
	for i, o := range s.Outputs {
		p := w.newPlace(fmt.Sprintf("output %d", i+1), o.Shape, i+1)
		p.format = o.Format
		w.outputs = append(w.outputs, p)
		w.config.outputs[i] = o.FromStart
		p.attached = o.FromStart
	}
	if s.Shape == File && !s.Beyond {
		w.shared = &host{}
	}
	for i := range s.Rotators {
		d := w.newProcess(fmt.Sprintf("rotator %d", i+1), uint64(i+1))
		d.daemon = true
		if s.Apart {
			d.config.outputs = slices.Clone(d.config.outputs)
			d.config.outputs[i%len(s.Outputs)] = false
		}
		if w.shared == nil && s.Propagation > 0 {
			d.host.offset = time.Duration(s.Offsets[i]) * time.Second
		}
		w.daemons = append(w.daemons, d)
		w.in(time.Second+time.Duration(i)*time.Millisecond, d.begin)
	}
	for i, r := range s.Readers {
		w.newReader(i, r)
	}
}

// plan puts the script's incidents into the order of time.
func (w *world) plan() {
	for _, i := range w.script.Incidents {
		w.in(i.At, func() { w.happen(i) })
	}
	w.in(w.script.calm(), w.heal)
	if w.script.Adopt {
		w.in(0, w.adopt)
	}
}

// clockWrong tells whether a clock is or lately was beyond the bounds, on a
// store that tells no time.
func (w *world) clockWrong() bool {
	return w.shared != nil && !w.jumped.IsZero() && w.now.Before(w.jumped.Add(longestPause))
}

// in makes something happen a while from now.
func (w *world) in(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.events, &event{at: w.now.Add(d), seq: w.seq, do: do})
}

// note adds to the trace hash (FNV-1a over words).
func (w *world) note(words ...uint64) {
	for _, v := range append(words, uint64(w.now.Sub(start))) {
		w.hash = (w.hash ^ v) * 1099511628211
	}
}

// stream is a source of chance that nothing else draws from.
func (w *world) stream(id uint64) *rand.Rand { return rand.New(rand.NewPCG(w.script.Seed, id)) } //nolint:gosec // a simulation

func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("%016x%016x", w.script.Seed, w.ids)
}

// generate makes a key: fast, and never the same twice.
func (w *world) generate() (keyset.Key, error) {
	w.keys++
	kid := fmt.Sprintf("key-%d", w.keys)
	if w.script.Asymmetric {
		return keyset.NewAsymmetric(keyset.Ed25519, ed25519Key(w.script.Seed, w.keys))
	}
	return keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte("material of "+kid+", long enough for HS256")), "")
}

// target is the key as a process with a config sees it.
func (w *world) target(p *run, c config) engine.Target {
	t := engine.Target{
		Name: keyName, Environment: environment, Policy: c.policy, StoreName: "store",
		Store: w.store.client(p), Secret: secretName, Generate: w.generate,
	}
	for i, o := range w.outputs {
		if c.outputs[i] {
			t.Outputs = append(t.Outputs, engine.Output{Name: o.name, Store: o.client(p), Secret: secretName, CarriesNext: o.format.carriesNext(), Render: o.format.render})
		}
	}
	return t
}

// An event is something that happens at a time.
type event struct {
	at  time.Time
	seq int
	do  func()
}

// A queue is a heap of events, the first one on top.
type queue []*event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for package heap.
func (q *queue) Push(x any) { *q = append(*q, x.(*event)) }

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}
