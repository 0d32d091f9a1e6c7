package say

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// A line above an ATTENTION does not say that all is well, and one is one.
func TestTextsThatMisled(t *testing.T) {
	woe := []rotation.Reason{{Code: rotation.OutputStranger, Output: "o"}}
	for want, keys := range map[string][]status.Key{
		"1 key: 1 needs attention, ":              {{Key: "a", State: status.Healthy, Alarms: woe}},
		"2 keys: 1 needs attention, 1 healthy, ":  {{Key: "a", State: status.Rotating, Alarms: woe}, {Key: "b", State: status.Healthy}},
		"2 keys: 2 need attention, ":              {{Key: "a", State: status.Healthy, Alarms: woe}, {Key: "b", State: status.Rotating, Alarms: woe}},
		"1 key: 1 halted, ":                       {{Key: "a", State: status.Halted, Alarms: woe}},
		"1 key: 1 rotating, 2026-01-01 00:00:00 ": {{Key: "a", State: status.Rotating}},
	} {
		var b strings.Builder
		if err := Status(&b, status.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), keys), View{}); err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("%v: %s\nwant %s", err, b.String(), want)
		}
	}
	if got := need("1 key more", 1, "attention") + ", " + need("2 keys", 2, "none"); got != "1 key more needs attention, 2 keys need none" {
		t.Error(got)
	}
}
