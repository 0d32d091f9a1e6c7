package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Failure 28: the keys of a config spread over the whole window, each always at
// the same place of it.
func TestIncident28KeysOfAConfigSpread(t *testing.T) {
	const n = 40
	var keys strings.Builder
	for i := range n {
		fmt.Fprintf(&keys, "  k%03d: {schedule: \"0 3 1 * *\"}\n", i)
	}
	text := "environment: test\nstores: {disk: {type: fake, dir: ./keys}}\ndefaults: {store: disk%s}\nkeys:\n" + keys.String()
	for option, window := range map[string]time.Duration{
		"":                   10 * time.Minute, // of the default propagation, 2h
		", propagation: 4m":  4 * time.Minute,
		", propagation: 0s":  0,
		", jitter: 1h":       time.Hour,
		", jitter: 0s":       0,
		", jitter: 1s":       time.Second,
		", propagation: 30s": 30 * time.Second,
	} {
		spread, again := load(t, fmt.Sprintf(text, option)), load(t, fmt.Sprintf(text, option))
		var first, last time.Duration
		seen := map[time.Duration]bool{}
		for i, k := range spread.Keys {
			jitter := k.Policy.Jitter
			if i == 0 {
				first = jitter
			}
			first, last, seen[jitter] = min(first, jitter), max(last, jitter), true
			if jitter != again.Keys[i].Policy.Jitter {
				t.Errorf("%q: %s is at %s, and then at %s", option, k.Name, jitter, again.Keys[i].Policy.Jitter)
			}
		}
		if first < 0 || last > window || first > window/5 || last < window-window/5 {
			t.Errorf("%q: the keys spread from %s to %s, the window is %s", option, first, last, window)
		}
		if want := min(n/2, int(window/time.Second)/2); len(seen) < want {
			t.Errorf("%q: %d keys have %d places", option, n, len(seen))
		}
	}
}
