package strictyaml

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/rotation"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90d": 90 * Day, "1d12h": 36 * time.Hour, "2w": 14 * Day, "1w1d1h1m1s": 8*Day + time.Hour + time.Minute + time.Second,
		"48h": 48 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "0d": 0, "1.5h": 90 * time.Minute, "500ms": time.Second / 2, "3660d": MaxDuration,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", " ", "d", "0", "1", "90", "-1d", "1d-1h", "+1h", "1d+1h", "-5m", "1.5d", "1h1d", "1d1w", "1y", "1mo", "90 d", "90d ", "1d 12h",
		"3661d", "107000d", "10000w10000d2540400h", "9999999d", "99999999999999999999h", "87841h", "1e3h", "٣d", "1D", "forever",
	} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q was read as %v", s, got)
		}
	}
}

// What rotate prints can be written into the config: exactly where it is
// printed exactly, else to the printed precision.
func TestDurationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(MaxDuration-Day)).Draw(t, "d"))
		printed := rotation.Duration(d).String()
		again, err := ParseDuration(printed)
		if err != nil {
			t.Fatalf("%v prints as %s: %v", d, printed, err)
		}
		if rotation.Duration(again).String() != printed {
			t.Fatalf("%s comes back as %s", printed, rotation.Duration(again))
		}
		if off := (d - again).Abs(); off >= time.Hour {
			t.Fatalf("%v came back as %v", d, again)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"90d", "1d12h", "2w", "-1h", "1w1d1h", "999999w999999d", "1.5h", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if d < 0 || d > MaxDuration {
			t.Fatalf("%q is %v", s, d)
		}
		if _, err := ParseDuration(rotation.Duration(d).String()); err != nil {
			t.Fatalf("%q prints as %s: %v", s, rotation.Duration(d), err)
		}
	})
}
