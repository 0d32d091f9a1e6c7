// Package engine carries out what rotation.Plan decides: it reads, brings the
// outputs up to date, asks Plan for one step, writes it, and reads again, until
// Plan says wait.
//
// Everything that a pass needs to know is in the store and the outputs. An Engine remembers between passes the newest
// document that it saw, to be careful, and what it has swept, to save calls. A new Engine on another host does the
// same work.
package engine

import (
	"context"
	"sync"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// maxRounds bounds a pass: a whole rotation without waits takes five rounds,
// the others are for races lost on the way.
const maxRounds = 8

// A Target is one key and the places it lives in.
type Target struct {
	Name        string   // of the key
	Was         []string // its earlier names: a document with one of them is the key's, and is given the name
	Environment string
	Policy      rotation.Policy
	StoreName   string // of the store, as the config calls it
	Store       providers.Store
	Secret      string // the name in the store
	Outputs     []Output
	Fresh       string // what the config says of a key after one that was removed; see rotation.MayBegin
	Census      Census // of the config; nil if nobody knows what else it has

	// Reopen opens a place that the document remembers and the config does not have; nil if nothing can.
	Reopen func(context.Context, keyset.Output) (Output, error)

	// Generate makes a fresh key. It is called once for each attempt to write
	// one, and what is not written is forgotten.
	Generate func() (keyset.Key, error)
}

// An Output is a further place that gets a rendering of the keyset.
type Output struct {
	Name        string // of the output, as the config calls it
	Store       providers.Store
	Secret      string
	CarriesNext bool // its format has room for next

	// OneKey says that a revision holds the current key and nothing else. Then
	// superseded revisions stay readable while their keys verify.
	OneKey bool
	// The document notes Format and Variables, so that rotate can find and remove
	// what it wrote once no config names it any more.
	Format    string
	Variables []string
	// Adopted reports whether a value that rotate did not write is the current
	// key all the same, so that it may be taken over; nil takes over nothing.
	Adopted func(*keyset.Set, secret.Text) bool

	// Render must depend on nothing but the keys and the generation of the set:
	// marks do not count.
	Render func(*keyset.Set) (secret.Text, error)

	// After makes the readers of the output read what it holds; nil if they do so by themselves. The engine calls it
	// after it has read the newest keys back there, and again until it succeeds. Until then the output is behind.
	// revision names what readers have to read, and holds no key material. After a success it is called again only for
	// another revision, or, where the store is no providers.ReadNoter, by another process. It has a minute. People are
	// shown its error, and as a hint what a method Todo() string of the error says.
	After func(ctx context.Context, revision string) error
}

// An Ask is what someone wants of a pass beyond the schedule. The zero Ask
// wants nothing.
type Ask struct {
	Rotate bool
	ID     string   // names the request, so that a retry of it changes nothing; "" if it has no name
	By     string   // who asks, for people
	Revoke []string // kids that are compromised; with an ID, the first write that serves it records it

	// Away is the kid that was current when the asker first looked. It is ""
	// before that: a pass fills it in, and its Result hands it on to the next.
	Away string
}

// bind ties "rotate away from what is current" to the key that the asker saw
// first, so that a race is lost at most once.
func (a *Ask) bind(set *keyset.Set) {
	switch {
	case !a.Rotate || a.Away != "":
	case set == nil:
		a.Away = keyset.FromNothing
	default:
		a.Away = set.Signing().Kid
	}
}

// request is the ask in Plan's terms.
func (a Ask) request() rotation.Request {
	r := rotation.Request{Revoke: a.Revoke}
	if a.Rotate {
		asked := keyset.UnnamedRequest(a.Away, a.By)
		if a.ID != "" {
			asked = keyset.NamedRequest(a.ID, a.Away, a.By)
		}
		r.Rotate = &asked
	}
	return r
}

// A Result is how a pass ended.
type Result struct {
	Step rotation.Step // Wait or Halt
	Set  *keyset.Set   // as it was last read; nil if there is none, or none that can be trusted, or a stale one

	Removed *keyset.Set // what the key has left, if it was removed; then Set is nil

	Outputs []rotation.Output // as they were last seen
	Clock   rotation.Clock    // as it was when the step was planned
	Left    Left              // what a deletion has not reached yet
	Traces  []rotation.Trace  // how gone each removed key is, if this pass came to rest; nil otherwise
	Erases  providers.How     // how strongly the store erases under this name; "" if it was not read
	Did     []Event           // what this pass changed
	Away    string            // see Ask
}

// Left is what was superseded in the store and the outputs and can still be
// read, as far as the last sweep of each place knows.
type Left struct {
	Revisions int
	Failed    bool // this pass could not erase what was to go
}

// An Engine runs passes. It is safe for concurrent use; two passes of one key
// at once are as safe as two processes.
type Engine struct {
	Clock func() rotation.Clock // the host's clock; see SystemClock
	NewID func() string         // a random id, at least 128 bits, for lineages and writes
	Audit func(Event)           // is told everything that changed or was refused; must not block for long
	Actor string                // who this process is, in events and requests

	mu     sync.Mutex
	memory map[place]*memory
	claims claims

	listings listings
}

// Pass does what can be done for a target now. It returns when nothing is left to do before Step.At (Wait), or when a
// person has to look first (Halt). An error means that a call failed. Nothing is lost, and the next pass goes on from
// what is stored.
//
// A cancelled Pass ends between two calls, or inside one if the store allows
// that. Either way the next pass finishes what was begun.
func (e *Engine) Pass(ctx context.Context, t Target, ask Ask) (Result, error) {
	p := e.begin(t, ask)
	return p.end(p.run(ctx))
}

// Look reads what Pass would read and returns the step that it would take
// first, without taking it.
func (e *Engine) Look(ctx context.Context, t Target, ask Ask) (Result, error) {
	p := e.begin(t, ask)
	p.readOnly = true
	return p.end(p.run(ctx))
}

func (e *Engine) begin(t Target, ask Ask) *pass {
	return &pass{
		e: e, t: t, ask: ask, trust: rotation.Trust{Name: t.Name, Was: t.Was, Environment: t.Environment},
		told: &teller{e: e, t: t}, outputs: outputs{all: t.Outputs, wrote: map[string]tried{}, untold: map[string]untold{}},
	}
}

func (p *pass) end(err error) (Result, error) {
	p.result.Removed = p.removed
	p.result.Away, p.result.Did = p.ask.Away, p.told.did
	if p.result.Erases = p.head.Erases; p.result.Erases == "" {
		p.result.Erases = p.t.Store.Traits().Erases
	}
	return p.result, explain(err, p.t, p.result.Set)
}

// A pass is the state of one call of Pass.
type pass struct {
	e       *Engine
	t       Target
	ask     Ask
	result  Result
	head    providers.Revision
	pending *attempt          // a write of which no reply came
	removed *keyset.Set       // what the key has left, if the head says that it was removed
	alarms  []rotation.Reason // of what is left of it
	known   memory            // what the process knew of the key before the last read
	outputs outputs
	lost    int // writes that another writer was faster with
	told    *teller

	readOnly bool // look, and change nothing
	trust    rotation.Trust
}

func (p *pass) run(ctx context.Context) error {
	for range maxRounds {
		done, err := p.round(ctx)
		if done || err != nil {
			return err
		}
	}
	busy := rotation.Reason{Code: rotation.WritersBusy, Have: uint64(p.lost)} // #nosec G115 -- a few
	p.result.Step = rotation.Step{Do: rotation.Wait, At: p.e.Clock().Wall, Why: busy}
	if p.lost > maxRounds/2 {
		p.result.Step.Alarms = []rotation.Reason{busy}
	}
	return nil
}

// round is one read, one plan and at most one write of the store.
func (p *pass) round(ctx context.Context) (done bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	if stop, err := p.read(ctx); stop || err != nil {
		return stop, err
	}
	if err := p.resolve(); err != nil {
		return false, err
	}
	p.ask.bind(p.result.Set)
	if p.removed != nil && !p.readOnly {
		if wrote, err := p.clear(ctx); wrote || err != nil {
			return false, err
		}
	}
	// guard 6: an output remembers a lost store
	if p.result.Set == nil && p.removed == nil && p.remembered(ctx) {
		return false, nil // whether the store has lost a key is told by reading it again
	}
	// guard 10: an output is recorded before it is written
	if set := p.result.Set; set != nil && !p.readOnly && unrecorded(set, p.t) {
		return false, p.record(ctx)
	}
	if again := p.syncOutputs(ctx); again {
		return false, nil // what was written has to be read back
	}
	p.result.Clock = p.clock()
	step := rotation.Plan(p.t.Policy, rotation.Facts{
		Name: p.t.Name, Set: p.result.Set, Removed: p.removed, Fresh: p.t.Fresh, Outputs: p.result.Outputs, Request: p.ask.request(), Clock: p.result.Clock,
		Covered: p.head.Copy != "", Ready: p.known.ready, Settled: p.known.settled,
	})
	p.result.Step = step
	p.result.Step.Alarms = append(p.result.Step.Alarms, p.alarms...)
	switch {
	case p.readOnly:
		p.result.Step.Alarms = append(p.result.Step.Alarms, p.beside(ctx)...)
		return true, nil
	case step.Do == rotation.Wait:
		rest(ctx, p)
		p.result.Step.Alarms = append(p.result.Step.Alarms, p.e.Twins(p.t)...)
		p.result.Step.Alarms = append(p.result.Step.Alarms, p.beside(ctx)...)
		return true, nil
	}
	return false, p.apply(ctx, step)
}

// clock is the host's time and, where the store tells one, its.
func (p *pass) clock() rotation.Clock {
	c := p.e.Clock()
	c.Service = p.head.Service
	return c
}

// halt ends the pass with a reason that a person has to look at.
func (p *pass) halt(why rotation.Reason) {
	p.result.Step = rotation.Step{Do: rotation.Halt, Why: why}
	p.told.refuse(why)
}
