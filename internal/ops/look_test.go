package ops

import (
	"testing"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A kid is meant by its beginning, of four characters or more, if that fits only one.
func TestFindKid(t *testing.T) {
	set := &keyset.Set{Name: "k", Keys: []keyset.Key{{Kid: "abcdef-1"}, {Kid: "abcdef-2"}, {Kid: "2024"}, {Kid: "xyz"}}, Revoked: []string{"abcxyz", "2024-01"}}
	for _, c := range []struct{ given, want string }{
		{"abcdef-1", "abcdef-1"},
		{"abcx", "abcxyz"},
		{"abcx…", "abcxyz"}, // as rotate prints it
		{"2024", "2024"},    // the whole of one is never the beginning of another
		{"2024-", "2024-01"},
		{"xyz", "xyz"},
		{"abcd", ""}, {"abcdef-", ""}, {"abc", ""}, {"xy", ""}, {"", ""}, {"…", ""}, {"bcdef-1", ""}, {"ABCX", ""},
	} {
		if got, err := FindKid(set, c.given); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v, want %q", c.given, got, err, c.want)
		}
	}
}
