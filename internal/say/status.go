package say

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// Status writes a report for people: what needs attention first. Of many keys
// only that is written, unless the view is full.
func Status(w io.Writer, r status.Report, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", summary(r), Stamp(r.At))
	shown, rest := listed(r, v)
	for _, k := range shown {
		var text strings.Builder
		k := keyStatus{Key: k, now: r.At}
		k.text(&text, k.timeline(r.At, v.Width, v.palette()))
		b.WriteString("\n" + v.dress(text.String()))
	}
	if rest != "" {
		b.WriteString("\n" + rest + "\n")
	}
	for i, u := range r.Unnamed {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "notice: store %s, secret %s: no key of this config has this keyset of key %q. Unless another config does, nobody rotates it\n", u.Store, u.Secret, Clean(u.Key))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Report fills in the words of a report, with times as programs read them.
func Report(r status.Report) status.Report {
	for i := range r.Keys {
		fill(&r.Keys[i])
	}
	return r
}

func fill(key *status.Key) {
	k := keyStatus{Key: *key}
	key.Attention, key.AttentionCodes = k.attention(Plain)
	key.Warnings, key.WarningCodes = k.warnings(Plain)
	if key.Then != nil {
		then := *key.Then
		then.Why = k.why(Plain)
		key.Then = &then
	}
	key.Outputs = slices.Clone(key.Outputs)
	for i, o := range key.Outputs {
		if o.Code != "" {
			key.Outputs[i].Behind = Behind(o.Reason, Plain)
		}
	}
}

// A keyStatus is a key's part of a report, on its way to words.
type keyStatus struct {
	status.Key
	now time.Time
}

func (k keyStatus) subject() Subject { return Subject{k.Key.Key, k.Store, k.Secret} }

// attention is why a person should look, and the code of each reason. All keys
// that are live under another name, too, are one.
func (k keyStatus) attention(at Times) (texts []string, codes []rotation.Code) {
	add := func(c rotation.Code, text string) { texts, codes = append(texts, text), append(codes, c) }
	shared := false
	for _, r := range k.Alarms {
		switch {
		case k.State == status.Halted:
			add(r.Code, Halt(r, k.subject()).String())
		case r.Code == rotation.Overdue:
			add(r.Code, k.overdue(r, at).String())
		case r.Code == rotation.SharedKey && !shared:
			shared = true
			add(r.Code, Shared(k.Alarms))
		case r.Code != rotation.SharedKey:
			add(r.Code, Alarm(r, k.subject(), at).String())
		}
	}
	return texts, codes
}

func (k keyStatus) overdue(r rotation.Reason, at Times) Words {
	if k.Paused != nil && k.Then.Do == string(rotation.Wait) {
		return Words{
			fmt.Sprintf("a rotation has been wanted since %s, and a pause holds it back until %s", at(r.At), at(k.Paused.Until)),
			"rotate resume " + k.Key.Key + " ends the pause",
		}
	}
	return Words{
		fmt.Sprintf("the step %q could have been taken since %s and was not: %s", r.Is, at(r.At), k.why(at)),
		"is `rotate run` running, or a timer that calls `rotate run --once`? Its log says what keeps it",
	}
}

// warnings is what is less than it should be, and the code of each.
func (k keyStatus) warnings(at Times) (texts []string, codes []rotation.Code) {
	for _, r := range k.Notices {
		text := Words{r.Cause, r.Hint}
		switch r.Code {
		case rotation.HiddenKeys:
			text = Words{What: Hidden(k.Hidden, at)}
		case rotation.OtherAlgorithm:
			text.What = fmt.Sprintf("the config asks for %s, kid %s is for %s: the next key that is made will be for %s, and verifiers must know both algorithms first", r.Whose, Kid(r.Kid), r.Is, r.Whose)
		case rotation.Paused:
			text = Words{
				"no key is published and none begins to sign: paused " + Pause(r.At, r.Whose, r.Cause, at),
				"rotate resume " + k.Key.Key + " ends the pause",
			}
		case rotation.NoHistory:
			text.What = "what is still readable of the past could not be listed: " + r.Cause
		case rotation.LeftBehind:
			text = Words{"copies may be left where the config has no output any more: " + r.Output, "rotate forget " + k.Key.Key + " PLACE cleans one of them"}
		}
		texts, codes = append(texts, text.String()), append(codes, r.Code)
	}
	return texts, codes
}

// why is why the next step is taken, or what the key waits for.
func (k keyStatus) why(at Times) string {
	if k.Then.Do == string(rotation.Halt) {
		return Halt(k.Then.Reason, k.subject()).String()
	}
	return Why(k.Then.Reason, at)
}

// summary counts the keys in each state, the worst first.
func summary(r status.Report) string {
	count, woes := map[status.State]int{}, 0
	for _, k := range r.Keys {
		if k.Alarmed() && (k.State == status.Rotating || k.State == status.Healthy) {
			woes++ // these words alone would say that all is well
		} else {
			count[k.State]++
		}
	}
	var parts []string
	for _, s := range status.States() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	if woes > 0 {
		parts = append([]string{need(strconv.Itoa(woes), woes, "attention")}, parts...)
	}
	return Plural(len(r.Keys), "key") + ": " + strings.Join(parts, ", ")
}

func (k keyStatus) text(b *strings.Builder, timeline []string) {
	now, at := k.now, From(k.now)
	fmt.Fprintf(b, "%s  %s", k.Key.Key, k.State)
	if k.Generation > 0 {
		fmt.Fprintf(b, "  %s, generation %d", k.Environment, k.Generation)
	}
	b.WriteString("\n")
	attention, _ := k.attention(at)
	for _, why := range attention {
		row(b, "ATTENTION", why)
	}
	warnings, _ := k.warnings(at)
	for _, why := range warnings {
		row(b, "warning", why)
	}
	for _, line := range timeline {
		b.WriteString(line + "\n")
	}
	k.liveText(b, now)
	k.thenText(b, now)
	row(b, "store", k.place())
	k.outputsText(b, now)
	if k.Clock == "host" {
		row(b, "clock", "this host's: the store tells no time, so a process that starts anew has to trust it")
	}
	k.erasureText(b, now)
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

func (k keyStatus) liveText(b *strings.Builder, now time.Time) {
	if l := k.Next; l != nil {
		does := "does not sign yet; not seen in every place yet"
		if l.Signs != nil {
			does = "begins to sign at " + When(now, *l.Signs)
		}
		row(b, "next", line(*l, does))
	}
	if l := k.Current; l != nil {
		row(b, "current", line(*l, "signs since "+When(now, *l.Signs)))
	}
	for _, l := range k.Previous {
		does := "verifies; its grace begins when its successor was seen in every place"
		if l.Expires != nil && *l.GraceSeconds == 0 {
			does = "its grace ended at " + When(now, *l.Expires)
		} else if l.Expires != nil {
			does = fmt.Sprintf("verifies until %s, %s left", Stamp(*l.Expires), rotation.Duration(l.Expires.Sub(now)))
			if l.Removed.After(*l.Expires) {
				does += "; " + Removal(l.Removed.Sub(*l.Expires))
			}
		}
		row(b, "previous", line(l, does))
	}
}

func line(l status.Live, does string) string {
	adopted := ""
	if l.Adopted {
		adopted = ", adopted"
	}
	return fmt.Sprintf("%s (%s%s)  %s", l.Kid, l.Algorithm, adopted, does)
}

func (k keyStatus) thenText(b *strings.Builder, now time.Time) {
	if p := k.Pending; p != nil {
		row(b, "asked", fmt.Sprintf("by %s at %s", p.By, When(now, p.At)))
	}
	if t := k.Then; t != nil && t.Do != string(rotation.Halt) {
		row(b, "then", k.then(now))
	}
	if k.Due != nil {
		row(b, "due", "the schedule wants a new key to sign at "+When(now, *k.Due))
	}
}

func (k keyStatus) then(now time.Time) string {
	t, why := k.Then, k.why(From(now))
	switch {
	case t.Do != string(rotation.Wait):
		return fmt.Sprintf("%s, as soon as a daemon or `rotate run --once` looks: %s", t.Do, why)
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

func (k keyStatus) outputsText(b *strings.Builder, now time.Time) {
	for _, o := range k.Outputs {
		does := "up to date"
		if o.Generation > 0 {
			does += fmt.Sprintf(", generation %d", o.Generation)
		}
		if o.Code != "" {
			does = "BEHIND"
			if o.Generations > 0 {
				does += " by " + Plural(int(o.Generations), "generation") //nolint:gosec // a few
			}
			if o.Since != nil {
				does += ", since " + When(now, *o.Since)
			}
			does += ": " + Behind(o.Reason, From(now))
		}
		row(b, "output", fmt.Sprintf("%s (%s)  %s", o.Output, o.Format, does))
	}
	for _, name := range k.LeftBehind {
		row(b, "left", name)
	}
}

// Hidden says which keys should verify and are not among the three values that the
// format env and the document repeat; "" if all are.
func Hidden(h rotation.Hidden, at Times) string {
	if len(h.Keys) == 0 {
		return ""
	}
	var keys []string
	for _, k := range h.Keys {
		until := "its grace has ended"
		if !k.Expires.IsZero() {
			until = at(k.Expires)
		}
		keys = append(keys, "kid "+Kid(k.Kid)+" until "+until)
	}
	when := ""
	if !h.From.IsZero() {
		when = "from " + at(h.From) + " on, when another key signs, "
	}
	return fmt.Sprintf("%snot among the three values current, next and previous, although it verifies: %s. "+
		"Readers of three variables (format env) refuse its tokens; readers of the whole keyset or of the format list take them",
		when, strings.Join(keys, ", "))
}

// Removal is when a key is removed whose grace has ended, for a sentence on it:
// clocks may differ, so it is kept for the skew.
func Removal(skew time.Duration) string {
	if skew == 0 {
		return "then it is removed"
	}
	return "removed " + rotation.Duration(skew).String() + " later (clock skew)"
}
