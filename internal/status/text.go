package status

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
	"github.com/keyrotate/rotate/rotation"
)

// Text writes the report for people: what needs attention first. Of many keys
// only that is written, unless the view is full.
func (r Report) Text(w io.Writer, v View) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", r.summary(), ui.Stamp(r.At))
	shown, rest := r.listed(v)
	for _, k := range shown {
		var text strings.Builder
		k.text(&text, r.At, k.timeline(r.At, v.Width, v.palette()))
		b.WriteString("\n" + v.dress(text.String()))
	}
	if rest != "" {
		b.WriteString("\n" + rest + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// summary counts the keys in each state, the worst first.
func (r Report) summary() string {
	count := map[State]int{}
	for _, k := range r.Keys {
		count[k.State]++
	}
	var parts []string
	for _, s := range States() {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	return ui.Plural(len(r.Keys), "key") + ": " + strings.Join(parts, ", ")
}

func (k Key) text(b *strings.Builder, now time.Time, timeline []string) {
	fmt.Fprintf(b, "%s  %s", k.Key, k.State)
	if k.Generation > 0 {
		fmt.Fprintf(b, "  %s, generation %d", k.Environment, k.Generation)
	}
	b.WriteString("\n")
	for _, why := range k.Attention {
		row(b, "ATTENTION", ui.Reason(now, why))
	}
	for _, why := range k.Warnings {
		row(b, "warning", ui.Reason(now, why))
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

func (k Key) liveText(b *strings.Builder, now time.Time) {
	if l := k.Next; l != nil {
		does := "does not sign yet; not seen in every place yet"
		if l.Signs != nil {
			does = "begins to sign at " + ui.When(now, *l.Signs)
		}
		row(b, "next", l.line(does))
	}
	if l := k.Current; l != nil {
		row(b, "current", l.line("signs since "+ui.When(now, *l.Signs)))
	}
	for _, l := range k.Previous {
		does := "verifies; its grace begins when its successor was seen in every place"
		if l.Expires != nil && *l.GraceSeconds == 0 {
			does = "its grace ended at " + ui.When(now, *l.Expires)
		} else if l.Expires != nil {
			does = fmt.Sprintf("verifies until %s, %s left", ui.Stamp(*l.Expires), rotation.Duration(l.Expires.Sub(now)))
			if l.Removed.After(*l.Expires) {
				does += "; " + Removal(l.Removed.Sub(*l.Expires))
			}
		}
		row(b, "previous", l.line(does))
	}
}

func (l Live) line(does string) string {
	adopted := ""
	if l.Adopted {
		adopted = ", adopted"
	}
	return fmt.Sprintf("%s (%s%s)  %s", l.Kid, l.Algorithm, adopted, does)
}

func (k Key) thenText(b *strings.Builder, now time.Time) {
	if p := k.Pending; p != nil {
		row(b, "asked", fmt.Sprintf("by %s at %s", p.By, ui.When(now, p.At)))
	}
	if t := k.Then; t != nil && t.Do != string(rotation.Halt) {
		row(b, "then", t.text(now))
	}
	if k.Due != nil {
		row(b, "due", "the schedule wants a new key to sign at "+ui.When(now, *k.Due))
	}
}

func (t Step) text(now time.Time) string {
	why := ui.Reason(now, t.Why)
	switch {
	case t.Do != string(rotation.Wait):
		return fmt.Sprintf("%s, as soon as a daemon or `rotate run --once` looks: %s", t.Do, why)
	case t.At != nil:
		return fmt.Sprintf("%s: %s", ui.When(now, *t.At), why)
	}
	return why
}

func (k Key) place() string {
	if k.Location != "" {
		return k.Store + ": " + k.Location
	}
	return k.Store + ": secret " + k.Secret
}
