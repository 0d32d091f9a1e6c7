package rotation

import (
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Life is the dates of one key, in the order in which they come. A zero time never comes, cannot be told yet, or is
// not on record any more.
type Life struct {
	Kid       string    // made up if Future, and "" until such a key signs
	Published time.Time // readers learn it: next. A very first key signs at once
	Signs     time.Time // current
	Replaced  time.Time // another key signs: previous. Earlier where a key between the two was revoked
	Removed   time.Time // with its grace and what clocks may differ by behind it
	Revoked   bool      // removed as compromised, without a grace
	Future    bool      // of a Forecast: no such key exists yet
}

// Lives is the dates of every key that a keyset knows of, the oldest first: the removed ones, of which only the end is
// on record, the live ones, and those that the steps of a Forecast will make. Set may be nil.
func (o Outlook) Lives(forecast []Step) []Life {
	var lives []Life
	if o.Set != nil {
		for _, g := range slices.Backward(o.Set.Gone) {
			lives = append(lives, Life{Kid: g.Kid, Removed: g.At, Revoked: slices.Contains(o.Set.Revoked, g.Kid)})
		}
		lives = append(lives, o.living()...)
	}
	for _, step := range forecast {
		lives = lived(lives, step)
	}
	return lives
}

// living is the lives of the live keys, the oldest first.
func (o Outlook) living() (lives []Life) {
	keys := slices.Clone(o.Set.Keys)
	if _, ok := o.Set.Next(); ok {
		keys[0], keys[1] = keys[1], keys[0] // a set has current before next
	}
	slices.Reverse(keys)
	for i, k := range keys {
		l := Life{Kid: k.Kid, Published: k.Issued, Signs: k.NotBefore, Removed: o.Removed(k)}
		switch {
		case k.Status == keyset.Previous && i+1 < len(keys):
			l.Replaced = keys[i+1].NotBefore
		case k.Status == keyset.Previous && o.Set.Removing != nil:
			l.Replaced, l.Removed = o.Set.Removing.At, o.Ends()
		}
		lives = append(lives, l)
	}
	return lives
}

// lived is lives after one more step of a forecast.
func lived(lives []Life, step Step) []Life {
	switch step.Do {
	case Create:
		return append(lives, Life{Published: step.At, Signs: step.At, Future: true})
	case Publish:
		return append(lives, Life{Published: step.At, Future: true})
	case Promote:
		next := len(lives) - 1
		lives[next].Kid, lives[next].Signs = step.Kid, step.At
		lives[next-1].Replaced = step.At
	case Bury:
		for i := range lives {
			if lives[i].Removed.IsZero() || lives[i].Removed.After(step.At) {
				lives[i].Removed = step.At
			}
		}
	case Retire:
		for i, l := range lives {
			// A forecast tells the kid of no key that it creates.
			if l.Kid == step.Kid || l.Kid == "" && l.Removed.IsZero() {
				lives[i].Removed = step.At
				break
			}
		}
	}
	return lives
}
