package strictyaml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/lazy"
)

const (
	Day  = 24 * time.Hour
	week = 7 * Day

	// maxDuration keeps every sum and product of durations far from overflow.
	MaxDuration = 3660 * Day
)

var errLong = errors.New("is more than ten years")

// calendar splits the weeks and days off, which Go's durations do not have.
var calendar = lazy.Regexp(`^(?:(\d+)w)?(?:(\d+)d)?(.*)$`)

// ParseDuration reads a Go duration with weeks and days before it: 90d, 1d12h,
// 2w, 1h30m. A day is 24 hours. Negative ones and those of more than ten years
// are refused. It reads whatever rotation.Duration prints.
func ParseDuration(s string) (time.Duration, error) {
	parts := calendar().FindStringSubmatch(s)
	if s == "" || parts == nil {
		return 0, fmt.Errorf("%s is not a duration", Quote(s))
	}
	d := count(parts[1])*week + count(parts[2])*Day
	if rest := parts[3]; rest != "" {
		clock, err := time.ParseDuration(rest)
		bare := strings.Trim(rest, "0123456789.") == "" // Go takes 0 without its unit
		if err != nil || bare || strings.ContainsAny(rest, "+-") {
			return 0, fmt.Errorf("%s is not a duration", Quote(s))
		}
		d += min(clock, MaxDuration+1) // the sum cannot overflow
	}
	if d > MaxDuration {
		return 0, fmt.Errorf("%s %w", Quote(s), errLong)
	}
	return d, nil
}

// count is the value of some digits; 0 for none. It stops at 10,000, which is
// too long in either unit, so that no product overflows.
func count(digits string) time.Duration {
	const most = 10_000
	if digits == "" {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return most
	}
	return time.Duration(min(n, most))
}

// durationHint says what to write instead of s.
func durationHint(s string) string {
	if _, err := strconv.ParseUint(s, 10, 32); err == nil {
		return fmt.Sprintf("a number needs its unit: %ss, %sm, %sh or %sd", s, s, s, s)
	}
	if strings.HasPrefix(s, "-") {
		return "durations are not negative"
	}
	return "write it like 30s, 15m, 48h, 90d or 1d12h; a month is not a fixed time, so use schedule for those"
}
