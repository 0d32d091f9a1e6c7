package ui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/ui"
)

func TestVoice(t *testing.T) {
	var b strings.Builder
	v := &ui.Voice{Err: &b, Terminal: true}
	v.Progress("waiting 2s")
	v.Progress("waiting 1s")
	v.Error(errors.New("key k: \x1b[31mred\nhint: look"))
	v.Warn("%d left", 1)
	v.Done()
	want := "waiting 2s\r          \rwaiting 1s\r          \r" +
		"rotate: key k: ?[31mred\nhint: look\nwarning: 1 left\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
	b.Reset()
	(&ui.Voice{Err: &b}).Progress("not on a terminal")
	if b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}

func TestDistance(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 5e8, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", 1500 * time.Millisecond / 2: "now", -time.Second: "now",
		2 * time.Second: "in 2s", -2 * time.Hour: "2h ago", 90 * 24 * time.Hour: "in 90d",
	} {
		if got := ui.Distance(now, now.Add(d)); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got, want := ui.When(now, now.Add(time.Hour)), "2026-11-23 13:00:00 UTC (in 1h)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ui.Kid("0123456789abcdef"); got != "0123456789ab…" {
		t.Error(got)
	}
}

// Times in reasons are shown as all others; what only looks like one is left.
func TestReason(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for why, want := range map[string]string{
		"nothing is due":              "nothing is due",
		"due at 2026-11-22T12:00:00Z": "due at 2026-11-22 12:00:00 UTC (24h ago)",
		"this host's clock says 2026-11-23T13:00:00+02:00, the store's 2026-11-23T12:00:00Z, 1h apart": "this host's clock says 2026-11-23 11:00:00 UTC (1h ago), the store's 2026-11-23 12:00:00 UTC (now), 1h apart",
		"kid 2026-11-22T12:00:00Z is removed then":                                                     "kid 2026-11-22T12:00:00Z is removed then",
		"it is at 2026-11-22T12:00:00Z.json":                                                           "it is at 2026-11-22T12:00:00Z.json",
		"due at 2026-13-22T12:00:00Z":                                                                  "due at 2026-13-22T12:00:00Z",
	} {
		if got := ui.Reason(now, why); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
