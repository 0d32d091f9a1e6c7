package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// Adopted says what came of the adoption of a source.
func Adopted(now time.Time, a *ops.Adopted) Answer {
	f := &form.Adopted{
		Key: keyForm(now, a.Key, a.Result.Set), Outcome: "adopted", Source: say.Clean(a.Source.Where),
		Weak: a.Weak(), Notes: AdoptedNotes(a), Warnings: AdoptedWarnings(a),
	}
	switch {
	case a.Dry:
		f.Outcome, f.Members = "dry_run", members(a.Source)
	case len(a.Result.Did) == 0:
		f.Outcome = "adopted_before"
	}
	return adopted(now, a).with(f)
}

func adopted(now time.Time, a *ops.Adopted) Answer {
	k, set := a.Key, a.Result.Set
	t := &sheet{now: now, head: k.Name + ": adopted; it goes on signing, and nothing changes for its readers"}
	switch {
	case a.Dry && set != nil:
		t.head = k.Name + ": dry run, nothing was changed; it was adopted before, and nothing would be"
	case a.Dry:
		t.head = k.Name + ": dry run, nothing was changed; it would be adopted and go on signing"
	case len(a.Result.Did) == 0:
		t.head = k.Name + ": was adopted before; nothing to do"
	}
	signs, since := a.Signs(), now
	if set != nil {
		signs, since = set.Signing(), set.Signing().NotBefore
	}
	text := fmt.Sprintf("kid %s (%s)", say.Kid(signs.Kid), signs.Alg)
	switch {
	case set == nil && slices.Contains(a.Taken.Made, signs.Kid):
		text = fmt.Sprintf("a kid that is made then (%s)", signs.Alg)
	case a.Asked != "" && a.Asked != signs.Kid:
		text += "; its kid stays as it is, whatever --kid says: tokens carry it"
	}
	t.row("signs", text)
	if text := verifying(now, a); text != "" {
		t.row("verify", text)
	}
	t.row("lives in", k.Place())
	t.row("replaced", replaced(now, a, since))
	t.row("who", doers)
	switch where := say.Clean(a.Source.Where); {
	case a.Source.IsOutput:
		t.row("left", where+" is an output of this key: applications go on reading it there, and rotate keeps it up to date")
	case a.Source.Lies:
		t.row("left", where+" is as it was: remove the value there once every application reads this key from its store")
	}
	if a.Dry {
		var names []string
		for _, m := range members(a.Source) {
			names = append(names, m.Name+" ("+m.Kind+")")
		}
		if len(names) > 0 {
			t.row("members", strings.Join(names, ", "))
		}
	}
	return t.answer("")
}

// members lists what the source has, by name.
func members(src ops.Source) (all []form.Member) {
	for _, m := range intake.Members(src.Read) {
		if m.Kind != "object" {
			all = append(all, form.Member{Name: say.Clean(m.Name), Kind: m.Kind})
		}
	}
	return all
}

// verifying tells of the keys that only verify, and until when.
func verifying(now time.Time, a *ops.Adopted) string {
	keys := a.Taken.Keys[1:]
	set := a.Result.Set
	if set != nil {
		keys = set.Previous()
	}
	if len(keys) == 0 {
		return ""
	}
	var kids []string
	for _, k := range keys {
		if set == nil && slices.Contains(a.Taken.Made, k.Kid) {
			kids = append(kids, "a kid that is made then")
		} else {
			kids = append(kids, "kid "+say.Kid(k.Kid))
		}
	}
	until := "for " + rotation.Duration(a.Key.Policy.Grace).String() + ", the grace"
	switch {
	case set != nil && !keys[0].Expires.IsZero():
		until = "until " + say.When(now, keys[0].Expires)
	case a.Verify > 0:
		until = "until " + say.When(now, now.Add(a.Verify))
	}
	return strings.Join(kids, ", ") + ": " + until + "; no new token is signed with them"
}

// replaced is when another key takes the place of an adopted one.
func replaced(now time.Time, a *ops.Adopted, since time.Time) string {
	p := a.Key.Policy
	grace := rotation.Duration(p.Grace)
	if !a.Weak() {
		if due := p.Due(since); !due.IsZero() {
			return fmt.Sprintf("at %s; then it verifies for %s more", say.When(now, due), grace)
		}
		return "never: the schedule does not fire"
	}
	if set := a.Result.Set; set != nil {
		if next, ok := set.Next(); ok {
			return fmt.Sprintf("by kid %s, which is next already; this one verifies for %s after it signs", say.Kid(next.Kid), grace)
		}
	}
	soon := "and begins to sign"
	if p.Propagation > 0 {
		soon = fmt.Sprintf("which begins to sign %s later", rotation.Duration(p.Propagation+p.Skew()))
	}
	return fmt.Sprintf("soon: the next `rotate run` publishes a new key, %s. The adopted key then verifies for %s more", soon, grace)
}

// AdoptedNotes is what is to be known of how a source was taken.
func AdoptedNotes(a *ops.Adopted) (all []string) {
	for _, n := range a.Taken.Notes {
		// That a text is for what the config makes anyway is no news.
		if n.Code != intake.GuessedText || a.Successor() != "" {
			all = append(all, say.Clean(n.String()))
		}
	}
	if v := a.Verdicts[0]; !a.Weak() {
		all = append(all, say.Judged(v)...)
	}
	return all
}

// AdoptedWarnings is what a person should do something about.
func AdoptedWarnings(a *ops.Adopted) (all []string) {
	if made := a.Successor(); made != "" {
		alg := a.Signs().Alg
		all = append(all, fmt.Sprintf("the adopted key is for %s, but the config makes %s keys: its successor will be one, so set algorithm: %s, or have applications verify both", alg, made, alg))
	}
	if a.Weak() {
		why := say.Judged(a.Verdicts[0])
		if len(why) == 0 {
			for _, n := range a.Taken.Short {
				why = append(why, n.String())
			}
		}
		for _, text := range why {
			all = append(all, "the adopted key is weak: "+text)
		}
	}
	for i, v := range a.Verdicts[1:] {
		if v.Verdict == judge.Guessable {
			all = append(all, fmt.Sprintf("key %d of the source, which only verifies, is weak: %s; whoever finds it can sign until it leaves, so leave it out if no token needs it", i+2, strings.Join(say.Judged(v), "; ")))
		}
	}
	if len(a.Taken.Keys) == 1 && a.Verify > 0 {
		all = append(all, "--until changes nothing: the source has no key that only verifies")
	} else if a.Verify > 0 && a.Verify < a.Key.Policy.Grace {
		all = append(all, fmt.Sprintf("--until is shorter than the grace, %s: tokens of the older keys are refused sooner", rotation.Duration(a.Key.Policy.Grace)))
	}
	for _, o := range a.Unread {
		all = append(all, fmt.Sprintf("whether another key pair has the same kid could not be found out: %s", say.Clean(o.Err.Error())))
	}
	all = append(all, exposed(a)...)
	for _, o := range a.Outputs {
		all = append(all, holding(o))
	}
	return all
}

// holding tells of an output that cannot hold the key, or that some do not read.
func holding(o ops.Hold) string {
	if o.Err == nil {
		var names []string
		for _, r := range o.Blind {
			names = append(names, r.Name)
		}
		return fmt.Sprintf("output %s: %s cannot read this key there; others can. Where that reads it, mount the key as a file", o.Output, strings.Join(names, ", "))
	}
	text := fmt.Sprintf("output %s cannot hold this key, and while it does not, no other key can sign: %v", o.Output, o.Err)
	if hint := o.Hint(); hint != "" {
		text += "; " + hint
	}
	return text
}
