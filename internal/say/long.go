package say

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// long writes all that is known of each key, and below them what is true of their stores.
func long(b *strings.Builder, r status.Report, v View) {
	for _, k := range r.Keys {
		var text strings.Builder
		k := keyStatus{Key: k, now: r.At}
		k.text(&text, k.timeline(r.At, v))
		b.WriteString("\n" + v.dress(text.String(), v.palette().state(k.Key)))
	}
	for _, s := range storesOf(r.Keys) {
		b.WriteString("\n" + v.dress(s.text(), v.palette().strong))
	}
}

func (k keyStatus) text(b *strings.Builder, timeline []string) {
	at := From(k.now)
	fmt.Fprintf(b, "%s  %s", k.Key.Key, k.State)
	if k.Generation > 0 {
		fmt.Fprintf(b, "  %s, generation %d", k.Environment, k.Generation)
	}
	b.WriteString("\n")
	for _, why := range k.attention(at) {
		row(b, "ATTENTION", why.String())
	}
	for _, why := range k.warnings(at) {
		row(b, "warning", why.String())
	}
	for _, line := range timeline {
		b.WriteString(line + "\n")
	}
	for _, fact := range k.facts() {
		row(b, fact.Name, fact.Text)
	}
}

// A Fact is one line of what is known of a key, or more where its text has line ends. Names repeat.
type Fact struct{ Name, Text string }

// A list of facts grows by one after another.
type facts []Fact

func (f *facts) add(name, text string) { *f = append(*f, Fact{name, text}) }

// facts is all that is known of a key, beside what is to be remarked on it.
func (k keyStatus) facts() (all facts) {
	k.liveFacts(&all)
	k.nextFacts(&all)
	all.add("store", k.place())
	k.outputFacts(&all)
	k.erasureFacts(&all)
	return all
}

// row writes one fact, later lines below the first.
func row(b *strings.Builder, name, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(b, "  %-9s  %s\n", name, line)
	}
}

func (k keyStatus) liveFacts(all *facts) {
	if l := k.Next; l != nil {
		does := "does not sign yet; not seen in every place yet"
		if l.Signs != nil {
			does = "begins to sign at " + When(k.now, *l.Signs)
		}
		all.add("next", live(*l, does))
	}
	if l := k.Current; l != nil {
		all.add("current", live(*l, "signs since "+When(k.now, *l.Signs)))
	}
	for _, l := range k.Previous {
		does := "verifies; its grace begins when the current key was seen in every place"
		if l.Expires != nil && *l.GraceSeconds == 0 {
			does = "its grace ended at " + When(k.now, *l.Expires)
		} else if l.Expires != nil {
			does = fmt.Sprintf("verifies until %s, %s left", Stamp(*l.Expires), rotation.Duration(l.Expires.Sub(k.now)))
			if l.Removed.After(*l.Expires) {
				does += "; " + Removal(l.Removed.Sub(*l.Expires))
			}
		}
		all.add("previous", live(l, does))
	}
}

func live(l status.Live, does string) string {
	adopted := ""
	if l.Adopted {
		adopted = ", adopted"
	}
	return fmt.Sprintf("%s (%s%s)  %s", l.Kid, l.Algorithm, adopted, does)
}

// nextFacts is who asked for a rotation, what comes next, and when the schedule wants another key.
func (k keyStatus) nextFacts(all *facts) {
	if p := k.Pending; p != nil {
		all.add("asked", fmt.Sprintf("by %s at %s", p.By, When(k.now, p.At)))
	}
	if t := k.Then; t != nil && t.Do != string(rotation.Halt) {
		all.add("next step", k.nextStep(k.now))
	}
	if k.Due != nil {
		all.add("due", When(k.now, *k.Due)+": the schedule wants a new key to sign")
	}
}

func (k keyStatus) nextStep(now time.Time) string {
	t, why := k.Then, k.why(From(now))
	switch {
	case t.Do != string(rotation.Wait):
		return fmt.Sprintf("%s, as soon as `rotate run` or `rotate run --once` looks: %s", cmp.Or(steps[rotation.Action(t.Do)], t.Do), why)
	case t.At != nil:
		return fmt.Sprintf("%s: %s", When(now, *t.At), why)
	}
	return why
}

func (k keyStatus) place() string {
	if k.Location != "" {
		return k.Store + ": " + k.Location
	}
	return k.Store + ": secret " + k.Secret
}

func (k keyStatus) outputFacts(all *facts) {
	for _, o := range k.Outputs {
		does := "up to date"
		if o.Generation > 0 {
			does += fmt.Sprintf(", generation %d", o.Generation)
		}
		switch {
		case o.Reason.Unwritten():
			does = Behind(o.Reason, From(k.now))
		case o.Code != "":
			does = "BEHIND"
			if o.Generations > 0 {
				does += " by " + Plural(int(o.Generations), "generation") // #nosec G115 -- a few
			}
			if o.Since != nil {
				does += ", since " + When(k.now, *o.Since)
			}
			does += ": " + Behind(o.Reason, From(k.now))
		}
		all.add("output", fmt.Sprintf("%s (%s)  %s", o.Output, o.Format, does))
	}
	for _, name := range k.LeftBehind {
		all.add("left", name)
	}
}

// A storeFacts is what is true of every key of a store.
type storeFacts struct{ store, clock, remains string }

// storesOf is the stores of some keys, each once, as far as there is something to say of them.
func storesOf(keys []status.Key) (all []storeFacts) {
	for _, k := range keys {
		s := storeFacts{k.Store, k.Clock, k.Erasure.Remains}
		if (s.clock == "host" || s.remains != "") && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func (s storeFacts) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "store %s\n", s.store)
	if s.clock == "host" {
		row(&b, "clock", "this host's, because the store tells no time; a process that has just started has to trust it")
	}
	if s.remains != "" {
		row(&b, "remains", s.remains)
	}
	return b.String()
}
