package answer

import (
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
)

// Paused says until when a key is paused, what that holds and what it does not.
func Paused(now time.Time, d *ops.Held) Answer {
	p := d.Set.Paused
	t := held(now, d, "paused until "+say.When(now, p.Until))
	t.row("reason", p.Reason)
	if d.Was != nil {
		t.row("before", say.Pause(d.Was.Until, d.Was.By, d.Was.Reason, say.From(now)))
	}
	t.row("holds", "no key is published and none begins to sign, whoever asks")
	t.row("goes on", "outputs, the end of graces, erasure, and reports of a compromise")
	if due := d.Outlook().Due(); !due.IsZero() && due.Before(p.Until) {
		t.row("due", fmt.Sprintf("the next rotation, at %s: status tells from then on that it is overdue", say.When(now, due)))
	}
	t.row("ends", "by itself, or with: rotate resume "+d.Key.Name)
	return t.answer("").with(heldForm(now, d, "paused"))
}

// Resumed says that a key is not paused any more, and what comes next.
func Resumed(now time.Time, d *ops.Held) Answer {
	if d.Was == nil {
		return Line(d.Key.Name + ": it is not paused; nothing was changed").with(heldForm(now, d, "not_paused"))
	}
	t := held(now, d, "resumed")
	t.row("was", say.Pause(d.Was.Until, d.Was.By, d.Was.Reason, say.From(now)))
	if due := d.Outlook().Due(); !due.IsZero() {
		t.row("due", "the next rotation, at "+say.When(now, due))
	}
	t.row("who", doers)
	return t.answer("").with(heldForm(now, d, "resumed"))
}

// heldForm is a pause or its end for programs.
func heldForm(now time.Time, d *ops.Held, outcome string) *form.Held {
	if d.Dry && outcome != "not_paused" {
		outcome = "dry_run"
	}
	f := &form.Held{Key: keyForm(now, d.Key, d.Set), Outcome: outcome, Before: status.PauseOf(d.Was)}
	if !d.Set.Paused.Over(now) {
		f.Paused = status.PauseOf(d.Set.Paused)
	}
	return f
}

func held(now time.Time, d *ops.Held, headline string) *sheet {
	if d.Dry {
		headline = "dry run, nothing was changed; it would be " + headline
	}
	return &sheet{head: d.Key.Name + ": " + headline, now: now}
}
