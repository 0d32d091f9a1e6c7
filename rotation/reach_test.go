package rotation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// All times of the exploration are multiples of the skew, so that there are
// finitely many states: what is tested is the order of things.
const (
	tick  = rotation.Skew
	prop  = 1 * tick
	grace = 3 * tick
	every = 9 * tick
)

var policy = rotation.Policy{Schedule: rotation.Every(every), Grace: grace, Propagation: prop}

// A world is one reachable state: the document, one output, the clock, and what
// an observer beside the program knows about them.
type world struct {
	set     *keyset.Set
	now     time.Time
	rev     int  // the output's revision
	behind  bool // the output does not equal the rendering
	doubt   bool // the store's clock differs from the host's
	asked   bool // someone asks for a rotation away from current
	undone  bool // a removal was taken back
	promise observer
}

// An observer keeps what the promises are about, from what happened and not
// from the document.
type observer struct {
	nextSeen    time.Time // since when next stands unchanged everywhere; zero if it does not
	currentSeen time.Time // the same for current
	olderSeen   time.Time // when the key that current replaced had been seen everywhere, or else current
	endSeen     time.Time // since when everyone can know that nothing signs
}

// TestPlanOverAllReachableStates explores every state that a key with one
// output can come to, with at most two previous keys alive at once, under every
// order of: steps that Plan decides, waits, long absences, an output that falls
// behind and comes back rewritten, clocks that disagree, and requests.
func TestPlanOverAllReachableStates(t *testing.T) {
	first := rotation.Plan(policy, rotation.Facts{Clock: rotation.Clock{Wall: t0}})
	if first.Do != rotation.Create {
		t.Fatalf("an empty store: %v", first)
	}
	set, err := keyset.Create("k", "e", "l", newKey(0), first.At)
	if err != nil {
		t.Fatal(err)
	}
	start := world{set: sealed(set), now: t0}
	seen := map[string]bool{start.key(): true}
	queue := []world{start}
	steps := map[rotation.Action]int{}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		for _, next := range append(w.successors(t, steps), w.removals(t)...) {
			if k := next.key(); !seen[k] && (next.set.Removing != nil || len(next.set.Previous()) <= 2) {
				seen[k] = true
				queue = append(queue, next)
			}
		}
		if t.Failed() {
			t.Fatalf("in state %s", w.key())
		}
	}
	t.Logf("%d states, steps taken in them: %v", len(seen), steps)
	for _, a := range []rotation.Action{rotation.Publish, rotation.MarkReady, rotation.Promote, rotation.MarkSettled, rotation.Retire, rotation.Record, rotation.Bury, rotation.Wait} {
		if steps[a] == 0 {
			t.Errorf("%s was never reached", a)
		}
	}
	if len(seen) < 500 {
		t.Errorf("only %d states: the exploration is broken", len(seen))
	}
}

func newKey(n int) keyset.Key {
	k, err := keyset.NewSymmetric(fmt.Sprintf("k%d", n), keyset.HS256, secret.New([]byte(strings.Repeat("x", 32))), "")
	if err != nil {
		panic(err)
	}
	return k
}

func (w world) facts() rotation.Facts {
	f := rotation.Facts{
		Set:     w.set,
		Outputs: []rotation.Output{{Name: "env", Revision: fmt.Sprint(w.rev), CarriesNext: true}},
		Clock:   rotation.Clock{Wall: w.now},
	}
	if w.behind {
		f.Outputs[0].Behind = rotation.Reason{Code: rotation.OutputSilent}
	}
	if w.doubt {
		f.Clock.Service = w.now.Add(2 * tick)
	}
	if w.asked {
		r := keyset.UnnamedRequest(w.set.Signing().Kid, "someone")
		f.Request.Rotate = &r
	}
	return f
}

// successors is every state that can follow.
func (w world) successors(t *testing.T, steps map[rotation.Action]int) []world {
	step := rotation.Plan(policy, w.facts())
	steps[step.Do]++
	w.looks(t, step)
	w.pauses(t, step)
	var out []world
	if step.Do == rotation.Wait {
		out = append(out, w.waits(t, step)...)
	} else if step.Do == rotation.Bury {
		w.buries(t, step)
		return nil
	} else {
		out = append(out, w.take(t, step))
	}
	flip := func(change func(*world)) {
		n := w
		change(&n)
		n.observe()
		out = append(out, n)
	}
	flip(func(n *world) { n.doubt = !n.doubt })
	flip(func(n *world) { n.behind = !n.behind }) // out of reach, or back as it was
	if w.behind {
		flip(func(n *world) { n.behind = false; n.rewritten() }) // back after it held something else
	}
	if !w.asked && w.set.Removing == nil && len(w.set.Previous()) < 2 {
		flip(func(n *world) { n.asked = true })
	}
	return out
}

// waits follows a Wait, and holds it to what it says: nothing happens before
// its time, something can at its time.
func (w world) waits(t *testing.T, step rotation.Step) []world {
	at := func(now time.Time) world { n := w; n.now = now; n.observe(); return n }
	late := at(w.now.Add(100 * every))
	if step.At.IsZero() {
		if len(step.Alarms) == 0 {
			t.Errorf("it waits for nothing and says no alarm: %v", step)
		}
		return []world{at(w.now.Add(tick)), late}
	}
	if !step.At.After(w.now) {
		t.Errorf("it waits for the past: %v at %s", step, w.now)
	}
	just := at(step.At.Add(-time.Second))
	if early := rotation.Plan(policy, just.facts()); just.now.After(w.now) && early.Do != rotation.Wait {
		t.Errorf("it said wait until %s, but a second before it says %v", step.At, early)
	}
	then := at(step.At)
	if next := rotation.Plan(policy, then.facts()); next.Do == rotation.Wait && next.At.Equal(step.At) {
		t.Errorf("at the time it waited for, it still waits for it: %v", next)
	}
	return []world{at(w.now.Add(tick)), then, late}
}

// take applies a step, after holding it against the promises.
func (w world) take(t *testing.T, step rotation.Step) world {
	n := w
	var err error
	switch step.Do {
	case rotation.Publish:
		n.set, err = w.set.Publish(newKey(int(w.set.Generation)), step.At)
		n.rewritten()
	case rotation.MarkReady:
		n.set, err = w.set.MarkReady(step.At, step.Places)
	case rotation.Promote:
		w.holdsPromise2(t)
		w.holdsPromise5(t)
		n.set, err = w.set.Promote(step.At)
		n.promise.olderSeen = w.promise.currentSeen
		n.rewritten()
	case rotation.MarkSettled:
		n.set, err = w.set.MarkSettled(step.At, step.Places, grace)
	case rotation.Retire:
		w.holdsPromise3(t, step.Kid)
		n.set, err = w.set.Retire(step.Kid, step.At)
		n.rewritten()
	case rotation.Record:
		n.set, err = w.set.Record(*w.facts().Request.Rotate, step.At)
	default:
		t.Fatalf("a step that nobody asked for: %v", step)
	}
	if err != nil {
		t.Fatalf("%v is refused by the document: %v", step, err)
	}
	if r := w.facts().Request.Rotate; r != nil && step.Do != rotation.Record && r.From == w.set.Signing().Kid {
		if n.set, err = n.set.With(*r, step.At); err != nil {
			t.Fatal(err)
		}
	}
	n.set = sealed(n.set)
	w.trusts(t, n.set)
	n.asked = false
	if w.doubt && step.Do != rotation.Record {
		t.Errorf("promise 8: %s while the clocks disagree", step.Do)
	}
	n.observe()
	return n
}

var seals int

// sealed is a set with a digest of its own, as a write gives it.
func sealed(s *keyset.Set) *keyset.Set {
	seals++
	n := *s
	n.Digest = fmt.Sprint(seals)
	return &n
}

// looks holds the dates that people are told against the step that Plan decides.
func (w world) looks(t *testing.T, step rotation.Step) {
	t.Helper()
	look := rotation.Outlook{Policy: policy, Set: w.set}
	if since := look.LateSince(step); step.Do == rotation.Wait || step.Do == rotation.Record {
		if !since.IsZero() {
			t.Errorf("nobody is late with %s, and it is late since %s", step.Do, since)
		}
	} else if !w.asked && (since.IsZero() || since.After(w.now.Add(2*tick))) { // who asks now is not late; a store may be ahead
		t.Errorf("%s can be taken, and could be since %s", step.Do, since)
	}
	told := map[rotation.Code]time.Time{rotation.PublishedThen: look.Publishes(), rotation.SignsThen: look.Begins(w.asked)}
	for _, k := range w.set.Previous() {
		if k.Kid == step.Why.Kid {
			told[rotation.RemovedThen] = look.Removed(k)
		}
	}
	if w.set.Removing != nil {
		told[rotation.EndsThen] = look.Ends()
	}
	if at, dated := told[step.Why.Code]; dated && !at.Equal(step.At) {
		t.Errorf("it waits for %s until %s, and people are told %s", step.Why.Code, step.At, at)
	}
	if at := look.Promotes(w.now, w.asked); !at.IsZero() && at.Before(w.now) {
		t.Errorf("the next promotion is told for %s, which has passed", at)
	}
	w.hides(t, look)
}

// hides holds what readers of three variables lack against what they should have.
func (w world) hides(t *testing.T, look rotation.Outlook) {
	t.Helper()
	for _, hidden := range []rotation.Hidden{look.Hidden(w.now, time.Time{}), look.WorstHidden(w.now, w.asked)} {
		at, place := w.now, 1 // for the youngest previous key
		if !hidden.From.IsZero() {
			at, place = hidden.From, 0 // that place is for current then
		}
		want := 0
		for i, k := range w.set.Previous() {
			if i >= place && (k.Expires.IsZero() || k.Expires.After(at)) {
				want++
			}
		}
		if len(hidden.Keys) != want {
			t.Errorf("from %s on %d keys are hidden, and told are %d", at, want, len(hidden.Keys))
		}
	}
}

// trusts: whoever has seen the document before goes on from the new one, and
// whoever has seen the new one stops at the one before.
func (w world) trusts(t *testing.T, now *keyset.Set) {
	t.Helper()
	trust := rotation.Trust{Name: "k", Environment: "e"}
	of := func(s *keyset.Set) rotation.Witness {
		return rotation.Witness{Whose: rotation.ThisProcess, Lineage: s.Lineage, Past: s.Past()}
	}
	if r := trust.Document(now, of(w.set)); !r.IsZero() {
		t.Errorf("promise 6: what followed is not trusted: %+v", r)
	}
	if r := trust.Document(w.set, of(now)); r.Code != rotation.OlderDocument && r.Code != rotation.OlderNote || (r.Code == rotation.OlderNote) != (w.set.Generation == now.Generation) {
		t.Errorf("promise 6: an older document is gone on from: %+v", r)
	}
}

// rewritten: the output holds something new, under a revision never used before.
func (w *world) rewritten() {
	w.rev++
	w.promise.nextSeen, w.promise.currentSeen, w.promise.endSeen = time.Time{}, time.Time{}, time.Time{}
}

// observe notes since when the keys stand everywhere. An output out of reach
// still holds what it held.
func (w *world) observe() {
	if w.behind {
		return
	}
	if _, ok := w.set.Next(); !ok {
		w.promise.nextSeen = time.Time{}
	} else if w.promise.nextSeen.IsZero() {
		w.promise.nextSeen = w.now
	}
	if w.promise.currentSeen.IsZero() {
		w.promise.currentSeen = w.now
	}
	if w.promise.olderSeen.IsZero() {
		w.promise.olderSeen = w.now
	}
	if w.promise.endSeen.IsZero() && w.set.Removing != nil {
		w.promise.endSeen = w.now
	}
}

func (w world) holdsPromise2(t *testing.T) {
	t.Helper()
	if w.behind || w.promise.nextSeen.IsZero() || w.now.Sub(w.promise.nextSeen) < prop+rotation.Skew {
		t.Errorf("promise 2: promoted at %s, known everywhere since %s, behind %v", w.now, w.promise.nextSeen, w.behind)
	}
}

func (w world) holdsPromise3(t *testing.T, kid string) {
	t.Helper()
	seen := w.promise.olderSeen
	if w.set.Previous()[0].Kid == kid {
		seen = w.promise.currentSeen
	}
	if w.behind || seen.IsZero() || w.now.Sub(seen) < grace {
		t.Errorf("promise 3: %s retired at %s, its successor seen everywhere since %s, behind %v", kid, w.now, seen, w.behind)
	}
}

func (w world) holdsPromise5(t *testing.T) {
	t.Helper()
	_, pending := w.set.Pending()
	if due := w.set.Signing().NotBefore.Add(every); !pending && !w.asked && w.now.Before(due) {
		t.Errorf("promise 5: promoted at %s, neither due (%s) nor asked for", w.now, due)
	}
}

// key names a state by what Plan and the observer can tell apart: times
// relative to now, and none further back than the wait that it begins.
func (w world) key() string {
	var b strings.Builder
	rel := func(t time.Time, wait time.Duration) string {
		if t.IsZero() {
			return "-"
		}
		return max(t.Sub(w.now), -wait).String()
	}
	mark := func(m *keyset.Mark, wait time.Duration) string {
		if m == nil {
			return "-"
		}
		places := keyset.Places{{Output: "env", Revision: fmt.Sprint(w.rev)}}
		return fmt.Sprint(rel(m.At, wait), m.Places == places.Digest())
	}
	for _, k := range w.set.Keys {
		if k.Status == keyset.Current {
			fmt.Fprint(&b, rel(k.NotBefore, every))
		}
		fmt.Fprint(&b, k.Status, rel(k.Expires, rotation.Skew), " ")
	}
	_, pending := w.set.Pending()
	fmt.Fprint(&b, mark(w.set.Ready, prop+rotation.Skew), mark(w.set.Settled, 0),
		rel(w.promise.nextSeen, prop+rotation.Skew), rel(w.promise.currentSeen, grace), rel(w.promise.olderSeen, grace), pending, w.behind, w.doubt, w.asked, w.undone)
	if r := w.set.Removing; r != nil {
		asked := slices.ContainsFunc(w.set.Requests, func(q keyset.Request) bool { return q.From == w.set.Signing().Kid })
		fmt.Fprint(&b, " removing", r.Now, asked, rel(w.promise.endSeen, keep))
	}
	return b.String()
}
