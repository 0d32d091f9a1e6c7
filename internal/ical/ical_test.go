package ical_test

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	parser "github.com/emersion/go-ical"

	"github.com/keyrotate/rotate/internal/ical"
)

var made = time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)

// odd has what the form has to escape, fold or leave out.
const odd = "a;b,c\\n\\d: “ähm”\x00\x1b[31m\r\nzwei " + "ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·ü·"

var plain = strings.NewReplacer("\x00", "", "\x1b", "", "\r", "").Replace(odd)

func calendar(t testing.TB, c ical.Calendar) string {
	t.Helper()
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	checkLines(t, b.String())
	return b.String()
}

// checkLines holds the outer form: lines that end as they must, none too long, each of whole characters.
func checkLines(t testing.TB, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") {
		t.Errorf("the end is %q", text[max(0, len(text)-10):])
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || line == "" || strings.ContainsAny(line, "\r\n\x00\x1b") || !utf8.ValidString(line) {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
}

// Another's parser reads what was written.
func TestWrite(t *testing.T) {
	text := calendar(t, ical.Calendar{
		Name: odd, Made: made, Refresh: 90 * time.Minute,
		Events: []ical.Event{
			{UID: "one", At: made.Add(time.Hour), Summary: odd, Description: odd + odd, Alarm: 7 * 24 * time.Hour},
			{UID: "two", At: made, AllDay: true, Summary: "s"},
		},
	})
	c, err := parser.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	for name, want := range map[string]string{"VERSION": "2.0", "PRODID": ical.Product, "METHOD": "PUBLISH", "NAME": plain, "X-WR-CALNAME": plain} {
		if got, err := c.Props.Text(name); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if d, err := c.Props.Get("REFRESH-INTERVAL").Duration(); err != nil || d != 90*time.Minute {
		t.Errorf("refresh %v, %v", d, err)
	}
	events := c.Events()
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	first := events[0]
	if at, err := first.DateTimeStart(time.UTC); err != nil || !at.Equal(made.Add(time.Hour)) {
		t.Error(at, err)
	}
	if d, err := first.Props.Text("DESCRIPTION"); err != nil || d != plain+plain {
		t.Errorf("%q, %v", d, err)
	}
	trigger, err := first.Children[0].Props.Get("TRIGGER").Duration()
	if err != nil || trigger != -7*24*time.Hour || len(first.Children) != 1 {
		t.Error(trigger, err)
	}
	if day := events[1].Props.Get("DTSTART"); day.Value != "20260131" || day.ValueType() != parser.ValueDate || len(events[1].Children) != 0 {
		t.Errorf("%+v", day)
	}
}

func TestEmptyAndBroken(t *testing.T) {
	if text := calendar(t, ical.Calendar{Made: made, Refresh: time.Hour}); strings.Contains(text, "VEVENT") {
		t.Error(text)
	}
	r, w := io.Pipe()
	gone := errors.New("gone")
	_ = r.CloseWithError(gone)
	if err := (ical.Calendar{}).Write(w); !errors.Is(err, gone) {
		t.Error(err)
	}
}

// Whatever a text is, it comes back, less what no calendar can hold.
func FuzzText(f *testing.F) {
	f.Add(odd)
	f.Add(strings.Repeat("\\", 80))
	f.Add("\xff\xfe ")
	f.Fuzz(func(t *testing.T, s string) {
		text := calendar(t, ical.Calendar{Made: made, Refresh: time.Hour, Events: []ical.Event{{UID: "u", At: made, Summary: s}}})
		c, err := parser.NewDecoder(strings.NewReader(text)).Decode()
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, "?"))
		if got, err := c.Events()[0].Props.Text("SUMMARY"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})
}
