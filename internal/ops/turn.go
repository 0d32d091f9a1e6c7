package ops

import (
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Turn is what became of a wish to rotate.
type Turn string

// The turns. Where another process did what was wished for, this one changed nothing.
const (
	Created         Turn = "created"
	CreatedByOther  Turn = "created_by_another"
	Rotated         Turn = "rotated"
	RotatedByOther  Turn = "rotated_by_another"
	UnderWay        Turn = "under_way"
	UnderWayByOther Turn = "under_way_by_another"
	Served          Turn = "served"  // a request of this name came before
	NoRoom          Turn = "no_room" // on record, but too many keys are live
	DryRun          Turn = "dry_run"
)

// Turn tells what became of the wish. The request on record decides whose rotation
// it is: exactly one asker is named there, whoever made the other writes.
func (w *Wish) Turn() Turn {
	if w.Dry {
		return DryRun // there may be no keyset yet
	}
	r, recorded := w.Recorded()
	mine := recorded && r.By == w.Ask.By
	switch turned := w.Last.Set.Signing().Kid != w.Ask.Away; {
	case w.Took(rotation.Create):
		return Created
	case recorded && r.From != w.Ask.Away:
		return Served
	case w.Ask.Away == keyset.FromNothing:
		return CreatedByOther
	case turned && (mine || !recorded && w.Took(rotation.Promote)):
		return Rotated
	case turned:
		return RotatedByOther
	case w.Outlook().Full():
		return NoRoom
	case recorded && !mine:
		return UnderWayByOther
	}
	return UnderWay
}
