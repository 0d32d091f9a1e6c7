package sim

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A moment is where a process stops until the world lets it go on: just before
// or just after a call, or to sleep. A pass reads its outputs all at once, so it
// can be at several moments.
type moment struct {
	run   *run
	place *place
	op    string
	after bool
	sleep time.Duration
	wake  chan fate
}

// compare orders the moments that a process comes to at once.
func (m *moment) compare(o *moment) int { return cmp.Compare(m.place.index, o.place.index) }

// A run is one pass of a process.
type run struct {
	p    *process
	dead bool // its process is no more: whatever it still calls does not happen
	over bool
}

// A fate is what the world does to a process that reached a moment.
type fate struct {
	err  error // answers in place of the call, or of its reply
	dead bool  // the process was killed there
	late bool  // the call is made long after its caller gave it up
}

// A process is a daemon or a command: an engine, the host it runs on, and the
// pass in hand.
type process struct {
	w    *world
	name string
	id   uint64
	rng  *rand.Rand
	host *host

	daemon bool
	config config // of the next pass
	using  config // of the pass in hand

	engine *engine.Engine
	clocks watch
	pass   *run // in hand, nil if none is
	armed  []*Incident
	life   int // grows with each restart: what was planned for an earlier one is void
	began  time.Time

	result  engine.Result
	err     error
	work    func(engine.Target) (engine.Result, error) // a pass, or an adoption
	ask     engine.Ask
	alarm   string // of the last pass
	asks    bool   // a person reads what it says
	accepts bool   // it goes on from a backup, as someone decided
	done    func() // for commands: decides what comes after the pass
	plans
}

func (w *world) newProcess(name string, id uint64) *process {
	p := &process{w: w, name: name, id: id, rng: w.stream(1000 + id), host: w.shared, config: w.config}
	if p.host == nil {
		p.host = &host{}
	}
	p.work = func(t engine.Target) (engine.Result, error) { return p.engine.Pass(context.Background(), t, p.ask) }
	p.restart()
	return p
}

// restart is a new process: what it remembered is gone.
func (p *process) restart() {
	p.life++
	p.clocks, p.plans = watch{}, plans{}
	p.armed = nil
	life := p.life
	p.engine = &engine.Engine{Clock: p.clock, NewID: p.w.newID, Actor: p.name, Audit: func(ev engine.Event) { p.w.heard(p, life, ev) }}
}

func (p *process) wall() time.Time { return p.w.now.Add(p.host.offset) }

func (p *process) clock() rotation.Clock {
	return p.clocks.read(p.wall(), p.w.now.Sub(start)-p.host.suspended)
}

// begin starts a pass.
func (p *process) begin() {
	if p.pass != nil {
		return
	}
	r := &run{p: p}
	p.pass, p.began, p.using = r, p.w.now, p.config
	target := p.w.target(r, p.using)
	p.w.let(r, func() {
		go func() {
			defer func() {
				if v := recover(); v != nil {
					p.w.fail(10, "%s panicked: %v", p.name, v)
				}
				r.over = true
			}()
			result, err := p.work(target)
			if !r.dead {
				p.result, p.err = result, err
			}
		}()
	})
}

// end stops the pass in hand for ever, wherever it is.
func (p *process) end() {
	r := p.pass
	if r == nil {
		return
	}
	p.pass = nil
	r.dead = true
	for m := range p.w.stopped {
		if m.run == r {
			delete(p.w.stopped, m)
			m.wake <- fate{dead: true}
		}
	}
	synctest.Wait()
}

// reach stops a process until the world says how it goes on.
func (r *run) reach(m moment) fate {
	if r.dead {
		return fate{dead: true}
	}
	m.run, m.wake = r, make(chan fate)
	r.p.w.arrive(&m)
	return <-m.wake
}

// arrive is called by the processes.
func (w *world) arrive(m *moment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived = append(w.arrived, m)
}

// let has a process go on until all of it has stopped again, and plans how it
// goes on from there. Nothing else in the world runs meanwhile.
func (w *world) let(r *run, goOn func()) {
	goOn()
	synctest.Wait()
	arrived := w.arrived
	w.arrived = nil
	slices.SortStableFunc(arrived, (*moment).compare)
	for _, m := range arrived {
		w.stopped[m] = true
	}
	for _, m := range arrived {
		if killed := w.strike(m); killed {
			return
		}
	}
	if r.over {
		r.p.pass = nil
		w.ended(r.p)
	}
}

// strike has what was planned for a moment happen, and plans how the process
// goes on.
func (w *world) strike(m *moment) (killed bool) {
	p := m.run.p
	hold := m.sleep + time.Duration(1+p.rng.ExpFloat64()*100)*time.Millisecond
	for n, i := range p.armed {
		if i.Op != "" && (m.place != w.store || m.op[:4] != i.Op[:4]) {
			continue
		}
		if i.N--; i.N >= 0 {
			continue
		}
		p.armed = slices.Delete(p.armed, n, n+1)
		w.struck(i.Kind, p)
		if i.Kind == Kill {
			w.kill(p, i.Dur)
			return true
		}
		hold += i.Dur
		break
	}
	w.in(hold, func() { w.resume(m) })
	return false
}

// resume goes on from a moment, unless the process is no more or its host is
// suspended.
func (w *world) resume(m *moment) {
	p := m.run.p
	switch {
	case !w.stopped[m]:
		return
	case p.host.until.After(w.now):
		w.in(p.host.until.Sub(w.now), func() { w.resume(m) })
		return
	}
	f := m.place.fate(p, m)
	delete(w.stopped, m)
	w.let(m.run, func() { m.wake <- f })
}

// kill ends a process where it stands; a daemon is started again after a while.
func (w *world) kill(p *process, down time.Duration) {
	w.tell("%s is killed", p.name)
	p.end()
	p.restart()
	if p.daemon {
		life := p.life
		w.in(down, func() {
			if p.life == life {
				p.config = w.config
				p.begin()
			}
		})
	}
}

// ended is called when a pass has returned.
func (w *world) ended(p *process) {
	w.judgePass(p)
	if p.daemon {
		p.settle()
		return
	}
	p.done()
}

// command is a process that someone starts by hand. It is run again, minutes
// later, for as long as again says so.
func (w *world) command(name string, h *host, ask engine.Ask, again func(p *process) bool) *process {
	w.readings++
	p := w.newProcess(name, uint64(100+w.readings))
	if h != nil {
		p.host = h
	}
	p.ask = ask
	p.done = func() {
		p.ask.Away = p.result.Away
		if again(p) {
			w.in(time.Duration(1+p.rng.IntN(10))*time.Minute, p.begin)
		}
	}
	p.begin()
	return p
}
