package rotation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A shade is one revision of a place, with what it really holds: an observer's
// knowledge, not the document's.
type shade struct {
	rotation.Revision
	keys   []string // kids in it
	signer string   // the kid that signed; all that a value holds
}

// A haunted is a world with every revision that was ever written on the way.
type haunted struct {
	world
	past []shade // of the store, the newest last
}

func (h haunted) to(n world) haunted {
	next := haunted{world: n, past: h.past}
	if len(h.past) == 0 || n.set != h.set {
		next.past = append(slices.Clip(h.past), shadeOf(n.set))
	}
	return next
}

func shadeOf(s *keyset.Set) shade {
	sh := shade{Revision: rotation.Revision{Lineage: s.Lineage, Generation: s.Generation, Holds: rotation.KidNote(s.Signing().Kid)}, signer: s.Signing().Kid}
	for _, k := range s.Keys {
		sh.keys = append(sh.keys, k.Kid)
	}
	return sh
}

// Promise 4, over every state that Plan can reach, and what a report of each key
// makes of it: what a revision holds, what becomes of it, and how gone a removed
// key is are held against an observer who saw every write.
func TestPromise4OverAllReachableStates(t *testing.T) {
	first, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		t.Fatal(err)
	}
	start := haunted{}.to(world{set: first, now: t0})
	seen, queue := map[string]bool{start.key(): true}, []haunted{start}
	fates, looked := map[rotation.Fate]int{}, map[*keyset.Set]bool{}
	for len(queue) > 0 {
		h := queue[0]
		queue = queue[1:]
		if !looked[h.set] { // the rules depend on the document, not on the time of day
			looked[h.set] = true
			h.holds(t, fates)
			h.reported(t, fates)
		}
		for _, n := range h.successors(t, map[rotation.Action]int{}) {
			if k := n.key(); !seen[k] && len(n.set.Previous()) <= 2 {
				seen[k] = true
				queue = append(queue, h.to(n))
			}
		}
		if t.Failed() {
			t.Fatalf("in state %s, generation %d", h.key(), h.set.Generation)
		}
	}
	t.Logf("%d states, %d documents, fates %v", len(seen), len(looked), fates)
	for _, f := range []rotation.Fate{rotation.Foreign, rotation.Stays, rotation.MayGo, rotation.MustGo} {
		if fates[f] == 0 {
			t.Errorf("no revision ever %s", f)
		}
	}
}

// reported is what a report of each key makes of a state.
func (h haunted) reported(t *testing.T, fates map[rotation.Fate]int) {
	t.Helper()
	for i, k := range h.set.Keys {
		fresh, n := newKey(1000+i), h.world
		var err error
		if n.set, err = h.set.Revoke([]string{k.Kid}, &fresh, h.now); err != nil {
			t.Fatal(err)
		}
		h.to(n).holds(t, fates)
	}
}

// holds compares the rules with what the observer knows.
func (h haunted) holds(t *testing.T, fates map[rotation.Fate]int) {
	t.Helper()
	// Each document and each removal is recent: eight removed keys are on record.
	past := h.past[max(0, len(h.past)-12):]
	for _, sh := range past[:len(past)-1] {
		whole, one := rotation.Revision{Lineage: sh.Lineage, Generation: sh.Generation}, sh.Revision
		fate := func(c rotation.Content, r rotation.Revision) rotation.Fate {
			f, from := rotation.FateOf(policy, h.set, c, r)
			fates[f]++
			if (f == rotation.MayGo) != from.Equal(r.Replaced.Add(policy.Propagation)) {
				t.Errorf("%s, %s: from %s", c, f, from)
			}
			return f
		}
		lost := slices.ContainsFunc(sh.keys, func(kid string) bool { _, live := h.set.Key(kid); return !live })
		for _, c := range []rotation.Content{rotation.Documents, rotation.Renderings} {
			// One from before a removal counts as one that holds what was removed.
			if got := fate(c, whole); lost && got != rotation.MustGo || (got == rotation.MustGo) != (sh.Generation < h.set.Dropped) {
				t.Errorf("generation %d holds %v, and as one of the %s it %s", sh.Generation, sh.keys, c, got)
			}
			got, want := rotation.Held(h.set, c, whole), h.known(sh.keys)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("generation %d: it is said to hold %v, and holds %v", sh.Generation, got, want)
			}
		}
		k, live := h.set.Key(sh.signer)
		want := rotation.MustGo
		switch {
		case live && k.Status == keyset.Previous:
			want = rotation.Stays
		case live:
			want = rotation.MayGo
		}
		if got := fate(rotation.OneKey, one); got != want {
			t.Errorf("a value of %s, live %v (%s): it %s, want %s", sh.signer, live, k.Status, got, want)
		}
		if got := rotation.Held(h.set, rotation.OneKey, one); !slices.Equal(got, h.known([]string{sh.signer})) {
			t.Errorf("a value of %s is said to hold %v", sh.signer, got)
		}
		other := whole
		other.Lineage = "another"
		if got := fate(rotation.Renderings, other); got != rotation.Foreign {
			t.Errorf("a stranger's value: it %s", got)
		}
	}
	h.traces(t, past)
}

// known is the kids that the document still knows, sorted.
func (h haunted) known(kids []string) (known []string) {
	for _, kid := range kids {
		_, live := h.set.Key(kid)
		if live || slices.ContainsFunc(h.set.Gone, func(g keyset.Gone) bool { return g.Kid == kid }) {
			known = append(known, kid)
		}
	}
	slices.Sort(known)
	return known
}

// traces: a removed key is "not yet" gone as long as one revision that holds it
// can be read, in whichever place, and as gone as the store says after that.
func (h haunted) traces(t *testing.T, past []shade) {
	t.Helper()
	for n := range len(past) { // the n oldest have been erased
		store := rotation.Place{Content: rotation.Documents, Erases: "destroyed"}
		value := rotation.Place{Name: "value", Content: rotation.OneKey, Erases: "unlinked"}
		for _, sh := range past[n : len(past)-1] {
			store.Readable = append(store.Readable, rotation.Revision{Lineage: sh.Lineage, Generation: sh.Generation})
			value.Readable = append(value.Readable, sh.Revision)
		}
		for _, g := range h.set.Gone {
			inStore, inValue := false, false
			for _, sh := range past[n : len(past)-1] {
				inStore = inStore || slices.Contains(sh.keys, g.Kid)
				inValue = inValue || sh.signer == g.Kid
			}
			expect := func(what string, readable bool, how string, places ...rotation.Place) {
				t.Helper()
				if readable {
					how = rotation.NotYet
				}
				if got := rotation.TraceOf(h.now, h.set, g, places); got.How != how || !got.Observed {
					t.Errorf("%s: with %d of %d revisions erased %s is %q, want %q", what, n, len(past)-1, g.Kid, got.How, how)
				}
			}
			expect("store", inStore, "destroyed", store)
			expect("value", inValue, "unlinked", value)
			expect("both", inStore || inValue, "unlinked", store, value)
		}
	}
}

// Promise 9: a revision that holds a private half which was dropped must go, even
// though its key still verifies; and so must a value of it.
func TestPromise9ADroppedPrivateHalfMustGo(t *testing.T) {
	pair := func() keyset.Key {
		signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k, err := keyset.NewAsymmetric(keyset.ES256, signer)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ok := func(s *keyset.Set, err error) *keyset.Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := ok(keyset.Create("k", "e", "l", pair(), t0))
	published := ok(ok(first.Publish(pair(), t0)).MarkReady(t0, nil))
	promoted := ok(published.Promote(t0))
	for _, s := range []*keyset.Set{first, published} {
		sh := shadeOf(s)
		for _, c := range []rotation.Content{rotation.Documents, rotation.Renderings, rotation.OneKey} {
			if f, _ := rotation.FateOf(policy, promoted, c, sh.Revision); f != rotation.MustGo {
				t.Errorf("%s of generation %d: it %s", c, s.Generation, f)
			}
		}
	}
}

// gone is a document whose key "k0" was revoked at generation 2.
func gone(t interface{ Fatal(...any) }) *keyset.Set {
	s, err := keyset.Create("k", "e", "l", newKey(0), t0)
	if err != nil {
		t.Fatal(err)
	}
	fresh := newKey(1)
	if s, err = s.Revoke([]string{"k0"}, &fresh, t0); err != nil {
		t.Fatal(err)
	}
	return s
}

// How gone a key is, place by place.
func TestHowGone(t *testing.T) {
	s := gone(t)
	now := t0.Add(time.Hour)
	old, newer := rotation.Revision{Lineage: "l", Generation: 1}, rotation.Revision{Lineage: "l", Generation: 2}
	place := func(name, erases string, more func(*rotation.Place)) rotation.Place {
		p := rotation.Place{Name: name, Content: rotation.Renderings, Erases: erases}
		if name == "" {
			p.Content = rotation.Documents
		}
		if more != nil {
			more(&p)
		}
		return p
	}
	weak := func(r rotation.Revision, how string, until time.Time) func(*rotation.Place) {
		return func(p *rotation.Place) {
			p.Erased = append(p.Erased, rotation.Erasure{Revision: r, How: how, Until: until})
		}
	}
	remembering := *s
	remembering.Outputs = []keyset.Output{{Name: "aws old"}}
	noted := s.Observe("k0", "disabled", t0, now.Add(time.Hour))
	first := *s // as the first version wrote it
	first.Gone = []keyset.Gone{{Kid: "k0", At: t0, How: "unlabelled"}}
	for _, c := range []struct {
		what     string
		set      *keyset.Set
		how      string
		observed bool
		in       []string
		places   []rotation.Place
	}{
		{"nothing was looked at", s, rotation.CannotTell, true, nil, nil},
		{"one place", s, "unlinked", true, []string{""}, []rotation.Place{place("", "unlinked", nil)}},
		{"the weakest counts", s, "disabled", true, []string{"a"}, []rotation.Place{place("", "destroyed", nil), place("a", "disabled", nil), place("b", "replaced", nil)}},
		{"a place that could not be looked at", s, rotation.CannotTell, true, []string{"a"}, []rotation.Place{place("", "unlabelled", nil), place("a", "destroyed", func(p *rotation.Place) { p.Unseen = true })}},
		{"a store that was not opened", s, rotation.CannotTell, true, []string{""}, []rotation.Place{place("", "", nil)}},
		{"a word of a later version", s, "melted", true, []string{""}, []rotation.Place{place("", "melted", nil), place("a", "unlabelled", nil)}},
		{"a place that no config names", &remembering, rotation.CannotTell, true, []string{"aws old"}, []rotation.Place{place("", "destroyed", nil)}},
		{"a place that shows it", s, rotation.NotYet, true, []string{"a"}, []rotation.Place{place("", "destroyed", nil), place("a", "destroyed", func(p *rotation.Place) { p.Head = &old })}},
		{"a place that shows what came after it", s, "destroyed", true, []string{"", "a"}, []rotation.Place{place("", "destroyed", nil), place("a", "destroyed", func(p *rotation.Place) { p.Head = &newer })}},
		{"a stranger's revision", s, "destroyed", true, []string{"a"}, []rotation.Place{place("a", "destroyed", func(p *rotation.Place) { p.Readable = []rotation.Revision{{Lineage: "m", Generation: 1}} })}},
		{"a revision without a note in the key's own secret", s, rotation.NotYet, true, []string{""}, []rotation.Place{place("", "destroyed", func(p *rotation.Place) { p.Readable = []rotation.Revision{{}} })}},
		{"an erasure that was weaker", s, "disabled", true, []string{""}, []rotation.Place{place("", "destroyed", weak(old, "disabled", now.Add(time.Second)))}},
		{"one that the service has completed", s, "destroyed", true, []string{""}, []rotation.Place{place("", "destroyed", weak(old, "disabled", now))}},
		{"one of a revision without the key", s, "destroyed", true, []string{""}, []rotation.Place{place("", "destroyed", weak(newer, "disabled", time.Time{}))}},
		{"a note in the document, and nothing looked at", noted, "disabled", true, nil, nil},
		{"a note that is weaker than what is seen", noted, "disabled", true, nil, []rotation.Place{place("", "destroyed", nil)}},
		{"a note that is stronger than what is seen", noted, "unlabelled", true, []string{""}, []rotation.Place{place("", "unlabelled", nil)}},
		{"a note, and a place that shows the key", noted, rotation.NotYet, true, []string{""}, []rotation.Place{place("", "destroyed", func(p *rotation.Place) { p.Readable = []rotation.Revision{old} })}},
		{"the first version's note", &first, "unlabelled", false, nil, []rotation.Place{place("", "destroyed", nil)}},
		{"the first version's note, and a place that shows the key", &first, rotation.NotYet, true, []string{""}, []rotation.Place{place("", "destroyed", func(p *rotation.Place) { p.Readable = []rotation.Revision{old} })}},
	} {
		got := rotation.TraceOf(now, c.set, c.set.Gone[0], c.places)
		if got.How != c.how || got.Observed != c.observed || !slices.Equal(got.Places, c.in) {
			t.Errorf("%s: %q, observed %v, in %q; want %q, %v, %q", c.what, got.How, got.Observed, got.Places, c.how, c.observed, c.in)
		}
	}
	after := rotation.TraceOf(now.Add(2*time.Hour), noted, noted.Gone[0], []rotation.Place{place("", "destroyed", nil)})
	if after.How != "destroyed" {
		t.Errorf("after the date of destruction: %q", after.How)
	}
}

// Whatever places show: one more never makes a key more gone, their order is all
// the same, and a date of destruction belongs to what can be had back.
func TestOneMorePlaceIsNeverStronger(t *testing.T) {
	s := gone(t)
	hows := []string{"unlabelled", "disabled", "replaced", "unlinked", "destroyed", ""}
	revision := rapid.Custom(func(r *rapid.T) rotation.Revision {
		return rotation.Revision{
			Lineage: rapid.SampledFrom([]string{"l", "m"}).Draw(r, "lineage"), Generation: rapid.Uint64Range(0, 3).Draw(r, "generation"),
			Holds: rotation.KidNote(rapid.SampledFrom([]string{"k0", "k1"}).Draw(r, "kid")),
		}
	})
	place := rapid.Custom(func(r *rapid.T) rotation.Place {
		p := rotation.Place{
			Name:    rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "name"),
			Content: rapid.SampledFrom([]rotation.Content{rotation.Documents, rotation.Renderings, rotation.OneKey}).Draw(r, "content"),
			Erases:  rapid.SampledFrom(hows).Draw(r, "erases"), Unseen: rapid.Bool().Draw(r, "unseen"),
			Readable: rapid.SliceOfN(revision, 0, 2).Draw(r, "readable"),
		}
		for _, rev := range rapid.SliceOfN(revision, 0, 2).Draw(r, "erased") {
			e := rotation.Erasure{Revision: rev, How: rapid.SampledFrom(hows[:5]).Draw(r, "how")}
			if rapid.Bool().Draw(r, "dated") {
				e.Until = t0.Add(time.Duration(rapid.IntRange(-1, 2).Draw(r, "until")) * time.Hour)
			}
			p.Erased = append(p.Erased, e)
		}
		return p
	})
	rapid.Check(t, func(r *rapid.T) {
		places := rapid.SliceOfN(place, 1, 4).Draw(r, "places")
		fewer := rotation.TraceOf(t0, s, s.Gone[0], places[1:])
		all := rotation.TraceOf(t0, s, s.Gone[0], places)
		if len(places) > 1 && rotation.Weaker(fewer.How, all.How) {
			r.Errorf("%q, and with one place more %q", fewer.How, all.How)
		}
		turned := slices.Clone(places)
		slices.Reverse(turned)
		if again := rotation.TraceOf(t0, s, s.Gone[0], turned); again.How != all.How || !again.Until.Equal(all.Until) {
			r.Errorf("%q until %s, the other way round %q until %s", all.How, all.Until, again.How, again.Until)
		}
		if len(all.Places) == 0 || !all.Until.IsZero() && (all.How == rotation.NotYet || all.How == rotation.CannotTell) {
			r.Errorf("%+v", all)
		}
	})
}

// When a person is told.
func TestAlarming(t *testing.T) {
	s := gone(t)
	fresh := newKey(7)
	later, err := s.Publish(fresh, t0.Add(time.Hour))
	if err == nil {
		later, err = later.MarkReady(t0.Add(time.Hour), nil)
	}
	if err == nil {
		later, err = later.Promote(t0.Add(2 * time.Hour))
	}
	if err != nil {
		t.Fatal(err)
	}
	const late = time.Minute
	for i, c := range []struct {
		set      *keyset.Set
		revoked  bool
		how      string
		until    time.Time
		observed bool
		after    time.Duration
		want     bool
	}{
		{s, true, rotation.NotYet, time.Time{}, true, 0, true},
		{s, false, rotation.NotYet, time.Time{}, true, late, false},
		{s, false, rotation.NotYet, time.Time{}, true, late + time.Second, true},
		{s, true, rotation.CannotTell, time.Time{}, true, 0, true},
		{s, false, rotation.CannotTell, time.Time{}, true, time.Hour, false},
		{s, true, "destroyed", time.Time{}, true, 0, false},
		{s, true, "unlabelled", time.Time{}, true, time.Hour, true},
		{later, true, "unlabelled", time.Time{}, true, 3 * time.Hour, false},
		{s, false, "unlabelled", time.Time{}, true, time.Hour, false},
		{s, true, "unlabelled", time.Time{}, false, time.Hour, false},
		{later, true, "disabled", t0.Add(5 * time.Hour), true, 5*time.Hour - time.Second, true},
		{s, true, "disabled", t0.Add(5 * time.Hour), true, 5 * time.Hour, false},
	} {
		tr := rotation.Trace{Kid: "k0", Removed: t0, Revoked: c.revoked, How: c.how, Until: c.until, Observed: c.observed}
		if got := tr.Alarming(t0.Add(c.after), c.set, late); got != c.want {
			t.Error(fmt.Sprintf("case %d: %+v", i, c), got)
		}
	}
}
