package say

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// fewKeys is how many keys at most have the long form when nobody asks for it: more than these have a line each.
const fewKeys = 3

// Status writes a report for people: all that is known of a few keys, or a line a key. It reads the report only.
func Status(w io.Writer, r status.Report, v View) error {
	var b strings.Builder
	b.WriteString(wrap(summary(r)+", "+Stamp(r.At), v.Width, 0) + "\n")
	if v.Long || len(r.Keys) <= fewKeys {
		long(&b, r, v)
	} else {
		lines(&b, r, v)
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
	key.Attention, key.AttentionCodes = texts(k.attention(Plain))
	key.Warnings, key.WarningCodes = texts(k.warnings(Plain))
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
	now  time.Time
	many bool // it stands for several keys: what is said has to be true of each of them
}

func (k keyStatus) subject() Subject { return Subject{k.Key.Key, k.Store, k.Secret} }

// A remark is what is said of one reason.
type remark struct {
	rotation.Code
	Words
}

func texts(all []remark) (texts []string, codes []rotation.Code) {
	for _, r := range all {
		texts, codes = append(texts, r.Words.String()), append(codes, r.Code)
	}
	return texts, codes
}

// attention is why a person should look. The name of the key stands above it. All keys that are live under another name,
// too, are one remark.
func (k keyStatus) attention(at Times) (all []remark) {
	shared := false
	for _, r := range k.Alarms {
		switch {
		case k.State == status.Halted:
			all = append(all, remark{r.Code, Found(r, k.subject())})
		case r.Code == rotation.Overdue:
			all = append(all, remark{r.Code, k.overdue(r, at)})
		case r.Code != rotation.SharedKey:
			all = append(all, remark{r.Code, Alarm(r, k.subject(), at)})
		case !shared:
			shared = true
			all = append(all, remark{r.Code, Words{What: Shared(k.Alarms)}})
		}
	}
	return all
}

func (k keyStatus) overdue(r rotation.Reason, at Times) Words {
	if k.Paused != nil && k.Then.Do == string(rotation.Wait) {
		return k.held(r, at)
	}
	w := Words{Hint: "is `rotate run` running, or a timer that calls `rotate run --once`? Its log says what keeps it"}
	if w.What = "a step is due, and nobody has taken it"; !k.many {
		w.What = fmt.Sprintf("the step %q could have been taken since %s, and nobody has: %s", r.Is, at(r.At), k.why(at))
	}
	return w
}

// held is overdue where a pause holds back what is due.
func (k keyStatus) held(r rotation.Reason, at Times) Words {
	w := Words{Hint: "rotate resume " + k.Key.Key + " ends the pause"}
	if w.What = "a rotation is wanted, and a pause holds it back"; !k.many {
		w.What = fmt.Sprintf("a rotation has been wanted since %s, and a pause holds it back until %s", at(r.At), at(k.Paused.Until))
	}
	return w
}

// warnings is what is less than it should be.
func (k keyStatus) warnings(at Times) (all []remark) {
	for _, r := range k.Notices {
		text := Words{r.Cause, r.Hint}
		switch r.Code {
		case rotation.HiddenKeys:
			text = Words{What: Hidden(k.Hidden, at)}
		case rotation.OtherAlgorithm:
			text.What = fmt.Sprintf("the config asks for %s, kid %s is for %s: the next key that is made will be for %s, and verifiers must know both algorithms first", r.Whose, Kid(r.Kid), r.Is, r.Whose)
		case rotation.Paused:
			text = Words{"no key is published and none begins to sign: paused " + Pause(r.At, r.Whose, r.Cause, at), "rotate resume " + k.Key.Key + " ends the pause"}
		case rotation.Removing:
			text = Words{fmt.Sprintf("nothing signs any more, and the key is erased everywhere at %s: %s removes it", at(r.At), cmp.Or(Clean(r.Whose), "someone")), "rotate remove " + k.Key.Key + " --undo takes that back until then"}
		case rotation.KeyRemoved:
			text = Words{"it was " + removedAt(r, at) + "; only a marker stands there, so that nobody begins anew by mistake", freshHint(r)}
		case rotation.NoHistory:
			text.What = "what is still readable of the past could not be listed: " + r.Cause
		case rotation.ReadersUnknown:
			text = Words{"whether the readers of an output were made to read it cannot be told here: " + r.Output, "the log, the page and the metrics of `rotate run` tell it"}
		case rotation.LeftBehind:
			text = Words{"copies may be left where the config has no output any more: " + r.Output, "rotate forget " + k.Key.Key + " PLACE cleans one of them"}
		}
		all = append(all, remark{r.Code, text})
	}
	return all
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
