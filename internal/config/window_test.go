package config

import (
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

func TestWindow(t *testing.T) {
	for text, opens := range map[string]string{
		"Mon-Thu 09:00-16:00 Europe/Berlin": "Mon 2024-01-01 08:00",
		"mon,WED 09:00-16:00":               "Mon 2024-01-01 09:00",
		"Sat-Mon 12:00-13:00":               "Mon 2024-01-01 12:00",
		"Fri-Fri 00:00-24:00":               "Fri 2024-01-05 00:00",
		"22:30-04:00 America/New_York":      "Mon 2024-01-01 03:30",
		"Sat 22:30-04:00 Asia/Kathmandu":    "Sat 2024-01-06 16:45",
		" Mon \t09:00-16:00  UTC ":          "Mon 2024-01-01 09:00",
	} {
		w, err := parseWindow(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := w.Next(reference).UTC().Format("Mon 2006-01-02 15:04"); got != opens {
			t.Errorf("%q opens at %s, want %s", text, got, opens)
		}
	}
}

// A window comes from the defaults, too, and of a key that is rotated by hand nothing is held against it.
func TestWindowOfAKey(t *testing.T) {
	c := load(t, `environment: test
stores: {disk: {type: fake, dir: /srv/keys}}
defaults: {store: disk, window: "Mon-Thu 09:00-16:00 Europe/Berlin"}
keys: {a: {}, b: {schedule: manual}, c: {schedule: "0 12 1 * *"}, d: {window: "00:00-24:00"}}
`)
	for i, want := range []string{"Mon-Thu 09:00-16:00 Europe/Berlin", "Mon-Thu 09:00-16:00 Europe/Berlin", "Mon-Thu 09:00-16:00 Europe/Berlin", "00:00-24:00"} {
		if k := c.Keys[i]; k.Window != want || k.Policy.Window.Zone == nil {
			t.Errorf("%s has the window %q", k.Name, k.Window)
		}
	}
	manual := c.Keys[1]
	if manual.Policy.Schedule != rotation.Schedule(rotation.Manual{}) || manual.Every != 0 || manual.Schedule != "" {
		t.Errorf("%+v", manual)
	}
	if due := manual.Policy.Due(time.Now()); !due.IsZero() {
		t.Errorf("a key that is rotated by hand is due %s", due)
	}
	notes := strings.Join(c.Notes, "\n")
	for _, want := range []string{"b: it is rotated only when somebody asks: rotate now b", "c: 25 of the 60 times of its schedule in five years lie outside the window"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes lack %q:\n%s", want, notes)
		}
	}
}

func FuzzWindow(f *testing.F) {
	for _, s := range []string{"Mon-Thu 09:00-16:00 Europe/Berlin", "22:00-04:00", "Sun-Sat 00:00-24:00 UTC", "Mon,,Tue 09:00-16:00", "- 09:00-16:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := parseWindow(s)
		if err != nil {
			return
		}
		if at := w.Next(reference); at.IsZero() || at.Before(reference) || !w.Open(at) {
			t.Fatalf("%q opens at %s", s, at)
		}
	})
}

func TestWas(t *testing.T) {
	c := load(t, `environment: test
stores: {disk: {type: fake, dir: /srv/keys}}
defaults: {store: disk}
keys: {login: {secret: test-auth-jwt, was: [{name: auth-jwt}, {name: auth}]}}
`)
	if got := strings.Join(c.Keys[0].Was, " "); got != "auth-jwt auth" {
		t.Errorf("was %q", got)
	}
}
