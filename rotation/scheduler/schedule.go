package scheduler

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/keyrotate/rotate/rotation"
)

// Parse reads a schedule as robfig/cron writes them: five fields, or a
// descriptor such as @monthly; CRON_TZ= in front names a zone, else it is UTC.
//
// A policy must use what Parse returns, not what robfig/cron does: in a zone
// with summer time each firing happens exactly once, see zoned. @every is
// refused, because robfig/cron counts it from the start of the process;
// rotation.Every counts from stored times.
func Parse(text string) (rotation.Schedule, error) {
	text = strings.Join(strings.Fields(text), " ") // robfig/cron takes no tab after a zone
	if strings.Contains(text, "TZ=") && !strings.Contains(text, " ") {
		return nil, errors.New("nothing follows the time zone") // robfig/cron would panic
	}
	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err
	}
	switch s := parsed.(type) {
	case cron.ConstantDelaySchedule:
		return nil, errors.New("@every is counted from stored times, not by cron: it is rotation.Every")
	case *cron.SpecSchedule:
		zone := s.Location
		s.Location = time.UTC
		if zone == time.Local || zone == time.UTC {
			return s, nil
		}
		// guard incident 18: a zone's firings are counted on a clock that no one changes
		return zoned{clock: s, zone: zone}, nil
	}
	return nil, fmt.Errorf("robfig/cron returned a %T", parsed)
}

// zoned fires at times of day in a zone. robfig/cron leaves out a firing in the hour that a zone skips in spring: a
// yearly schedule then waits another year. It repeats a firing in the hour that comes twice in autumn. zoned matches
// the fields on a clock that no one ever changes, and only then places the result in the zone. A firing in the skipped
// hour comes an hour later. A firing in the double hour comes once.
type zoned struct {
	clock *cron.SpecSchedule // in UTC, standing for the zone's wall clock
	zone  *time.Location
}

// Next implements rotation.Schedule and cron.Schedule.
func (z zoned) Next(t time.Time) time.Time {
	// A zone sets its clocks back by at most a day, so whatever comes after t
	// shows at most a day less than t does.
	face := onFace(t.In(z.zone), time.UTC).AddDate(0, 0, -1)
	for {
		face = z.clock.Next(face)
		if face.IsZero() {
			return face
		}
		if at := onFace(face, z.zone); at.After(t) {
			return at.In(t.Location())
		}
	}
}

// onFace is the time at which a clock in zone shows what t shows. If there are two such times, it always takes the
// same one. If there is none, it is later by as much as the clock was set forward.
func onFace(t time.Time, zone *time.Location) time.Time {
	at := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
	shown := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, t.Location())
	if missing := t.Truncate(time.Second).Sub(shown); missing > 0 {
		return at.Add(missing) // time.Date may also go back by as much
	}
	return at
}
