package answer

import (
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Remove says what a removal would do; dry tells that it is not done.
func Remove(now time.Time, d *ops.Removing, dry bool) Answer {
	if d.Marker != nil || d.Begun() {
		return Removed(now, d)
	}
	head := "rotate removes the key: nothing signs from now on, and everything is erased everywhere"
	if dry {
		head = "dry run, nothing was changed; rotate would remove the key"
	}
	t := removal(now, d, head)
	t.row("undo", "rotate remove "+d.Key.Name+" --undo, until the erasure begins")
	if d.Set.Removing.Now {
		t = &sheet{head: d.Key.Name + ": " + head, now: now}
		t.row("erased", "at once, in the store and in every output; nothing brings it back")
		t.row("loses", "whoever has a token of it is logged out")
	}
	return t.answer("").with(removedForm(now, d, "dry_run"))
}

// Removed says what came of a removal.
func Removed(now time.Time, d *ops.Removing) Answer {
	if d.Marker == nil {
		head, outcome := "being removed: nothing signs any more", "removing"
		if d.Begun() {
			head, outcome = "it is being removed already", "removing_before"
		}
		t := removal(now, d, head)
		t.row("who", doers)
		t.row("undo", "rotate remove "+d.Key.Name+" --undo, until the erasure begins")
		return t.answer("").with(removedForm(now, d, outcome))
	}
	why, outcome, head := rotation.WasRemoved(d.Marker), "removed", "removed"
	if d.Before == nil {
		outcome, head = "removed_before", "it was removed at "+say.When(now, why.At)
	}
	t := &sheet{head: d.Key.Name + ": " + head, now: now}
	alarm := ""
	if left := d.Left(); len(left) > 0 {
		alarm = "not erased yet: " + strings.Join(left, ", ") + ". The daemon, or `rotate run --once`, tries again, and status tells when nothing is left"
		t.row("left", alarm)
	} else {
		t.row("erased", "in the store and in every output")
	}
	t.row("marker", "lineage "+d.Marker.Lineage+": no daemon begins anew there")
	t.row("config", "take the key out, or say `fresh` for another key of the name")
	return t.answer(alarm).with(removedForm(now, d, outcome))
}

// Restored says that a removal was taken back, or that none was under way.
func Restored(now time.Time, d *ops.Removing) Answer {
	if d.Before == nil || d.Before.Removing == nil {
		return Line(d.Key.Name + ": it is not being removed; nothing was changed").with(removedForm(now, d, "nothing"))
	}
	head, outcome := "the removal is taken back", "restored"
	if d.Dry {
		head, outcome = "dry run, nothing was changed; the removal would be taken back", "dry_run"
	}
	t := &sheet{head: d.Key.Name + ": " + head, now: now}
	t.row("signs", "kid "+say.Kid(d.Before.Signing().Kid)+" again")
	t.row("who", doers)
	return t.answer("").with(removedForm(now, d, outcome))
}

// removal is the facts of one that is under way.
func removal(now time.Time, d *ops.Removing, head string) *sheet {
	t := &sheet{head: d.Key.Name + ": " + head, now: now}
	look := d.Key.Outlook(d.Set)
	t.row("verifies", "what was signed, until "+say.When(now, look.Ends())+"; longer while an output is behind")
	t.row("erased", "then, in the store and in every output; a marker stays, so that nobody begins anew")
	if len(d.Bare) > 0 {
		t.row("shows", "the key until then, as a reader of these knows no other: "+strings.Join(d.Bare, ", ")+"\nwhat they sign from now on is valid no longer than that")
	}
	return t
}

func removedForm(now time.Time, d *ops.Removing, outcome string) *form.Removed {
	f := &form.Removed{Key: keyForm(now, d.Key, d.Set), Outcome: outcome, Bare: d.Bare}
	switch {
	case d.Marker != nil:
		f.Generation = d.Marker.Generation
		f.Removal = &status.Removal{Erased: *some(d.Marker.Removed.At), By: d.Marker.Removed.By, Places: d.Left()}
	case d.Set != nil && d.Set.Removing != nil:
		f.Removal = removalOf(d.Key.Outlook(d.Set), d.Set.Removing)
	}
	return f
}

func removalOf(look rotation.Outlook, r *keyset.Removal) *status.Removal {
	return &status.Removal{Since: some(r.At), Erased: *some(look.Ends()), By: r.By, Now: r.Now}
}

// revokedInRemoval says what came of a report about a key that is being removed, or was by that.
func revokedInRemoval(now time.Time, r *ops.Revocation) Answer {
	set, head := r.Found.Set, say.Kids(r.Kids)+" revoked; the key is being removed, and no other takes its place"
	if set.Removed != nil {
		head = say.Kids(r.Kids) + " revoked; no key was left, so the removal has come to its end"
	}
	t := &sheet{head: r.Key.Name + ": " + head, now: now}
	if len(set.Keys) > 0 {
		t.row("stay", "the keys that verify until the end. Did they leak as well? Then: rotate revoke "+r.Key.Name+" "+kidList(set.Keys))
	}
	for _, how := range remains(now, r) {
		t.row("left", how)
	}
	t.row("lived in", places(r.Report))
	return t.answer(weak(now, r)).with(revokedForm(now, r))
}
