package engine

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Only what was found in places is noted, and never that nothing is known.
func TestOnlyFindingsAreNoted(t *testing.T) {
	when := time.Unix(1_800_000_000, 0).UTC()
	set := &keyset.Set{Gone: []keyset.Gone{{Kid: "g", Generation: 2}}}
	for _, tt := range []struct {
		how    string
		places []string
		noted  bool
	}{
		{"destroyed", []string{""}, true},
		{"disabled", []string{"", "o"}, true},
		{"destroyed", nil, false},
		{rotation.NotYet, []string{""}, false},
		{rotation.CannotTell, []string{"o"}, false},
	} {
		m := memory{traced: when, traces: []rotation.Trace{{Kid: "g", Generation: 2, How: tt.how, Places: tt.places}}}
		if got := m.observed(set).Gone[0].How; (got == tt.how) != tt.noted || !tt.noted && got != "" {
			t.Errorf("%s in %q is noted as %q", tt.how, tt.places, got)
		}
	}
}
