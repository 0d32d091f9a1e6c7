package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/keyrotate/rotate/internal/journal"
)

func TestText(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(journal.Text(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "wait" {
			a.Value = slog.StringValue("2h")
		}
		return a
	}}))
	log.Info("rotate is at work", "keys", 1, "time", "noon", "msg", "kept out")
	log.With("key", "auth jwt").WithGroup("store").Warn("slow", "wait", 1, "level", "deep")
	log.Error("refused", "error", errors.New("line one\nhint: line two"))
	log.Debug("nothing more")
	want := `<6>rotate is at work keys=1 time=noon
<4>slow key="auth jwt" store.wait=2h store.level=deep
<3>refused error="line one\nhint: line two"
<7>nothing more
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}

// Each line is JSON behind its priority, as slog's own rules want it.
func TestJSON(t *testing.T) {
	var out bytes.Buffer
	err := slogtest.TestHandler(journal.JSON(&out, nil), func() (all []map[string]any) {
		for line := range strings.Lines(out.String()) {
			var m map[string]any
			text, ok := strings.CutPrefix(line, "<6>")
			if err := json.Unmarshal([]byte(text), &m); err != nil || !ok {
				t.Fatalf("%q: %v", line, err)
			}
			all = append(all, m)
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLines(t *testing.T) {
	if got, want := journal.Lines(slog.LevelError, "a\nb"), "<3>a\n<3>b"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// One record is one write: lines of several goroutines and processes stay whole.
func TestOneWrite(t *testing.T) {
	var w writes
	h := journal.Text(&w, &slog.HandlerOptions{})
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 50 {
				slog.New(h).With("a", 1).LogAttrs(context.Background(), slog.LevelInfo, "x", slog.Int("b", 2))
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	if len(w) != 200 {
		t.Errorf("%d writes", len(w))
	}
	for _, line := range w {
		if line != "<6>x a=1 b=2\n" {
			t.Fatalf("%q", line)
		}
	}
}

type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestStderr(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	os.Unsetenv("JOURNAL_STREAM")
	if journal.Stderr() {
		t.Error("a journal without $JOURNAL_STREAM")
	}
	for _, text := range []string{"nonsense", "1:1"} { // the second one is another file
		t.Setenv("JOURNAL_STREAM", text)
		if journal.Stderr() {
			t.Errorf("a journal by %q", text)
		}
	}
}
