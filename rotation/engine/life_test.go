package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func TestOneLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every + 3*day)
		equal(t, "story", r.story(), []string{
			"create g1", "publish g2", "ready g2", "promote g3", "settled g3",
			"erase g1", "erase g2", "erase g3", "retire g4", "erase g3",
		})
		if got := kinds(r.set()); got != "current" {
			t.Errorf("left with %s", got)
		}
		if got := r.calls.Count(providertest.Write); got != 6 {
			t.Errorf("%d writes for a creation and a rotation, want one a transition and mark: 6", got)
		}
	})
}

// A look costs its user a call or two. What was superseded and holds nothing that
// must be gone has no look of its own: the first one after a propagation erases it.
func TestErasuresThatCanWaitRideAlong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every - 2*prop)
		for kinds(r.set()) != "current next" {
			time.Sleep(time.Minute)
			r.pass(engine.Ask{})
		}
		published := time.Now()
		res := r.pass(engine.Ask{})
		if at := published.Add(prop + rotation.Skew); res.Left.Revisions != 2 || res.Step.At.Before(at) {
			t.Errorf("%d revisions are left, the next look is at %v, want 2 and not before the promotion at %v", res.Left.Revisions, res.Step.At, at)
		}
		time.Sleep(prop + time.Minute)
		listed := r.calls.Count(providertest.History)
		if res := r.pass(engine.Ask{}); res.Left.Revisions != 0 {
			t.Errorf("%d revisions are left by a look after the propagation", res.Left.Revisions)
		}
		r.pass(engine.Ask{})
		if n := r.calls.Count(providertest.History) - listed; n != 1 {
			t.Errorf("%d listings by two looks, want 1", n)
		}
	})
}

// A sweep that finds the head moved on comes back soon: the one that moved it may
// have been killed, and what must be gone is still there. A store that only says so
// is an alarm, and asked less and less.
func TestASweepThatWasOvertakenComesBackSoon(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every + prop + day)
		overtaken := &providers.Error{Op: "erase", Name: name, Kind: providers.ErrConflict}
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.Erase {
				return &providertest.Fault{Before: overtaken}
			}
			return nil
		})
		old := r.made[0]
		for readable(r.store, old) && r.set().Generation < 4 {
			time.Sleep(time.Hour)
			r.pass(engine.Ask{})
		}
		res := r.pass(engine.Ask{})
		if alarms(res) != "" || time.Until(res.Step.At) != 2*time.Second || !readable(r.store, old) {
			t.Fatalf("the second time: %+v", res.Step)
		}
		for range 4 {
			time.Sleep(time.Until(res.Step.At))
			res = r.pass(engine.Ask{})
		}
		if !strings.Contains(alarms(res), "each time") || !res.Left.Failed || time.Until(res.Step.At) != 32*time.Second {
			t.Errorf("the sixth time: %+v", res.Step)
		}
		r.calls.On(nil)
		time.Sleep(time.Until(res.Step.At))
		if res := r.pass(engine.Ask{}); readable(r.store, old) || res.Left.Revisions != 0 {
			t.Errorf("the old key is still there: %+v", res)
		}
	})
}

// A listing that is refused is an alarm, whatever the store calls it: what cannot
// be listed is not erased.
func TestAListingThatIsRefusedIsAnAlarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if c.Op == providertest.History {
				return &providertest.Fault{Before: &providers.Error{Op: "history", Name: name, Kind: providers.ErrConflict}}
			}
			return nil
		})
		if res := r.pass(engine.Ask{}); alarms(res) == "" || !res.Left.Failed {
			t.Errorf("%+v", res)
		}
	})
}

// Promise 4: after retirement the old key is nowhere in the store.
func TestPromise4NoCopyIsReadable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.run(every + 2*day)
		if !readable(r.store, r.made[0]) {
			t.Fatal("the old key went before its grace ended")
		}
		r.run(day)
		if readable(r.store, r.made[0]) {
			t.Error("the old key can still be read")
		}
	})
}

// Promise 9: a superseded revision that holds a private half goes at once, not
// after the propagation.
func TestPromise9RevisionsWithThePrivateHalfGoAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.target.Generate = generateES256
		r.run(every - prop)
		r.run(prop + time.Minute)
		if got := kinds(r.set()); got != "current previous" {
			t.Fatalf("%s, want a promotion that just happened", got)
		}
		revs, err := r.store.History(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, rev := range revs {
			if rev.Note.Generation < 3 {
				t.Errorf("revision %s of generation %d is still readable; it holds the private half", rev.ID, rev.Note.Generation)
			}
		}
	})
}

func TestIdleCostsOneReadAndNoWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		before := len(r.calls.Calls())
		for range 1000 {
			time.Sleep(10 * time.Minute)
			r.pass(engine.Ask{})
		}
		if got := len(r.calls.Calls()) - before; got != 1000 || r.calls.Count(providertest.Write) != 1 {
			t.Errorf("%d calls for 1000 idle passes, %d writes in all", got, r.calls.Count(providertest.Write))
		}
	})
}

func TestPromise5RequestsAreServedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.target.Policy.Propagation = 0
		ask := engine.Ask{Rotate: true, ID: "job-1", By: "someone"}
		r.pass(ask) // creates: that serves the request
		r.pass(ask)
		if got := r.set().Generation; got != 1 {
			t.Errorf("a retry of the request that created the key made generation %d", got)
		}
		ask.ID = "job-2"
		for range 3 {
			r.pass(ask)
			r.restart()
		}
		if got := r.actions(rotation.Promote); got != 1 {
			t.Errorf("%d rotations for one request", got)
		}
		ask.ID = "job-3"
		r.pass(ask)
		if got := r.actions(rotation.Promote); got != 2 {
			t.Errorf("%d rotations for two requests", got)
		}
	})
}

// A request outlives the one who made it: the daemon serves it.
func TestRequestIsServedAfterItsWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		old := r.set().Signing().Kid
		res := r.pass(engine.Ask{Rotate: true, By: "someone"})
		if res.Step.Do != rotation.Wait || kinds(r.set()) != "current next" || res.Away != old {
			t.Fatalf("%v with %s", res.Step, kinds(r.set()))
		}
		r.restart()
		r.run(3 * time.Hour)
		if now := r.set().Signing().Kid; now == old {
			t.Error("the request was forgotten")
		}
		if got := r.actions(rotation.Promote); got != 1 {
			t.Errorf("%d promotions", got)
		}
	})
}

func TestLookChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		look := func() engine.Result {
			res, err := r.engine.Look(context.Background(), r.target, engine.Ask{Rotate: true})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if got := look().Step.Do; got != rotation.Create {
			t.Errorf("on an empty store it would %s", got)
		}
		r.pass(engine.Ask{})
		if got := look().Step.Do; got != rotation.Publish {
			t.Errorf("asked to rotate it would %s", got)
		}
		if n := r.calls.Count(providertest.Write); n != 1 || len(out.Peek()) != 1 {
			t.Errorf("looking wrote: %d writes of the store", n)
		}
	})
}

func TestAdopt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		adopted, err := keyset.AdoptSymmetric("old", keyset.HS256, secret.New([]byte("abc123")), "")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // again changes nothing
			if _, err := r.engine.Adopt(context.Background(), r.target, []keyset.Key{adopted}, 0, "weak"); err != nil {
				t.Fatal(err)
			}
		}
		if s := r.set(); s.Generation != 1 || string(s.Signing().Text().Reveal()) != "abc123" {
			t.Errorf("generation %d", s.Generation)
		}
		other, err := keyset.AdoptSymmetric("other", keyset.HS256, secret.New([]byte("abc124")), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.engine.Adopt(context.Background(), r.target, []keyset.Key{other}, 0, ""); !errors.Is(err, engine.ErrManaged) {
			t.Errorf("a second key was adopted: %v", err)
		}
		r.run(3 * time.Hour)
		s := r.set()
		if kinds(s) != "current previous" || s.Signing().Kid == "old" {
			t.Errorf("a weak key is due at once, but three hours later: %s", kinds(s))
		}
		if old, ok := s.Key("old"); !ok || time.Until(old.Expires) < 44*time.Hour {
			t.Error("its tokens do not go on verifying for the grace")
		}
	})
}

// Of several keys the first signs, and the others verify until the date that was
// asked for. The same keys again change nothing; others are told.
func TestAdoptSeveral(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		var keys []keyset.Key
		for _, kid := range []string{"a", "b", "c"} {
			k, err := keyset.AdoptSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(kid, 40))), "")
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		adopt := func(keys ...keyset.Key) error {
			_, err := r.engine.Adopt(context.Background(), r.target, keys, 20*day, "")
			return err
		}
		start := time.Now()
		for range 2 {
			if err := adopt(keys[0], keys[1]); err != nil {
				t.Fatal(err)
			}
		}
		s := r.set()
		if old, ok := s.Key("b"); s.Generation != 1 || s.Signing().Kid != "a" || !ok || old.Expires.Before(start.Add(20*day)) || old.Expires.After(start.Add(20*day+time.Second)) {
			t.Errorf("generation %d, %+v", s.Generation, s.Keys)
		}
		if err := adopt(keys[0], keys[2]); !errors.Is(err, engine.ErrOthers) {
			t.Errorf("one of the others is another: %v", err)
		}
		if err := adopt(keys[1], keys[0]); !errors.Is(err, engine.ErrManaged) {
			t.Errorf("another one signs: %v", err)
		}
		r.run(9 * day) // the schedule is not due yet, and the grace is long over
		if _, ok := r.set().Key("b"); !ok {
			t.Error("it left before its date")
		}
		r.run(12 * day)
		if _, ok := r.set().Key("b"); ok {
			t.Error("it verifies after its date")
		}
		if err := engine.Holds(r.set(), []keyset.Key{r.set().Signing(), keys[1]}); err != nil {
			t.Errorf("a key that had its time is missed: %v", err)
		}
	})
}

func TestErrorsSayWhatIsStillWell(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.pass(engine.Ask{})
		kid := r.set().Signing().Kid
		r.calls.On(providertest.Every(providertest.Write, providertest.Fault{Before: &providers.Error{
			Op: "write", Name: name, Kind: providers.ErrDenied, Err: errors.New("AccessDeniedException"), Hint: "allow it",
		}}))
		_, err := r.engine.Pass(context.Background(), r.target, engine.Ask{Rotate: true})
		want := fmt.Sprintf("key auth-jwt, store disk: write test-auth-jwt: permission denied: AccessDeniedException; kid %s still signs\nhint: allow it", kid)
		if say.Error(err).String() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if !errors.Is(err, providers.ErrDenied) {
			t.Error("its kind is lost")
		}
	})
}

// Promise 7: a life with every kind of trouble leaves no material in what the
// engine says.
func TestPromise7NothingSaidHoldsMaterial(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		var said strings.Builder
		kinds := []error{providers.ErrDenied, providers.ErrUnclear, providers.ErrThrottled, providers.ErrConflict, providers.ErrUnreadable}
		n := 0
		r.calls.On(func(c providertest.Call) *providertest.Fault {
			if n++; n%3 == 0 {
				return &providertest.Fault{Before: &providers.Error{Op: string(c.Op), Name: c.Name, Kind: kinds[n%len(kinds)]}}
			}
			return nil
		})
		for range 200 {
			time.Sleep(12 * time.Hour)
			res, err := r.engine.Pass(context.Background(), r.target, engine.Ask{})
			fmt.Fprintf(&said, "%v %+v %#v %v\n", err, res, res, res.Set)
		}
		r.store.Tamper(name, []byte(r.made[0]))
		res, err := r.engine.Pass(context.Background(), r.target, engine.Ask{})
		fmt.Fprintf(&said, "%v %+v %+v", err, res, r.events)
		for _, text := range r.made {
			if strings.Contains(said.String(), text) {
				t.Fatalf("a key's text was said in %d bytes of output", said.Len())
			}
		}
		if len(r.made) < 2 || said.Len() < 10000 {
			t.Errorf("the life was too quiet to tell: %d keys", len(r.made))
		}
	})
}
