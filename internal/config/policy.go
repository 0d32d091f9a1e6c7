package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// reference is when a schedule is tried out from. It is fixed, so that a
// config which is valid today is valid tomorrow; a leap year, so that
// 29 February is among the first firings.
var reference = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// policy fills k's Policy and holds it against the rules of rotation.
func (r *resolver) policy(k *Key, s *shared, at place) {
	k.Policy = rotation.Policy{
		Grace: s.Grace.value, Propagation: s.Propagation.value, TokenTTL: s.TokenTTL.value,
	}
	timed := r.schedule(k, s)
	r.checkGrace(k, s, at)
	if s.Sync.value < time.Second && !s.Sync.bad {
		r.fail(r.blame(at, s.Sync.at), "1h is usual; the daemon wakes for what is due in any case", "sync is less than a second")
	}
	if !timed || s.Grace.bad || s.Propagation.bad {
		return
	}
	when := r.blame(at, s.Schedule.at, s.Every.at, s.Grace.at, s.Propagation.at)
	warning, err := k.Policy.CheckSchedule(reference)
	if err != nil {
		r.fail(when, "", "%v", err)
		return
	}
	if warning != "" {
		r.warnings = append(r.warnings, mistake{when, warning, ""})
	}
	r.spread(k, s)
}

// schedule sets when k is due; false if that cannot be told.
func (r *resolver) schedule(k *Key, s *shared) bool {
	k.Every = s.Every.value
	if s.Every.at.known() && !s.Every.bad && s.twice() && k.Every < time.Second {
		r.fail(s.Every.at, "90d is usual", "rotates more than once a second")
	}
	if s.Schedule.bad {
		return false
	}
	if s.Schedule.at.known() {
		schedule, err := parseSchedule(s.Schedule.value)
		if err != nil {
			hint := ""
			if errors.Is(err, errSchedule) {
				hint = cronHint
			}
			if !r.harmless(s.Schedule.value) { // the parsers quote what they do not know
				err, hint = errSchedule, cronHint
			}
			r.fail(s.Schedule.at, hint, "%v", err)
			return false
		}
		if s.twice() {
			return false
		}
		every, periodic := schedule.(rotation.Every)
		if !periodic {
			k.Policy.Schedule, k.Schedule = schedule, s.Schedule.value
			return true
		}
		k.Every = time.Duration(every)
	} else if s.Every.bad {
		return false
	} else if !s.Every.at.known() {
		k.Every = defaultEvery
	}
	k.Policy.Schedule = rotation.Every(k.Every)
	if k.Every < time.Second {
		r.fail(r.blame(s.Schedule.at, s.Every.at), "90d is usual", "rotates more than once a second")
		return false
	}
	return true
}

// checkGrace holds the grace against its bounds and the life of tokens.
func (r *resolver) checkGrace(k *Key, s *shared, at place) {
	if s.Grace.bad {
		return
	}
	bounds := rotation.DefaultGraceBounds
	b := s.GraceBounds.value
	if b.Min.at.known() {
		bounds.Min = b.Min.value
	}
	if b.Max.at.known() {
		bounds.Max = b.Max.value
	}
	if s.GraceBounds.bad || b.Min.bad || b.Max.bad {
		// reported
	} else if bounds.Min > bounds.Max {
		r.fail(r.blame(at, s.GraceBounds.at), "", "min %s is more than max %s", rotation.Duration(bounds.Min), rotation.Duration(bounds.Max))
	} else if err := bounds.Check(k.Policy.Grace); err != nil {
		r.fail(r.blame(at, s.Grace.at, s.GraceBounds.at), "", "%v", err)
	}
	if s.Propagation.bad || s.TokenTTL.bad {
		return
	}
	// Without tokens, too, a key has to verify until all have heard of the next.
	if err := k.Policy.CheckToken(); err != nil {
		r.fail(r.blame(at, s.TokenTTL.at, s.Grace.at, s.Propagation.at), "raise grace, or lower token_ttl or propagation", "%v", err)
		return
	}
	if !s.TokenTTL.at.known() && s.Algorithm.value != keyset.Opaque {
		r.config.Notes = append(r.config.Notes, fmt.Sprintf(
			"%s: with grace %s and propagation %s its tokens may live up to %s, or they outlive their key; token_ttl has this checked",
			k.Name, rotation.Duration(k.Policy.Grace), rotation.Duration(k.Policy.Propagation), rotation.Duration(k.Policy.LongestToken())))
	}
}

// spread gives k its share of the jitter window. The window has to leave each
// rotation time to end before the next one.
func (r *resolver) spread(k *Key, s *shared) {
	window := min(defaultJitter, k.Policy.Propagation)
	if s.Jitter.bad {
		return
	}
	if s.Jitter.at.known() {
		window = s.Jitter.value
		latest := k.Policy
		latest.Grace += max(0, window-2*latest.Skew())
		if _, err := latest.CheckSchedule(reference); err != nil {
			r.fail(s.Jitter.at, "", "with a jitter of up to %s, a rotation can reach into the next one", rotation.Duration(window))
		}
	}
	k.Policy.Jitter = share(window, r.config.Environment, k.Name)
}
