package status

import (
	"slices"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Change is what became of a key from one document to a later one.
type Change struct {
	Kid     string        `json:"kid"`
	From    keyset.Status `json:"from,omitempty"`    // "" where it did not exist
	To      keyset.Status `json:"to,omitempty"`      // "" where it is gone
	Revoked bool          `json:"revoked,omitempty"` // it is gone because it was compromised, or may be
}

// Changes are those between two documents of one lineage: the keys of the later one
// in its order, then those that it has no more. Without an earlier one every key is
// new.
func Changes(was, is *keyset.Set) (all []Change) {
	before := map[string]keyset.Status{}
	var order []string
	if was != nil {
		for _, k := range was.Keys {
			before[k.Kid] = k.Status
			order = append(order, k.Kid)
		}
	}
	for _, k := range is.Keys {
		if before[k.Kid] != k.Status {
			all = append(all, Change{Kid: k.Kid, From: before[k.Kid], To: k.Status})
		}
		delete(before, k.Kid)
	}
	for _, kid := range order {
		if status, gone := before[kid]; gone {
			all = append(all, Change{Kid: kid, From: status, Revoked: slices.Contains(is.Revoked, kid)})
		}
	}
	return all
}
