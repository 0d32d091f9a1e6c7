// Package say is how rotate speaks to people: it turns reasons, outcomes and reports into words, tables and timelines,
// and is the only package that does. Whoever decides something, decides by data. The rules, in the manner of age's:
//
//   - Standard output is the answer to the command: what `now` did, the status,
//     the calendar, the secret of `get`. It is what a script reads, and what
//     `> /dev/null` silences in a cron job.
//   - Everything else goes to standard error: errors, hints, warnings, progress,
//     and notes on the answer. Each begins with "rotate: ", "hint: " or
//     "warning: ", in lower case, without a full stop at the end of the last
//     sentence.
//   - An error says what failed, on which key and store, in the vendor's words,
//     and what is unharmed. The hint below it says what to do.
//   - A time is absolute, in UTC and in whole seconds, with the distance from now
//     beside it.
//   - Nothing is asked, since rotate runs where no one answers. What logs users
//     out or brings deleted keys back is the exception: it is said first and
//     asked on a terminal, and refused elsewhere unless --yes is given.
//   - Nothing is coloured, and only progress is overwritten, on a terminal.
//   - Key material is printed by get and generate, to standard output, and by
//     nothing else.
package say

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/keyrotate/rotate/internal/journal"
)

// A Voice says what is not the answer. Safe for concurrent use.
type Voice struct {
	Err      io.Writer
	Terminal bool // Err is one: progress is drawn over itself
	Journal  bool // Err is the journal of systemd: each line carries its priority

	mu    sync.Mutex
	drawn int // length of the progress line that is on the screen
}

// Error prints an error, with what hints it carries on lines of their own.
func (v *Voice) Error(err error) { v.line(slog.LevelError, "rotate: "+Clean(Error(err).String())) }

// Hint says what to do about the error above it.
func (v *Voice) Hint(format string, args ...any) {
	v.line(slog.LevelError, "hint: "+fmt.Sprintf(format, args...))
}

// Warn says what is wrong although work goes on.
func (v *Voice) Warn(format string, args ...any) {
	v.line(slog.LevelWarn, "warning: "+fmt.Sprintf(format, args...))
}

// Note says something about the answer.
func (v *Voice) Note(format string, args ...any) {
	v.line(slog.LevelInfo, "rotate: "+fmt.Sprintf(format, args...))
}

func (v *Voice) line(level slog.Level, s string) {
	if v.Journal {
		s = journal.Lines(level, s)
	}
	fmt.Fprintln(v, s)
}

// Write lets a log share standard error with everything else that is said.
func (v *Voice) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wipe()
	return v.Err.Write(p)
}

// Progress shows where a wait is. It is drawn over the last one on a terminal,
// and not at all elsewhere.
func (v *Voice) Progress(s string) {
	if !v.Terminal {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wipe()
	fmt.Fprint(v.Err, s)
	v.drawn = len([]rune(s))
}

// Done takes the progress off the screen.
func (v *Voice) Done() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wipe()
}

func (v *Voice) wipe() {
	if v.drawn > 0 {
		fmt.Fprintf(v.Err, "\r%s\r", strings.Repeat(" ", v.drawn))
		v.drawn = 0
	}
}

// Clean keeps control characters, which a vendor's words or a document may
// hold, from reaching a terminal.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// Word is one value from outside, such as the path of a file in somebody's repository, as a part of
// one line: what is no printable character, a line end or a mark of direction too, becomes a question mark.
func Word(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// Stamp writes a time as `2006-01-02 15:04:05 UTC`.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// When writes a time and its distance: `2006-01-02 15:04:05 UTC (in 2h)`.
func When(now, t time.Time) string { return Stamp(t) + " (" + Distance(now, t) + ")" }

// Block prints a text that has its own form: the mistakes of a config, where a bug
// is, or what a command will do before it asks.
func (v *Voice) Block(text string) { v.line(slog.LevelError, strings.TrimRight(Clean(text), "\n")) }
