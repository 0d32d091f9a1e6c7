package say_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
)

func TestVoice(t *testing.T) {
	var b strings.Builder
	v := &say.Voice{Err: &b, Terminal: true}
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
	(&say.Voice{Err: &b}).Progress("not on a terminal")
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
		if got := say.Distance(now, now.Add(d)); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got, want := say.When(now, now.Add(time.Hour)), "2026-11-23 13:00:00 UTC (in 1h)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := say.Kid("0123456789abcdef"); got != "0123456789ab…" {
		t.Error(got)
	}
}
