package engine_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func generateES256() (keyset.Key, error) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyset.Key{}, err
	}
	return keyset.NewAsymmetric(keyset.ES256, priv)
}

// Promise 10: whatever goes wrong with whichever call of a life, the key ends
// up where it would have without, and no sooner: one rotation, one lineage, the
// old key gone, nothing retired early.
func TestPromise10AnyCallMayFail(t *testing.T) {
	var calls []providertest.Call
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every + 3*day)
		calls = r.calls.Calls()
	})
	interesting := map[providertest.Op]map[int]bool{}
	for i, c := range calls {
		// Of the hourly reads only those next to another call are told apart.
		near := c.Op != providertest.Read || i+1 < len(calls) && calls[i+1].Op != providertest.Read || i > 0 && calls[i-1].Op != providertest.Read
		if near {
			if interesting[c.Op] == nil {
				interesting[c.Op] = map[int]bool{}
			}
			interesting[c.Op][c.N] = true
		}
	}
	kinds := map[string]error{"denied": providers.ErrDenied, "throttled": providers.ErrThrottled, "down": providers.ErrUnavailable, "conflict": providers.ErrConflict}
	points := 0
	for op, ns := range interesting {
		for n := range ns {
			for word, kind := range kinds {
				points++
				oneLife(t, fmt.Sprintf("%s %d %s", op, n, word), op, n, providertest.Fault{Before: kind})
			}
			points += 3
			oneLife(t, fmt.Sprintf("%s %d reply lost", op, n), op, n, providertest.Fault{After: providers.ErrUnclear})
			pausedLife(t, fmt.Sprintf("%s %d paused before", op, n), op, n, true)
			pausedLife(t, fmt.Sprintf("%s %d paused after", op, n), op, n, false)
		}
	}
	t.Logf("%d points of failure in a life of %d calls", points, len(calls))
	if points < 100 {
		t.Errorf("only %d points", points)
	}
}

func oneLife(t *testing.T, name string, op providertest.Op, n int, fault providertest.Fault) {
	t.Run(name, func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			r.calls.On(providertest.Nth(op, n, fault))
			r.run(every + 4*day)
			r.endsWell()
		})
	})
}

// pausedLife freezes a process inside a call for 30 hours while another one
// goes on, then lets it go on too.
func pausedLife(t *testing.T, name string, op providertest.Op, n int, before bool) {
	t.Run(name, func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			thaw := make(chan struct{})
			frozen := make(chan struct{})
			fault := providertest.Fault{Paused: frozen}
			if before {
				fault.PauseBefore = thaw
			} else {
				fault.PauseAfter = thaw
			}
			r.calls.On(providertest.Nth(op, n, fault))
			var wg sync.WaitGroup
			wg.Go(func() { r.run(every + 4*day) })
			wg.Go(func() {
				<-frozen
				other := *r
				other.engine = r.process("rotate test 2")
				other.run(30 * time.Hour)
				close(thaw)
			})
			wg.Wait()
			r.run(2 * day) // what is left, if the freeze was near the end
			r.endsWell()
		})
	})
}

func (r *rig) endsWell() {
	r.t.Helper()
	s := r.set()
	if kinds(s) != "current" || s.Generation != 4 {
		r.t.Errorf("ends with %s at generation %d, want one key at generation 4", kinds(s), s.Generation)
	}
	if len(s.Gone) != 1 {
		r.t.Errorf("%d keys were retired, want 1", len(s.Gone))
	} else if kept := s.Gone[0].At.Sub(s.Signing().NotBefore); kept < grace {
		r.t.Errorf("promise 3: the old key went %s after the promotion", kept)
	}
	for _, text := range r.made {
		current := string(s.Signing().Text().Reveal()) == text
		if readable(r.store, text) != current {
			r.t.Errorf("a key is readable: %v, is current: %v", !current, current)
		}
	}
	for _, ev := range r.events {
		if ev.Action == "refuse" {
			r.t.Errorf("alarm for no reason: %s", ev.Reason)
		}
	}
}

// Promise 5 and 10: sixteen rotators at once, all of them thawing into the same
// moment again and again.
func TestPromise5ManyRotators(t *testing.T) {
	for _, id := range []string{"", "job-1"} {
		for _, empty := range []bool{true, false} {
			t.Run(fmt.Sprintf("id %q, empty %v", id, empty), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					r := newRig(t)
					want := uint64(1)
					if !empty {
						r.pass(engine.Ask{})
						want = 2 // published, for all of them together
					}
					gate := make(chan struct{})
					r.calls.On(func(c providertest.Call) *providertest.Fault {
						if c.Op == providertest.Write {
							return &providertest.Fault{PauseBefore: gate}
						}
						return nil
					})
					var wg sync.WaitGroup
					results := make([]engine.Result, 16)
					for i := range results {
						wg.Go(func() {
							e := r.process(fmt.Sprintf("rotate test %d", i))
							var err error
							results[i], err = e.Pass(context.Background(), r.target, engine.Ask{Rotate: true, ID: id, By: e.Actor})
							if err != nil {
								t.Error(err)
							}
						})
					}
					time.Sleep(time.Second) // all of them are about to write
					r.calls.On(nil)
					close(gate)
					wg.Wait()
					if s := r.set(); s.Generation != want {
						t.Errorf("generation %d, want %d", s.Generation, want)
					}
					did := 0
					for _, res := range results {
						for _, ev := range res.Did {
							if ev.Action == string(rotation.Create) || ev.Action == string(rotation.Publish) {
								did++
							}
						}
					}
					if did != 1 {
						t.Errorf("%d of them say that they did it", did)
					}
				})
			})
		}
	}
}

// A reply that was lost is not the asker's trouble if the write landed, and the
// write is told of once.
func TestPromise10ALostReplyIsReadBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		for n := 1; n <= 4; n++ {
			r.calls.On(providertest.Nth(providertest.Write, n, providertest.Fault{After: providers.ErrUnclear}))
			r.pass(engine.Ask{Rotate: n == 2})
			time.Sleep(prop + rotation.Skew)
		}
		r.pass(engine.Ask{})
		var told []string
		for _, line := range r.story() {
			if !strings.HasPrefix(line, "erase") {
				told = append(told, line)
			}
		}
		equal(t, "story", told, []string{"create g1", "publish g2", "ready g2", "promote g3", "settled g3"})
	})
}

// A pass that was paused while another of the same process went on has read an
// old head, and finds that out by its write; that is no restored backup.
func TestTwoPassesOfOneProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		thaw, frozen := make(chan struct{}), make(chan struct{})
		r.calls.On(providertest.Nth(providertest.Read, r.calls.Count(providertest.Read)+1, providertest.Fault{PauseAfter: thaw, Paused: frozen}))
		var wg sync.WaitGroup
		wg.Go(func() {
			if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Wait || alarms(res) != "" {
				t.Errorf("the paused pass: %v", res.Step)
			}
		})
		<-frozen
		r.pass(engine.Ask{Rotate: true})
		close(thaw)
		wg.Wait()
	})
}

func TestCancelledPassStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := r.engine.Pass(ctx, r.target, engine.Ask{}); err == nil || len(r.calls.Calls()) != 0 {
			t.Errorf("err %v after %d calls", err, len(r.calls.Calls()))
		}
	})
}
