package status

import (
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// removing tells of a key that is being removed.
func (k *Key) removing(look rotation.Outlook) {
	r := look.Set.Removing
	if r == nil {
		return
	}
	k.Removal = &Removal{Since: some(r.At), Erased: whole(look.Ends()), By: r.By, Now: r.Now}
	k.warn(rotation.Reason{Code: rotation.Removing, At: look.Ends(), Whose: r.By})
}

// removed tells of a key that was. What its passes could not erase is an alarm.
func (k *Key) removed(f Facts, marker *keyset.Set) {
	why := rotation.WasRemoved(marker)
	k.State, k.Lineage, k.Generation = Removed, marker.Lineage, marker.Generation
	k.Removal = &Removal{Erased: whole(why.At), By: why.Whose}
	for _, o := range marker.Outputs {
		k.Removal.Places = append(k.Removal.Places, o.Name)
	}
	step := f.Result.Step
	k.Then = &Step{Do: string(step.Do), At: some(step.At), Code: step.Why.Code, Reason: step.Why}
	k.warn(why)
	k.attend(step.Alarms...)
	k.attend(f.NotGone()...)
}

// set is the document that the report goes by, be it what a key has left that was removed.
func (f Facts) set() *keyset.Set {
	if f.Result.Set == nil {
		return f.Result.Removed
	}
	return f.Result.Set
}
