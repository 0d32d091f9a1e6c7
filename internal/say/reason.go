package say

import (
	"cmp"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Words are what is said of a reason.
type Words struct {
	What string
	Hint string // what to do about it; "" if that goes without saying
}

// String puts the hint on a line of its own.
func (w Words) String() string {
	if w.Hint == "" {
		return w.What
	}
	return w.What + "\nhint: " + w.Hint
}

// A Subject is the key that a reason is about, as the config calls it and its places.
type Subject struct{ Key, Store, Secret string }

// Times is how a time is written.
type Times func(time.Time) string

// Plain writes times as programs read them: RFC 3339.
func Plain(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// From writes times with their distance from now.
func From(now time.Time) Times { return func(t time.Time) string { return When(now, t) } }

// A speaker words reasons about one key.
type speaker struct {
	Subject
	at Times
}

// Why says why a step is taken, or what a wait is for, in half a sentence.
func Why(r rotation.Reason, at Times) string {
	switch s := (speaker{at: at}); {
	case r.IsZero():
		return ""
	case r.Code == rotation.StaleRead:
		return s.stale(r)
	default:
		if text := s.step(r); text != "" {
			return text
		}
		if text := s.wait(r); text != "" {
			return text
		}
		return string(r.Code)
	}
}

// step words why one is taken.
func (s speaker) step(r rotation.Reason) string {
	switch r.Code {
	case rotation.NoKeyset:
		return "the store has no keyset of this name yet"
	case rotation.Compromised:
		return "reported as compromised"
	case rotation.SeenNext:
		return "next was read back everywhere"
	case rotation.SeenCurrent:
		return "current was read back everywhere; the grace of the keys before it begins"
	case rotation.SeenEnd:
		return "that nothing signs was read back everywhere"
	case rotation.GraceOver:
		return "its grace ended at " + s.at(r.At)
	case rotation.AskedFor:
		return "asked for by " + r.Whose
	case rotation.ScheduleDue:
		return "due at " + s.at(r.At)
	case rotation.WasCalled:
		return "the keyset still has the key's earlier name, " + r.Is
	case rotation.RequestNew:
		return "a rotation was asked for"
	case rotation.OutputNew:
		return "an output is new"
	case rotation.AdoptedKey:
		return "adopted: applications use this key already"
	case rotation.AcceptedOver:
		return fmt.Sprintf("generation %d was accepted over generation %d, which %s remembers", r.Have, r.Want, Witness(r))
	case rotation.Superseded:
		return superseded(r, s.at)
	case rotation.PausedBy:
		return "paused " + Pause(r.At, r.Whose, r.Cause, s.at)
	case rotation.ResumedBy:
		return "resumed by " + r.Whose
	case rotation.RemovedBy:
		return "nothing signs any more: removed by " + r.Whose
	case rotation.RestoredBy:
		return "the removal was taken back by " + r.Whose
	case rotation.RemovalOver:
		return "nothing verifies with it since " + s.at(r.At) + ": removed by " + r.Whose
	case rotation.FreshKey:
		return "the config wants a key after the one that was removed at " + s.at(r.At)
	case rotation.PlaceCleaned:
		return r.Output + " was cleaned"
	}
	return ""
}

// wait words what one is for: what happens at its end, where it has one.
func (s speaker) wait(r rotation.Reason) string {
	switch r.Code {
	case rotation.OwnMarkThen:
		return "this process makes its own mark"
	case rotation.RemovedThen:
		return "kid " + r.Kid + " is removed"
	case rotation.PublishedThen:
		return "the next key is published"
	case rotation.PauseEnds:
		return "the pause ends"
	case rotation.EndsThen:
		return "the key is erased everywhere"
	case rotation.KeyRemoved:
		return "it was " + removedAt(r, s.at)
	case rotation.SignsThen:
		return "kid " + r.Kid + " begins to sign"
	case rotation.NothingDue:
		return "nothing is due"
	case rotation.InTheWay:
		return "something is in the way, as the alarm tells"
	case rotation.WritersBusy:
		return "other writers were busy; going on"
	case rotation.HeadMoved:
		return "another writer has moved on"
	case rotation.AcceptedNow:
		return "accepted"
	case rotation.AdoptedNow:
		return "adopted"
	}
	return ""
}

// Pause says until when a pause is, who set it, and why.
func Pause(until time.Time, by, reason string, at Times) string {
	return fmt.Sprintf("until %s, set by %s: %s", at(until), cmp.Or(Clean(by), "someone"), Clean(reason))
}

// Waiting says what a wait is for and how far away that is.
func Waiting(now time.Time, step rotation.Step) string {
	text := Why(step.Why, From(now))
	if !step.At.IsZero() {
		text += " " + Distance(now, step.At)
	}
	return text
}

// Witness names who remembers something.
func Witness(r rotation.Reason) string {
	switch r.Whose {
	case rotation.TheStore:
		return "the store's own record"
	case rotation.ThisProcess:
		return "what this process saw earlier"
	case rotation.AnOutput:
		return "output " + r.Output
	}
	return r.Whose
}

func (s speaker) stale(r rotation.Reason) string {
	return fmt.Sprintf("the store shows less than %s remembers, as it may for a while: whether a key was lost or restored cannot be told yet", Witness(r))
}

// Step says why a step is taken, what it waits for, or why the key halted.
func Step(step rotation.Step, about Subject) string {
	if step.Do == rotation.Halt {
		return Halt(step.Why, about).String()
	}
	return Why(step.Why, Plain)
}
