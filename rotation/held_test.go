package rotation_test

import (
	"fmt"
	"testing"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Kids are named only for revisions of this keyset that tell what they hold.
func TestHeldByContent(t *testing.T) {
	set := rotated(t) // k0 is of generation 1, k1 of 2
	for _, tt := range []struct {
		content rotation.Content
		r       rotation.Revision
		want    string
	}{
		{rotation.Documents, rotation.Revision{Lineage: "l", Generation: 1}, "[k0]"},
		{rotation.Documents, rotation.Revision{Lineage: "l", Generation: 2}, "[k1 k0]"},
		{rotation.Documents, rotation.Revision{Generation: 1}, "[k0]"},
		{rotation.Documents, rotation.Revision{Lineage: "l"}, "[]"},
		{rotation.Renderings, rotation.Revision{Lineage: "l", Generation: 1}, "[k0]"},
		{rotation.Renderings, rotation.Revision{Lineage: "another", Generation: 1}, "[]"},
		{rotation.Renderings, rotation.Revision{Lineage: "l"}, "[]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Holds: rotation.KidNote("k1")}, "[k1]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Generation: 2, Holds: rotation.KidNote("k0")}, "[k0]"},
		{rotation.OneKey, rotation.Revision{Lineage: "another", Holds: rotation.KidNote("k0")}, "[]"},
		{rotation.OneKey, rotation.Revision{Lineage: "l", Generation: 2}, "[]"},
	} {
		if got := fmt.Sprint(rotation.Held(set, tt.content, tt.r)); got != tt.want {
			t.Errorf("%s of %+v: %s, want %s", tt.content, tt.r, got, tt.want)
		}
	}
	twice := *set // a kid that was removed, and is live again, is named once
	twice.Gone = []keyset.Gone{{Kid: "k0", At: t0, Made: 1, Generation: 9}}
	if got := fmt.Sprint(rotation.Held(&twice, rotation.Documents, rotation.Revision{Generation: 2})); got != "[k1 k0]" {
		t.Errorf("%s", got)
	}
}
