package config

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

var errSchedule = errors.New("is not a schedule")

const cronHint = `five fields, minute hour day month weekday, in quotes: "0 3 1 */3 *" is 03:00 UTC on the first day of each quarter; or @monthly, @every 30d; manual is only when somebody asks; another zone is CRON_TZ=Europe/Berlin before it`

// manual is the schedule of a key that is rotated only when somebody asks.
const manual = "manual"

// parseSchedule reads what stands after schedule: five cron fields or a
// descriptor, in UTC unless a time zone stands before it. "@every 30d" gives an
// Every, as the option of that name: cron counts it from the start of the
// program, and a restart would put rotations off. "manual" never comes.
func parseSchedule(text string) (rotation.Schedule, error) {
	if len(text) > 200 {
		return nil, errors.New("is too long")
	}
	if strings.TrimSpace(text) == manual {
		return rotation.Manual{}, nil
	}
	zone, rest, err := splitZone(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if period, ok := strings.CutPrefix(rest, "@every"); ok {
		every, err := strictyaml.ParseDuration(strings.TrimSpace(period))
		return rotation.Every(every), err
	}
	if _, err := strictyaml.ParseDuration(rest); err == nil {
		return nil, fmt.Errorf("is a duration and no schedule; write it as every: %s", rest)
	}
	// What the scheduler wakes by is what the policy must count by.
	schedule, err := scheduler.Parse("CRON_TZ=" + zone + " " + rest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSchedule, err)
	}
	return schedule, nil
}

// splitZone takes CRON_TZ= or TZ= off. robfig/cron's parser panics where
// nothing follows the zone.
func splitZone(text string) (zone, rest string, err error) {
	after, found := strings.CutPrefix(strings.TrimPrefix(text, "CRON_"), "TZ=")
	if !found {
		return "UTC", text, nil
	}
	end := strings.IndexAny(after, " \t")
	if end <= 0 {
		return "", "", errors.New("needs a zone and a schedule after it, as in: CRON_TZ=Europe/Berlin 0 3 * * 1")
	}
	zone, rest = after[:end], strings.TrimSpace(after[end:])
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return "", "", fmt.Errorf("%q is not a time zone; they are named as in Europe/Berlin", zone)
	}
	return zone, rest, nil
}

// share is a key's own part of the window, in whole seconds: the same at every
// start and on every replica.
func share(window time.Duration, environment, key string) time.Duration {
	sum := sha256.Sum256([]byte(environment + "\x00" + key))
	seconds := uint64(window/time.Second) + 1                                    // #nosec G115 -- durations of a config are not negative
	return time.Duration(binary.BigEndian.Uint64(sum[:8])%seconds) * time.Second // #nosec G115 -- less than seconds, which came from a duration
}
