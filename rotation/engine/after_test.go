package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// readers are those of one output: they read it when After is called, and at no
// other time.
type readers struct {
	t     *testing.T
	store *noting
	fails error
	asked int
	read  []string // the revisions, in order
	kids  []string // of the keys in the last one
}

// noting is a store that is a ReadNoter, or with deaf a Wrapper of none.
type noting struct {
	providers.Store
	noted map[providers.RevisionID]bool
	lost  error // what NoteRead fails with
}

func (s *noting) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := s.Store.Read(ctx, name)
	rev.WasRead = s.noted[rev.ID]
	return rev, err
}

func (s *noting) NoteRead(_ context.Context, _ string, id providers.RevisionID) error {
	if s.lost == nil {
		s.noted[id] = true
	}
	return s.lost
}

// withReaders adds an output whose readers have to be made to read. notes tells
// whether its store can note that they were.
func withReaders(r *rig, notes bool) *readers {
	rd := &readers{t: r.t, store: &noting{Store: memory.New(), noted: map[providers.RevisionID]bool{}}}
	out := keysetOutput("env", rd.store)
	if !notes {
		out.Store = rd.store.Store
	}
	out.After = rd.after
	r.target.Outputs = append(r.target.Outputs, out)
	return rd
}

func (rd *readers) after(_ context.Context, revision string) error {
	rd.asked++
	if rd.fails != nil {
		return rd.fails
	}
	rev, err := rd.store.Read(rd.t.Context(), "out-env")
	if err != nil || string(rev.ID) != revision {
		rd.t.Errorf("it is asked to have %q read, and %q is there: %v", revision, rev.ID, err)
	}
	rd.read = append(rd.read, revision)
	rd.kids = nil
	for part := range strings.SplitSeq(string(rev.Value.Reveal()), `"kid":"`) {
		kid, _, _ := strings.Cut(part, `"`)
		rd.kids = append(rd.kids, kid)
	}
	return nil
}

var errReload = errors.New("systemd shop.service: it failed")

// Readers are made to read each revision once, and an output without another
// one costs nothing.
func TestAfterIsCalledOnceForEachRevision(t *testing.T) {
	for _, notes := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			rd := withReaders(r, notes)
			r.run(every + 3*day)
			r.endsWell()
			// create, publish, promote, retire
			if len(rd.read) != 4 || rd.asked != 4 || len(slices.Compact(slices.Sorted(slices.Values(rd.read)))) != 4 {
				t.Errorf("notes %v: readers were made to read %v, in %d calls", notes, rd.read, rd.asked)
			}
		})
	}
}

// Promise 2: nobody signs with a key that readers have not read. The wait begins
// when they have.
func TestPromise2AKeyThatReadersHaveNotReadDoesNotSign(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		rd := withReaders(r, true)
		other := memory.New()
		r.target.Outputs = append(r.target.Outputs, keysetOutput("other", other))
		r.run(day)
		rd.fails = errReload
		last := r.run(every + 2*day)
		if got := kinds(r.set()); got != "current next" || r.set().Ready != nil {
			t.Fatalf("with readers that do not read it came to %q, ready %v", got, r.set().Ready)
		}
		if got := alarms(last); !strings.Contains(got, "env: it holds the newest keys, and its readers were not made to read them: "+errReload.Error()) {
			t.Errorf("the alarm says %q", got)
		}
		if last.Step.Alarms[0].Code != rotation.OutputUnread {
			t.Errorf("its code is %s", last.Step.Alarms[0].Code)
		}
		rev, err := other.Read(t.Context(), "out-other")
		if proj, err2 := r.set().Projection(); err != nil || err2 != nil || !rev.Value.Equal(proj) {
			t.Error("the other output is not up to date")
		}
		rd.fails = nil
		back := time.Now()
		r.run(prop + time.Hour)
		if signs := r.set().Signing(); !slices.Contains(rd.kids, signs.Kid) || signs.NotBefore.Sub(back) < prop || kinds(r.set()) != "current previous" {
			t.Errorf("%s; it signs %s after readers could read it", kinds(r.set()), signs.NotBefore.Sub(back))
		}
	})
}

// A pass has several rounds, and asks readers that cannot read once.
func TestAfterIsTriedOnceInAPass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		rd := withReaders(r, true)
		rd.fails = errReload
		res := r.pass(engine.Ask{})
		if rd.asked != 1 || res.Outputs[0].Behind.Code != rotation.OutputUnread {
			t.Errorf("%d calls, %v", rd.asked, res.Outputs)
		}
		r.pass(engine.Ask{})
		if rd.asked != 2 {
			t.Errorf("the next pass does not try again: %d calls", rd.asked)
		}
	})
}

// Promise 10: a process that is killed after it wrote, and before it had readers
// read, leaves that to the next one. So does one that was killed before it could
// note that they did: they read once more.
func TestPromise10AnotherProcessHasReadersRead(t *testing.T) {
	for name, c := range map[string]struct {
		notes bool
		fails error
		lost  error
		again int // calls of a second process and of a third
	}{
		"done and noted":               {notes: true, again: 0},
		"killed before it":             {notes: true, fails: errReload, again: 1},
		"killed before the note":       {notes: true, lost: providers.ErrUnavailable, again: 1},
		"where nothing can be noted":   {again: 2},
		"killed, and nothing is noted": {fails: errReload, again: 2},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				rd := withReaders(r, c.notes)
				rd.fails, rd.store.lost = c.fails, c.lost
				if res := r.pass(engine.Ask{}); res.Outputs[0].Behind.IsZero() != (c.fails == nil && c.lost == nil) {
					t.Errorf("the output is behind for %v", res.Outputs[0].Behind)
				}
				rd.fails, rd.store.lost, rd.asked = nil, nil, 0
				for range 2 {
					r.restart()
					if res := r.pass(engine.Ask{}); !res.Outputs[0].Behind.IsZero() {
						t.Errorf("the output is behind for %v", res.Outputs[0].Behind)
					}
				}
				if rd.asked != c.again {
					t.Errorf("%d calls of later processes, want %d", rd.asked, c.again)
				}
			})
		})
	}
}

// Where the note cannot be written readers are not asked again by the same process.
func TestANoteThatFailsIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		rd := withReaders(r, true)
		rd.store.lost = &providers.Error{Kind: providers.ErrDenied}
		r.pass(engine.Ask{})
		if res := r.pass(engine.Ask{}); rd.asked != 1 || res.Outputs[0].Behind.Code != rotation.OutputFailure("denied") {
			t.Errorf("%d calls, behind for %v", rd.asked, res.Outputs[0].Behind)
		}
		rd.store.lost = nil
		if res := r.pass(engine.Ask{}); rd.asked != 1 || !res.Outputs[0].Behind.IsZero() {
			t.Errorf("%d calls, behind for %v", rd.asked, res.Outputs[0].Behind)
		}
	})
}

// A process that only looks has nobody read. It says what it cannot tell.
func TestLookHasNobodyRead(t *testing.T) {
	for _, notes := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			rd := withReaders(r, notes)
			rd.fails = errReload
			r.pass(engine.Ask{})
			r.restart()
			res, err := r.engine.Look(t.Context(), r.target, engine.Ask{})
			if err != nil || rd.asked != 1 {
				t.Fatalf("%v, %d calls", err, rd.asked)
			}
			if out := res.Outputs[0]; notes && (out.Behind.Code != rotation.OutputUnread || !strings.Contains(say.Behind(out.Behind, say.Plain), "has not run yet")) {
				t.Errorf("it is behind for %v", out.Behind)
			} else if out.ReadUnknown == notes {
				t.Errorf("notes %v: unknown %v", notes, out.ReadUnknown)
			}
			rd.fails = nil
			r.pass(engine.Ask{})
			if res, err := r.engine.Look(t.Context(), r.target, engine.Ask{}); err != nil || !res.Outputs[0].Behind.IsZero() || res.Outputs[0].ReadUnknown {
				t.Errorf("who had readers read does not know it: %v, %v", res.Outputs[0], err)
			}
		})
	}
}

// What runs after a write may hang or panic; its output is behind then, and the
// pass ends.
func TestAnAfterThatHangsOrPanicsIsOver(t *testing.T) {
	for want, after := range map[string]func(context.Context, string) error{
		"did not end within 1m":  func(ctx context.Context, _ string) error { <-ctx.Done(); return context.Cause(ctx) },
		"a panic of type string": func(context.Context, string) error { panic("canary-material") },
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			withReaders(r, true)
			r.target.Outputs[0].After = after
			begun := time.Now()
			res := r.pass(engine.Ask{})
			got := say.Behind(res.Outputs[0].Behind, say.Plain)
			if !strings.Contains(got, want) || strings.Contains(got, "canary") || time.Since(begun) > 2*time.Minute {
				t.Errorf("after %s it is behind for %q", time.Since(begun), got)
			}
		})
	}
}

// Promise 4: a compromised key is revoked before readers are made to read, which may hang.
func TestPromise4ARevocationDoesNotWaitForReaders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		rd := withReaders(r, true)
		rd.fails = errReload
		r.pass(engine.Ask{})
		kid, begun, calls := r.set().Signing().Kid, time.Now(), 0
		r.target.Outputs[0].After = func(ctx context.Context, _ string) error {
			calls++
			if r.actions(rotation.Revoke) == 0 {
				t.Errorf("readers are made to read while %s still signs", kid)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		res := r.pass(engine.Ask{Revoke: []string{kid}})
		if set := r.set(); set.Signing().Kid == kid || set.Signing().Issued.Sub(begun) > time.Second {
			t.Errorf("it was revoked %s after it was asked for", set.Signing().Issued.Sub(begun))
		}
		if calls != 1 || res.Outputs[0].Behind.Code != rotation.OutputUnread {
			t.Errorf("readers were made to read %d times, and the output is behind for %v", calls, res.Outputs[0].Behind)
		}
	})
}

// Promise 4: readers that do not read keep no compromised key where others can.
func TestPromise4AnUnreadOutputIsSweptAllTheSame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		rd := withReaders(r, false)
		r.pass(engine.Ask{})
		text, kid := r.made[0], r.set().Signing().Kid
		rd.fails = errReload
		r.pass(engine.Ask{Revoke: []string{kid}})
		if readable(rd.store.Store.(*memory.Store), text) {
			t.Error("the compromised key can still be read in the output")
		}
	})
}
