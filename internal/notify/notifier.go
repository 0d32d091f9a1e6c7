package notify

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/rotation/keyset"
)

const (
	// looking is how often a Notifier looks at what the last passes left. So news are
	// as old as that at most, and what comes and goes in between is none.
	looking = 30 * time.Second

	// settling is how long passes in hand are waited for at the end, for a last look.
	// With lastWithin it is less than the 5 s that a daemon has to stop.
	settling = 3 * time.Second
)

// Options are what a Notifier takes from the daemon around it. All are needed but
// Transport.
type Options struct {
	Now       func() time.Time
	Keys      func() iter.Seq[live.Key]                        // as their last passes left them
	Set       func(key string) *keyset.Set                     // the newest one of a key that could be trusted; nil if there is none
	Alive     func() bool                                      // the scheduler has turned a moment ago
	Count     func(receiver string, result Result, events int) // is told of everything; safe for concurrent calls
	Log       *slog.Logger
	Version   string
	Transport http.RoundTripper // nil for the network
}

// A Notifier tells receivers of the keys of one daemon. Use and Run are safe for
// concurrent use; Run is called once.
type Notifier struct {
	Options
	client   *http.Client
	settings atomic.Pointer[Settings]
	changed  chan struct{} // has one when settings are new

	// What is below belongs to Run.
	team    map[string]*delivery // by the receiver's name
	watches map[string]*watch    // by environment and key
	work    sync.WaitGroup
	heart   heart
}

// New returns a Notifier that tells nobody yet.
func New(o Options) *Notifier {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	n := &Notifier{
		Options: o, changed: make(chan struct{}, 1), team: map[string]*delivery{}, watches: map[string]*watch{},
		client: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	n.settings.Store(&Settings{})
	return n
}

// Use makes settings the ones that count. A receiver that keeps its name keeps what
// waits for it.
func (n *Notifier) Use(s Settings) {
	n.settings.Store(&s)
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// Run looks and tells until ctx is done. Then it waits a moment for finished, looks
// once more, and gives each message that is left one last attempt; all of that ends
// within 5 s of ctx.
func (n *Notifier) Run(ctx context.Context, finished <-chan struct{}) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer n.client.CloseIdleConnections()
	defer n.work.Wait()
	defer stop()
	every := time.NewTicker(looking)
	defer every.Stop()
	for ctx.Err() == nil {
		n.turn(sending)
		tick := every.C
		if !n.settings.Load().tell() {
			tick = nil // nobody to look for
		}
		select {
		case <-ctx.Done():
		case <-n.changed:
		case <-tick:
		}
	}
	patient := time.NewTimer(settling)
	defer patient.Stop()
	select {
	case <-finished:
	case <-patient.C:
	}
	_, err := n.look(n.settings.Load())
	n.unlooked(err)
}

// turn goes by the settings, looks, and pings.
func (n *Notifier) turn(sending context.Context) {
	s := n.settings.Load()
	n.staff(sending, s)
	if h := s.Heartbeat; h != n.heart.of {
		n.heart.of = h
		n.warn(Ping, h.usable())
	}
	well, err := n.look(s)
	n.unlooked(err)
	if well && n.Alive() {
		n.ping(sending, s.Heartbeat)
	}
}

// unlooked tells of a bug that a look has shown. The next one is tried all the same.
func (n *Notifier) unlooked(err error) {
	if err != nil {
		n.Log.Error("what is worth a notification could not be told; keys are rotated all the same", "error", err.Error())
	}
}

// staff begins the deliveries of new receivers, and ends those of receivers that
// are gone.
func (n *Notifier) staff(sending context.Context, s *Settings) {
	named := map[string]bool{}
	for _, r := range s.Receivers {
		named[r.Name] = true
		d := n.team[r.Name]
		if d != nil && reflect.DeepEqual(*d.receiver.Load(), r) {
			continue
		}
		n.warn(r.Name, r.usable())
		if d != nil {
			d.receiver.Store(&r)
			continue
		}
		own, stop := context.WithCancel(sending)
		d = &delivery{n: n, queue: newQueue(), stop: stop}
		d.receiver.Store(&r)
		n.team[r.Name] = d
		n.work.Go(func() { d.run(own) })
	}
	for name, d := range n.team {
		if !named[name] {
			d.stop()
			delete(n.team, name)
		}
	}
}

// warn tells of a receiver that could not be told now. At its first event that would be
// known too late.
func (n *Notifier) warn(receiver string, err error) {
	if err != nil {
		n.Log.Warn("a receiver could not be told now: put that right before there is something to tell", "receiver", receiver, "error", err.Error())
	}
}

// look gives the receivers what happened since the last look. It tells whether all
// is well: every key was read, and none needs a person for longer than a moment.
func (n *Notifier) look(s *Settings) (well bool, err error) {
	defer bug.Catch(&err)
	if !s.tell() {
		n.watches = map[string]*watch{} // nobody is told, so nothing was
		return false, nil
	}
	var events []Event
	watches, now := make(map[string]*watch, len(n.watches)), n.Now()
	well = true
	for k := range n.Keys() {
		name := k.Environment + "\x00" + k.Key
		w := n.watches[name]
		if w == nil {
			w = &watch{}
		}
		watches[name] = w
		told, err := w.guarded(now, &k, s.Ahead)
		n.unlooked(err)
		events = append(events, told...)
		well = well && err == nil && w.well() && !k.Ended.IsZero()
	}
	n.watches = watches // keys that are gone are forgotten
	for _, d := range n.team {
		d.give(events)
	}
	return well, nil
}
