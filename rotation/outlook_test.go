package rotation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Every date of an Outlook, from documents with known times.

const wait = 2*hour + rotation.Skew // until every reader has what was written, under seasonal

func TestOutlookOfANextKey(t *testing.T) {
	must := must(t)
	first := must(keyset.Create("k", "e", "l", newKey(0), t0))
	due := t0.Add(90 * day)
	published := must(first.Publish(newKey(1), due.Add(-day)))
	marked := due.Add(-12 * hour)
	ready := must(published.MarkReady(marked, nil))
	lateReady := must(published.MarkReady(due.Add(-hour), nil))
	asked := must(ready.With(keyset.UnnamedRequest("k0", "me"), marked))
	askedFirst := must(first.With(keyset.UnnamedRequest("k0", "me"), t0.Add(day)))
	otherMark := *published
	otherMark.Ready = &keyset.Mark{Kid: "k0", At: marked}
	var never time.Time
	now := due.Add(-6 * hour)
	for _, tt := range []struct {
		name                           string
		set                            *keyset.Set
		asked                          bool
		known, begins, promotes, after time.Time // after: the promotion seen from a day past due
	}{
		{"none", first, false, never, never, never, never},
		{"none, asked now", first, true, never, never, now.Add(wait), due.Add(day + wait)},
		{"none, asked on record", askedFirst, false, never, never, now.Add(wait), due.Add(day + wait)},
		{"published", published, false, never, never, now.Add(wait), due.Add(day + wait)},
		{"published, another key's mark", &otherMark, false, never, never, now.Add(wait), due.Add(day + wait)},
		{"ready", ready, false, marked.Add(wait), due, due, due.Add(day)},
		{"ready, asked now", ready, true, marked.Add(wait), marked.Add(wait), now, due.Add(day)},
		{"ready, asked on record", asked, false, marked.Add(wait), marked.Add(wait), now, due.Add(day)},
		{"ready late", lateReady, false, due.Add(-hour + wait), due.Add(-hour + wait), due.Add(-hour + wait), due.Add(day)},
	} {
		o := rotation.Outlook{Policy: seasonal, Set: tt.set}
		for what, got := range map[string][2]time.Time{
			"due": {o.Due(), due}, "publishes": {o.Publishes(), due.Add(-seasonal.Lead())}, "known": {o.Known(), tt.known}, "begins": {o.Begins(tt.asked), tt.begins},
			"promotes": {o.Promotes(now, tt.asked), tt.promotes}, "promotes, later": {o.Promotes(due.Add(day), tt.asked), tt.after},
		} {
			if !got[0].Equal(got[1]) {
				t.Errorf("%s: %s is %s, want %s", tt.name, what, got[0], got[1])
			}
		}
	}
	o := rotation.Outlook{Policy: usual(fixed{t0, nil}), Set: first}
	if !o.Due().IsZero() || !o.Publishes().IsZero() {
		t.Errorf("a schedule that never fires is due %s, published %s", o.Due(), o.Publishes())
	}
}

func TestOutlookOfPreviousKeys(t *testing.T) {
	must := must(t)
	promoted := rotated(t)
	settled := must(promoted.MarkSettled(t0.Add(11*day), nil, seasonal.Grace))
	other := *promoted
	other.Settled = &keyset.Mark{Kid: "k0", At: t0}
	current := promoted.Signing().NotBefore
	for _, tt := range []struct {
		name    string
		set     *keyset.Set
		removed time.Time
		unseen  bool
	}{
		{"promoted", promoted, time.Time{}, true},
		{"another key's mark", &other, time.Time{}, true},
		{"settled", settled, t0.Add(11*day + seasonal.Grace + rotation.Skew), false},
	} {
		o := rotation.Outlook{Policy: seasonal, Set: tt.set}
		if got := o.Removed(tt.set.Previous()[0]); !got.Equal(tt.removed) || o.Unseen() != tt.unseen {
			t.Errorf("%s: removed at %s, want %s; unseen %v", tt.name, got, tt.removed, o.Unseen())
		}
		if got := o.LastToken(tt.set.Signing()); !got.Equal(current.Add(wait)) {
			t.Errorf("%s: the last token is of %s", tt.name, got)
		}
		if o.Full() || !o.Room().IsZero() {
			t.Errorf("%s: full %v, room at %s", tt.name, o.Full(), o.Room())
		}
	}
	published := must(settled.Publish(newKey(2), t0.Add(50*day)))
	for set, unseen := range map[*keyset.Set]bool{published: true, must(published.MarkReady(t0.Add(51*day), nil)): false, must(keyset.Create("k", "e", "l", newKey(0), t0)): false} {
		if o := (rotation.Outlook{Policy: seasonal, Set: set}); o.Unseen() != unseen {
			t.Errorf("%v: unseen %v", set.Keys, o.Unseen())
		}
	}
	for set, want := range map[*keyset.Set]time.Time{
		promoted:  current,
		published: t0.Add(50 * day),
		must(settled.Retire("k0", t0.Add(60*day))): t0.Add(60 * day),
	} {
		if got := (rotation.Outlook{Policy: seasonal, Set: set}).Changed(); !got.Equal(want) {
			t.Errorf("%v changed at %s, want %s", set.Keys, got, want)
		}
	}
}

func TestOutlookOfAFullSet(t *testing.T) {
	must := must(t)
	full := rotated(t)
	for n := 2; full.HasRoom(); n++ {
		next := must(full.Publish(newKey(n), t0.Add(10*day)))
		full = must(must(next.MarkReady(t0.Add(10*day), nil)).Promote(t0.Add(10*day + 3*hour)))
	}
	o := rotation.Outlook{Policy: seasonal, Set: full}
	if !o.Full() || !o.Room().IsZero() {
		t.Errorf("full %v, and no grace has begun: room at %s", o.Full(), o.Room())
	}
	dated := *full
	dated.Keys = slices.Clone(full.Keys)
	for i, n := range []int{3, 2, 4} { // of some previous keys
		dated.Keys[n].Expires = t0.Add(time.Duration(20+i) * day)
	}
	o.Set = &dated
	room := t0.Add(20*day + rotation.Skew)
	if got := o.Room(); !got.Equal(room) {
		t.Errorf("room at %s, want %s", got, room)
	}
	now := t0.Add(12 * day)
	for at, want := range map[time.Time]time.Time{now: room.Add(wait), room.Add(day): room.Add(day + wait)} {
		if got := o.Promotes(at, true); !got.Equal(want) {
			t.Errorf("asked for at %s a key signs at %s, want %s", at, got, want)
		}
	}
}

// Since when a step could have been taken.
func TestLateSince(t *testing.T) {
	must := must(t)
	first := must(keyset.Create("k", "e", "l", newKey(0), t0))
	due := t0.Add(90 * day)
	asked := must(first.With(keyset.UnnamedRequest("k0", "me"), t0.Add(day)))
	published := must(first.Publish(newKey(1), due.Add(-day)))
	ready := must(published.MarkReady(due.Add(-hour), nil))
	readyAsked := must(must(asked.Publish(newKey(1), t0.Add(2*day))).MarkReady(t0.Add(2*day), nil))
	promoted := rotated(t)
	settled := must(promoted.MarkSettled(t0.Add(11*day), nil, seasonal.Grace))
	for _, tt := range []struct {
		set  *keyset.Set
		step rotation.Step
		want time.Time
	}{
		{first, rotation.Step{Do: rotation.Publish}, due.Add(-seasonal.Lead())},
		{asked, rotation.Step{Do: rotation.Publish}, t0.Add(day)},
		{published, rotation.Step{Do: rotation.MarkReady}, due.Add(-day)},
		{ready, rotation.Step{Do: rotation.Promote}, due.Add(-hour + wait)},
		{readyAsked, rotation.Step{Do: rotation.Promote}, t0.Add(2*day + wait)},
		{promoted, rotation.Step{Do: rotation.MarkSettled}, promoted.Signing().NotBefore},
		{settled, rotation.Step{Do: rotation.Retire, Kid: "k0"}, t0.Add(11*day + seasonal.Grace + rotation.Skew)},
		{first, rotation.Step{Do: rotation.Wait}, time.Time{}},
		{first, rotation.Step{Do: rotation.Revoke, Kid: "k0"}, time.Time{}},
	} {
		if got := (rotation.Outlook{Policy: seasonal, Set: tt.set}).LateSince(tt.step); !got.Equal(tt.want) {
			t.Errorf("%s could be taken since %s, want %s", tt.step.Do, got, tt.want)
		}
	}
}

// Three variables have room for the youngest previous key, until a promotion
// takes its place; a key that does not verify any more is missed by nobody.
func TestHiddenKeys(t *testing.T) {
	must := must(t)
	set := rotated(t)
	for n := 2; n <= 3; n++ {
		at := t0.Add(time.Duration(9+n) * day)
		set = must(must(must(set.Publish(newKey(n), at)).MarkReady(at, nil)).Promote(at.Add(3 * hour)))
	}
	dated := *set // k3 signs; k2, k1, k0 verify
	dated.Keys = slices.Clone(set.Keys)
	now := t0.Add(13 * day)
	dated.Keys[1].Expires, dated.Keys[3].Expires = now.Add(2*day), now.Add(day)
	kids := func(h rotation.Hidden) string {
		var all []string
		for _, k := range h.Keys {
			all = append(all, k.Kid)
		}
		return fmt.Sprint(all)
	}
	o := rotation.Outlook{Policy: seasonal, Set: &dated}
	for _, tt := range []struct {
		now, promotes time.Time
		want          string
	}{
		{now, time.Time{}, "[k1 k0]"},
		{now.Add(day - 1), time.Time{}, "[k1 k0]"},
		{now.Add(day), time.Time{}, "[k1]"},
		{now, now.Add(hour), "[k2 k1 k0]"},
		{now, now.Add(day), "[k2 k1]"},
		{now, now.Add(2 * day), "[k1]"},
		{now.Add(day), now, "[k2 k1]"}, // it should have come already
	} {
		if got := o.Hidden(tt.now, tt.promotes); kids(got) != tt.want || !got.From.Equal(tt.promotes) {
			t.Errorf("at %s, promotion at %s: %s from %s, want %s", tt.now, tt.promotes, kids(got), got.From, tt.want)
		}
	}
	if got := o.WorstHidden(now, false); kids(got) != "[k1 k0]" || !got.From.IsZero() {
		t.Errorf("no rotation under way: %s from %s", kids(got), got.From)
	}
	if got := o.WorstHidden(now, true); kids(got) != "[k2 k1 k0]" || !got.From.Equal(now.Add(wait)) {
		t.Errorf("a rotation asked for: %s from %s", kids(got), got.From)
	}
	dated.Keys[1].Expires = now.Add(hour) // the promotion hides no more than is hidden now
	if got := o.WorstHidden(now, true); kids(got) != "[k1 k0]" || !got.From.IsZero() {
		t.Errorf("a rotation that hides no more: %s from %s", kids(got), got.From)
	}
	alone := rotation.Outlook{Policy: seasonal, Set: must(keyset.Create("k", "e", "l", newKey(0), t0))}
	if got := alone.WorstHidden(now, true); len(got.Keys) > 0 {
		t.Errorf("of one key %s is hidden", kids(got))
	}
}

// What an output holds is written over only where it is this keyset's, and not newer.
func TestMayReplace(t *testing.T) {
	set := rotated(t)
	note := func(lineage string, generation uint64) rotation.Witness {
		return rotation.Witness{Lineage: lineage, Past: keyset.Past{Generation: generation}}
	}
	for _, tt := range []struct {
		note    rotation.Witness
		adopted bool
		want    rotation.Code
	}{
		{note("", 0), false, rotation.OutputStranger},
		{note("", 0), true, ""},
		{note("another", 1), false, rotation.OutputForeign},
		{note("another", 1), true, rotation.OutputForeign},
		{note("l", set.Generation), false, ""},
		{note("l", set.Generation-1), false, ""},
		{note("l", set.Generation+1), false, rotation.OutputNewer},
	} {
		if got := rotation.MayReplace(set, tt.note, tt.adopted); got.Code != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
	for code, behind := range map[rotation.Code]bool{
		rotation.OutputStranger: true, rotation.OutputSilent: true, rotation.OutputFailure("denied"): true,
		rotation.OutputNew: false, rotation.StoreFailure("denied"): false, rotation.NoRoom: false,
	} {
		if code.Behind() != behind {
			t.Errorf("%s: behind %v", code, code.Behind())
		}
	}
}

// Two reasons are the same where all that they say is.
func TestSameReasons(t *testing.T) {
	ref := func(key string) *rotation.Ref { return &rotation.Ref{Key: key} }
	r := func(code rotation.Code, of *rotation.Ref) rotation.Reason { return rotation.Reason{Code: code, Of: of} }
	for _, tt := range []struct {
		a, b rotation.Reason
		want bool
	}{
		{r(rotation.NoRoom, nil), r(rotation.NoRoom, nil), true},
		{r(rotation.NoRoom, nil), r(rotation.NotGone, nil), false},
		{r(rotation.SharedKey, ref("a")), r(rotation.SharedKey, ref("a")), true},
		{r(rotation.SharedKey, ref("a")), r(rotation.SharedKey, ref("b")), false},
		{r(rotation.SharedKey, ref("a")), r(rotation.SharedKey, nil), false},
		{r(rotation.SharedKey, nil), r(rotation.SharedKey, ref("a")), false},
		{r(rotation.SharedKey, ref("a")), r(rotation.PlaceShared, ref("a")), false},
	} {
		if got := tt.a.Same(tt.b); got != tt.want {
			t.Errorf("%+v and %+v: %v", tt.a, tt.b, got)
		}
	}
}
