package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation"
)

const windowHint = `days, times and a zone, in quotes: "Mon-Thu 09:00-16:00 Europe/Berlin"; days and zone may be left out: every day, UTC`

// leastWindow is the shortest window: a daemon tries again what failed within 10 minutes, and has to meet it.
const leastWindow = time.Hour

var (
	dayNames  = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	timesRule = lazy.Regexp(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$`)
)

// parseWindow reads what stands after window: DAYS FROM-TO ZONE. No error quotes it.
func parseWindow(text string) (w rotation.Window, err error) {
	fields := strings.Fields(text)
	i := slices.IndexFunc(fields, timesRule().MatchString)
	if i < 0 || i > 1 || len(fields) > i+2 {
		return w, errors.New("is not a window")
	}
	w.Days, w.Zone = [7]bool{true, true, true, true, true, true, true}, time.UTC
	if i == 1 {
		if w.Days, err = parseDays(fields[0]); err != nil {
			return w, err
		}
	}
	m := timesRule().FindStringSubmatch(fields[i])
	w.From, w.To = timeOfDay(m[1], m[2]), timeOfDay(m[3], m[4])
	if len(fields) == i+2 {
		name := fields[i+1]
		if w.Zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return w, errors.New("ends in what is not a time zone; they are named as in Europe/Berlin")
		}
	}
	open := w.To - w.From
	if open <= 0 { // it ends on the next day
		open += 24 * time.Hour
	}
	switch {
	case w.To > 24*time.Hour:
		return w, errors.New("ends after 24:00")
	case w.To == w.From:
		return w, errors.New("is never open: it begins and ends at one time; 00:00-24:00 is a whole day")
	case open < leastWindow:
		return w, fmt.Errorf("is open for %s; at least %s are needed, so that a call that failed can be tried again", rotation.Duration(open), rotation.Duration(leastWindow))
	}
	return w, nil
}

// parseDays reads Mon, Mon-Thu, or several of these with commas.
func parseDays(text string) (days [7]bool, err error) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
		if from < 0 || to < 0 {
			return days, errors.New("begins with what are not days: Mon, Tue, Wed, Thu, Fri, Sat, Sun; Mon-Thu; Mon,Fri")
		}
		for d := from; ; d = (d + 1) % len(dayNames) {
			days[d] = true
			if d == to {
				break
			}
		}
	}
	return days, nil
}

func timeOfDay(hours, minutes string) time.Duration {
	d, _ := time.ParseDuration(hours + "h" + minutes + "m") // the pattern has let only digits through
	return d
}

// window sets when k may begin to sign; false if that cannot be told.
func (r *resolver) window(k *Key, s *shared) bool {
	if s.Window.Bad {
		return false
	}
	if !s.Window.At.Known() {
		return true
	}
	w, err := parseWindow(s.Window.Value)
	if err != nil {
		r.Fail(s.Window.At, windowHint, "%v", err)
		return false
	}
	k.Policy.Window, k.Window = w, strings.Join(strings.Fields(s.Window.Value), " ")
	return true
}

// checkWindow holds the firings against the window, once the key's share of the jitter is known.
func (r *resolver) checkWindow(k *Key, s *shared) {
	fit := k.Policy.CheckWindow(reference)
	switch at := r.blame(s.Window.At, s.Window.At, s.Schedule.At); {
	case fit.Outside == 0:
	case fit.Inside == 0:
		r.Fail(at, "set schedule to a time within the window, or widen the window",
			"none of the %d times of the schedule in five years, each with this key's jitter of %s, lies within the window: each rotation would wait for the next opening", fit.Outside, rotation.Duration(k.Policy.Jitter))
	default:
		r.config.Notes = append(r.config.Notes, fmt.Sprintf("%s: %d of the %d times of its schedule in five years lie outside the window, and wait for the next opening", k.Name, fit.Outside, fit.Inside+fit.Outside))
	}
}
