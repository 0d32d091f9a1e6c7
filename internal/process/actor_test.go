package process

import (
	"strings"
	"testing"
)

func TestActor(t *testing.T) {
	for _, c := range []struct{ user, host, want string }{
		{"root", "vm", "root@vm pid 7"},
		{"DOMAIN\\jo e", "höst", "DOMAIN\\jo-e@h-st pid 7"},
		{strings.Repeat("u", 99), strings.Repeat("h", 99), strings.Repeat("u", 24) + "@" + strings.Repeat("h", 33) + " pid 7"},
	} {
		if got := actorOf(c.user, c.host, 7); got != c.want || len(got) > maxActor {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
