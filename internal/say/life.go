package say

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// Life says the dates of one key, those that are known.
func Life(l rotation.Life, now time.Time) string {
	name := "a key that is not made yet"
	if !l.Future {
		name = "kid " + Kid(l.Kid)
	}
	removed := "removed "
	if l.Revoked {
		removed = "revoked, and removed "
	}
	parts := []string{name}
	for _, date := range []struct {
		does string
		at   time.Time
	}{{"published ", l.Published}, {"signs from ", l.Signs}, {"only verifies from ", l.Replaced}, {removed, l.Removed}} {
		if !date.at.IsZero() {
			parts = append(parts, date.does+When(now, date.at))
		}
	}
	return strings.Join(parts, ", ")
}

// A Row is one fact of a key's text.
type Row struct{ Name, Text string }

// Rows is the text that Status writes of a key without its first line, a fact each. Names repeat.
func Rows(key status.Key, now time.Time) (rows []Row) {
	var b strings.Builder
	keyStatus{Key: key, now: now}.text(&b, nil)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for _, line := range lines[1:] {
		name, text := strings.TrimSpace(line[:rowIndent]), line[rowIndent:]
		if last := len(rows) - 1; name == "" && last >= 0 {
			rows[last].Text += "\n" + text
			continue
		}
		rows = append(rows, Row{name, Clean(text)})
	}
	return rows
}

// Next says what comes next for a key, in half a sentence; "" if nobody knows.
func Next(key status.Key, now time.Time) string {
	t := key.Then
	switch {
	case t == nil || t.Do == string(rotation.Halt):
		return ""
	case t.Do != string(rotation.Wait):
		return "now: " + t.Do
	}
	step := rotation.Step{Do: rotation.Wait, Why: t.Reason}
	if t.At != nil {
		step.At = *t.At
	}
	return Waiting(now, step)
}

// Needing says how many keys need a person, of all.
func Needing(n, all int) string {
	switch {
	case all == 0:
		return "no keys"
	case n == 0:
		return Plural(all, "key") + ", none needs attention"
	}
	return need(strconv.Itoa(n)+" of "+Plural(all, "key"), n, "attention")
}
