package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// reference is when a schedule is tried out from. It is fixed, so that a
// config which is valid today is valid tomorrow; a leap year, so that
// 29 February is among the first firings.
var reference = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// policy fills k's Policy and holds it against the rules of rotation.
func (r *resolver) policy(k *Key, s *shared, at strictyaml.Place) {
	k.Policy = rotation.Policy{
		Grace: s.Grace.Value, Propagation: s.Propagation.Value, TokenTTL: s.TokenTTL.Value,
	}
	open, timed := r.window(k, s), r.schedule(k, s)
	r.checkGrace(k, s, at)
	if s.Sync.Value < time.Second && !s.Sync.Bad {
		r.Fail(r.blame(at, s.Sync.At), "1h is usual; the daemon wakes for what is due in any case", "sync is less than a second")
	}
	if !timed || !open || s.Grace.Bad || s.Propagation.Bad {
		return
	}
	if k.Policy.Schedule == (rotation.Manual{}) {
		r.config.Notes = append(r.config.Notes, k.Name+": it is rotated only when somebody asks: rotate now "+k.Name)
		return
	}
	when := r.blame(at, s.Schedule.At, s.Every.At, s.Window.At, s.Grace.At, s.Propagation.At)
	rhythm := k.Policy.CheckSchedule(reference)
	if !rhythm.Fits() {
		r.Fail(when, "", "%s", tooClose(k.Policy, rhythm))
		return
	}
	if rhythm.Longest > rotation.PeriodAdvice {
		r.Warn(when, fmt.Sprintf("up to %s pass between two rotations; 90 to 180 days are advised", rotation.Duration(rhythm.Longest)))
	}
	r.spread(k, s)
	r.checkWindow(k, s)
}

// tooClose says what is wrong with the firings of a schedule.
func tooClose(p rotation.Policy, r rotation.Rhythm) string {
	if r.Never {
		return "the schedule never fires"
	}
	if r.Gap <= 0 {
		return fmt.Sprintf("the schedule fires at %s, waits for the window, and fires again before that opens: rotate less often, or widen the window", r.Close.Format(time.RFC3339))
	}
	return fmt.Sprintf("the schedule fires at %s and again %s later, but a rotation takes propagation %s + grace %s + 2·skew %s = %s: rotate less often, or lower grace or propagation",
		r.Close.Format(time.RFC3339), rotation.Duration(r.Gap), rotation.Duration(p.Propagation), rotation.Duration(p.Grace), rotation.Duration(p.Skew()), rotation.Duration(p.MinPeriod()))
}

// schedule sets when k is due; false if that cannot be told.
func (r *resolver) schedule(k *Key, s *shared) bool {
	k.Every = s.Every.Value
	if s.Every.At.Known() && !s.Every.Bad && s.twice() && k.Every < time.Second {
		r.Fail(s.Every.At, "90d is usual", "rotates more than once a second")
	}
	if s.Schedule.Bad {
		return false
	}
	if s.Schedule.At.Known() {
		schedule, err := parseSchedule(s.Schedule.Value)
		if err != nil {
			hint := ""
			if errors.Is(err, errSchedule) {
				hint = cronHint
			}
			r.Fail(s.Schedule.At, hint, "%v", err)
			return false
		}
		if s.twice() {
			return false
		}
		switch schedule := schedule.(type) {
		case rotation.Manual:
			k.Policy.Schedule = schedule
			return true
		case rotation.Every:
			k.Every = time.Duration(schedule)
		default:
			k.Policy.Schedule, k.Schedule = schedule, s.Schedule.Value
			return true
		}
	} else if s.Every.Bad {
		return false
	} else if !s.Every.At.Known() {
		k.Every = defaultEvery
	}
	k.Policy.Schedule = rotation.Every(k.Every)
	if k.Every < time.Second {
		r.Fail(r.blame(s.Schedule.At, s.Every.At), "90d is usual", "rotates more than once a second")
		return false
	}
	return true
}

// checkGrace holds the grace against its bounds and the life of tokens.
func (r *resolver) checkGrace(k *Key, s *shared, at strictyaml.Place) {
	if s.Grace.Bad {
		return
	}
	bounds := rotation.DefaultGraceBounds
	b := s.GraceBounds.Value
	if b.Min.At.Known() {
		bounds.Min = b.Min.Value
	}
	if b.Max.At.Known() {
		bounds.Max = b.Max.Value
	}
	if s.GraceBounds.Bad || b.Min.Bad || b.Max.Bad {
		// reported
	} else if bounds.Min > bounds.Max {
		r.Fail(r.blame(at, s.GraceBounds.At), "", "min %s is more than max %s", rotation.Duration(bounds.Min), rotation.Duration(bounds.Max))
	} else if !bounds.Hold(k.Policy.Grace) {
		r.Fail(r.blame(at, s.Grace.At, s.GraceBounds.At), "",
			"grace %s is outside %s to %s; the bounds keep a slip of the pen from logging everyone out, or from keeping a stolen key alive. If it is meant, set grace_bounds: {min: …, max: …}",
			rotation.Duration(k.Policy.Grace), rotation.Duration(bounds.Min), rotation.Duration(bounds.Max))
	}
	if s.Propagation.Bad || s.TokenTTL.Bad {
		return
	}
	// Without tokens, too, a key has to verify until all have heard of the next.
	if least, ok := k.Policy.FitsToken(); !ok {
		p := k.Policy
		r.Fail(r.blame(at, s.TokenTTL.At, s.Grace.At, s.Propagation.At), "raise grace, or lower token_ttl or propagation",
			"grace %s is shorter than propagation %s + token_ttl %s + skew %s = %s: tokens signed just before a rotation would outlive their key",
			rotation.Duration(p.Grace), rotation.Duration(p.Propagation), rotation.Duration(p.TokenTTL), rotation.Duration(p.Skew()), rotation.Duration(least))
		return
	}
	if !s.TokenTTL.At.Known() && s.Algorithm.Value != keyset.Opaque {
		r.config.Notes = append(r.config.Notes, fmt.Sprintf(
			"%s: tokens must not live longer than %s, or they outlive their key (grace %s, propagation %s); set token_ttl to have this checked",
			k.Name, rotation.Duration(k.Policy.LongestToken()), rotation.Duration(k.Policy.Grace), rotation.Duration(k.Policy.Propagation)))
	}
}

// spread gives k its share of the jitter window. The window has to leave each
// rotation time to end before the next one.
func (r *resolver) spread(k *Key, s *shared) {
	window := min(defaultJitter, k.Policy.Propagation)
	if s.Jitter.Bad {
		return
	}
	if s.Jitter.At.Known() {
		window = s.Jitter.Value
		latest := k.Policy
		latest.Grace += max(0, window-2*latest.Skew())
		if !latest.CheckSchedule(reference).Fits() {
			r.Fail(s.Jitter.At, "", "with a jitter of up to %s, a rotation can reach into the next one", rotation.Duration(window))
		}
	}
	k.Policy.Jitter = share(window, r.config.Environment, k.Name)
}
