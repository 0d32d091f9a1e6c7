// Package ical writes calendars that any client subscribes to: iCalendar (RFC 5545). It knows events with an alarm, and
// no more of it than rotate needs.
package ical

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A Calendar is a set of events.
type Calendar struct {
	Name    string
	Made    time.Time     // DTSTAMP: when this was written down
	Refresh time.Duration // how often a subscriber should look again (RFC 7986, 5.7)
	Events  []Event
}

// An Event is a moment, or a day. It blocks no time of whoever subscribes.
type Event struct {
	UID         string // the same for the same event in every calendar that is written (RFC 5545, 3.8.4.7)
	At          time.Time
	AllDay      bool
	Summary     string
	Description string
	Alarm       time.Duration // how long before it a reminder is shown; 0 for none
}

// Product says who made a calendar (PRODID).
const Product = "-//keyrotate//rotate//EN"

// Write writes a calendar. Its error is that of w.
func (c Calendar) Write(w io.Writer) error {
	var l lines
	l.add("BEGIN", "VCALENDAR")
	l.add("VERSION", "2.0")
	l.add("PRODID", Product)
	l.add("METHOD", "PUBLISH")
	l.add("NAME", text(c.Name))
	l.add("X-WR-CALNAME", text(c.Name)) // what clients read that do not know RFC 7986
	l.add("REFRESH-INTERVAL;VALUE=DURATION", duration(c.Refresh))
	l.add("X-PUBLISHED-TTL", duration(c.Refresh))
	for _, e := range c.Events {
		e.lines(&l, c.Made)
	}
	l.add("END", "VCALENDAR")
	_, err := io.WriteString(w, l.String())
	return err
}

func (e Event) lines(l *lines, made time.Time) {
	l.add("BEGIN", "VEVENT")
	l.add("UID", text(e.UID))
	l.add("DTSTAMP", moment(made))
	if e.AllDay {
		l.add("DTSTART;VALUE=DATE", e.At.UTC().Format("20060102"))
	} else {
		l.add("DTSTART", moment(e.At))
	}
	l.add("SUMMARY", text(e.Summary))
	l.add("DESCRIPTION", text(e.Description))
	l.add("TRANSP", "TRANSPARENT")
	if e.Alarm > 0 {
		l.add("BEGIN", "VALARM")
		l.add("ACTION", "DISPLAY")
		l.add("DESCRIPTION", text(e.Summary))
		l.add("TRIGGER", "-"+duration(e.Alarm))
		l.add("END", "VALARM")
	}
	l.add("END", "VEVENT")
}

func moment(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// duration is in whole seconds, or in days where there are only those (RFC 5545, 3.3.6).
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("P%dD", d/day)
	}
	return fmt.Sprintf("PT%dS", d/time.Second)
}

// text escapes a value of the type TEXT (RFC 5545, 3.3.11). Other control characters than line ends have no form there,
// and are left out.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return escapes.Replace(s)
}

var escapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)

// lines is content lines in the making.
type lines struct{ strings.Builder }

// most is how many bytes a line has at most, its end aside (RFC 5545, 3.1).
const most = 75

// add adds a content line, folded where it is too long, but never within a character.
func (l *lines) add(name, value string) {
	line := name + ":" + value
	for first := true; ; first = false {
		room := most
		if !first {
			l.WriteByte(' ')
			room--
		}
		if len(line) <= room {
			break
		}
		for !utf8.RuneStart(line[room]) {
			room--
		}
		l.WriteString(line[:room] + "\r\n")
		line = line[room:]
	}
	l.WriteString(line + "\r\n")
}
