package status

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// An Erasure is how strongly what is gone is gone.
type Erasure struct {
	How      string   `json:"how"`                // how strongly the store erases under this name: destroyed, unlinked, replaced, disabled or unlabelled; "" while it cannot be opened
	Remains  string   `json:"remains,omitempty"`  // what is left after that, for an auditor
	Readable *int     `json:"readable,omitempty"` // superseded revisions that can still be read; absent if not known
	Gone     []Gone   `json:"gone,omitempty"`     // the keys removed last, newest first
	Revoked  []string `json:"revoked,omitempty"`  // kids that are never accepted again
}

// A Gone is a key that was removed.
type Gone struct {
	Kid      string     `json:"kid"`              // the key's id
	At       time.Time  `json:"at"`               // when it was removed
	How      string     `json:"how,omitempty"`    // one of Erasure.How's words as the weakest place has it, "not yet" or "cannot tell"
	Observed bool       `json:"observed"`         // how was seen; if not, the first version of rotate noted what the kind of store does
	Until    *time.Time `json:"until,omitempty"`  // when the service destroys what is only disabled
	Places   []string   `json:"places,omitempty"` // STORE SECRET or the path of a file: where it is less than gone
}

func erasure(f Facts) Erasure {
	e := Erasure{How: string(f.Result.Erases), Remains: f.Target.Store.Traits().Remains}
	if e.How == "" {
		e.How = string(f.Target.Store.Traits().Erases)
	}
	switch {
	case f.Err != nil || f.HistoryErr != nil:
	case f.Readable != nil:
		e.Readable = f.Readable
	default:
		n := max(0, len(f.History)-1)
		e.Readable = &n
	}
	if set := f.set(); set != nil {
		for _, t := range f.traces(set) {
			g := Gone{Kid: t.Kid, At: t.Removed, How: t.How, Observed: t.Observed, Until: some(t.Until)}
			if t.Telling() {
				g.Places = f.places(t)
			}
			e.Gone = append(e.Gone, g)
		}
		e.Revoked = set.Revoked
	}
	return e
}

// Past adds what the places of the key showed of their past, its own first.
func (f *Facts) Past(pasts []engine.Past) {
	f.History, f.HistoryErr = pasts[0].Revisions, pasts[0].Err
	if set := f.set(); set != nil {
		f.Traces = rotation.Traces(f.Now, set, engine.Places(pasts))
	}
}

// traces is how gone each removed key is. Where the places were not looked at,
// that is what the document has a note of.
func (f Facts) traces(set *keyset.Set) []rotation.Trace {
	if f.Traces != nil {
		return f.Traces
	}
	return rotation.Traces(f.Now, set, nil)
}

// places names those of a trace as the report does.
func (f Facts) places(t rotation.Trace) (names []string) {
	for _, name := range t.Places {
		if name == "" {
			name = f.Target.StoreName + " " + f.Target.Secret
		}
		names = append(names, name)
	}
	return names
}

// NotGone is the removed keys that a person should look after. Where nothing was
// looked at, something else is told already.
func (f Facts) NotGone() (told []rotation.Reason) {
	for _, t := range f.Traces {
		if t.Alarming(f.Now, f.set(), f.Late+f.Target.Policy.Skew()) {
			told = append(told, t.Reason(f.places(t)))
		}
	}
	return told
}
