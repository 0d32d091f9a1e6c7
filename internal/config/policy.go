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
	timed := r.schedule(k, s)
	r.checkGrace(k, s, at)
	if s.Sync.Value < time.Second && !s.Sync.Bad {
		r.Fail(r.blame(at, s.Sync.At), "1h is usual; the daemon wakes for what is due in any case", "sync is less than a second")
	}
	if !timed || s.Grace.Bad || s.Propagation.Bad {
		return
	}
	when := r.blame(at, s.Schedule.At, s.Every.At, s.Grace.At, s.Propagation.At)
	warning, err := k.Policy.CheckSchedule(reference)
	if err != nil {
		r.Fail(when, "", "%v", err)
		return
	}
	if warning != "" {
		r.Warn(when, warning)
	}
	r.spread(k, s)
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
			if !r.Harmless(s.Schedule.Value) { // the parsers quote what they do not know
				err, hint = errSchedule, cronHint
			}
			r.Fail(s.Schedule.At, hint, "%v", err)
			return false
		}
		if s.twice() {
			return false
		}
		every, periodic := schedule.(rotation.Every)
		if !periodic {
			k.Policy.Schedule, k.Schedule = schedule, s.Schedule.Value
			return true
		}
		k.Every = time.Duration(every)
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
	} else if err := bounds.Check(k.Policy.Grace); err != nil {
		r.Fail(r.blame(at, s.Grace.At, s.GraceBounds.At), "", "%v", err)
	}
	if s.Propagation.Bad || s.TokenTTL.Bad {
		return
	}
	// Without tokens, too, a key has to verify until all have heard of the next.
	if err := k.Policy.CheckToken(); err != nil {
		r.Fail(r.blame(at, s.TokenTTL.At, s.Grace.At, s.Propagation.At), "raise grace, or lower token_ttl or propagation", "%v", err)
		return
	}
	if !s.TokenTTL.At.Known() && s.Algorithm.Value != keyset.Opaque {
		r.config.Notes = append(r.config.Notes, fmt.Sprintf(
			"%s: with grace %s and propagation %s its tokens may live up to %s, or they outlive their key; token_ttl has this checked",
			k.Name, rotation.Duration(k.Policy.Grace), rotation.Duration(k.Policy.Propagation), rotation.Duration(k.Policy.LongestToken())))
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
		if _, err := latest.CheckSchedule(reference); err != nil {
			r.Fail(s.Jitter.At, "", "with a jitter of up to %s, a rotation can reach into the next one", rotation.Duration(window))
		}
	}
	k.Policy.Jitter = share(window, r.config.Environment, k.Name)
}
