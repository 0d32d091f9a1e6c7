package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/rotation/engine"
)

// full is a standard output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func newConsole(out io.Writer, terminal bool) (c *Console, said *bytes.Buffer) {
	said = &bytes.Buffer{}
	return &Console{
		Stdin: strings.NewReader("yes\n"), Stdout: out, Stderr: said, Now: time.Now,
		IsTerminal: func(any) bool { return terminal }, Voice: &say.Voice{Err: said},
	}, said
}

// How a command ends follows from all of its keys.
func TestVerdict(t *testing.T) {
	failed, halted := errors.New("failed"), error(&ops.HaltError{})
	type one struct {
		alarm string
		err   error
	}
	for name, c := range map[string]struct {
		keys []one
		want error
	}{
		"all done":                   {[]one{{}, {}}, nil},
		"one with an alarm":          {[]one{{}, {alarm: "look"}}, ErrAttention},
		"one failed":                 {[]one{{}, {err: failed}}, ErrTold},
		"one halted among others":    {[]one{{}, {err: halted}}, ErrAttention},
		"all halted":                 {[]one{{err: halted}, {err: halted}}, ErrTold},
		"nobody can tell yet":        {[]one{{err: &ops.UnclearError{}}}, ErrAttention},
		"one unclear, one failed":    {[]one{{err: &ops.UnclearError{}}, {err: failed}}, ErrTold},
		"one halted, and one failed": {[]one{{}, {err: halted}, {err: failed}}, ErrTold},
	} {
		con, said := newConsole(io.Discard, false)
		v := Verdict{Console: con}
		for _, k := range c.keys {
			v.Add(&fleet.Key{Target: engine.Target{Name: "k"}}, answer.Answer{Alarm: k.alarm}, k.err)
		}
		if got := v.Err(); !errors.Is(got, c.want) || got == nil != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if alarmed := strings.Contains(said.String(), "warning: key k: look\n"); alarmed != (name == "one with an alarm") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// What has happened is told although nobody can read the answers.
func TestAnswersThatCannotBeWritten(t *testing.T) {
	con, _ := newConsole(full{}, false)
	v := Verdict{Console: con}
	for _, head := range []string{"a: rotated", "b: rotated"} {
		v.Add(&fleet.Key{}, answer.Line(head), nil)
	}
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), "no space left on device; what it says holds all the same: a: rotated; b: rotated") {
		t.Error(err)
	}
}

// A question is asked on a terminal; elsewhere it is refused, unless it was
// answered before.
func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		terminal, yes bool
		stdin         string
		ok            bool
	}{{true, false, "yes\n", true}, {true, false, "y\n", false}, {false, false, "yes\n", false}, {false, true, "", true}} {
		con, said := newConsole(io.Discard, c.terminal)
		con.Stdin = strings.NewReader(c.stdin)
		err := con.Confirm(context.Background(), answer.Line("it is removed"), c.yes, "Remove it")
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if shown := strings.Contains(said.String(), "it is removed"); shown != (c.terminal || c.yes) {
			t.Errorf("%+v: %s", c, said)
		}
	}
}

// All went as it was asked for: that is no alarm, unless --strict wants one.
func TestWarnings(t *testing.T) {
	for strict, want := range map[bool]error{false: nil, true: ErrAttention} {
		con, said := newConsole(io.Discard, false)
		v := Verdict{Console: con, Strict: strict}
		v.Add(&fleet.Key{Target: engine.Target{Name: "k"}}, answer.Answer{Warning: "look"}, nil)
		if err := v.Err(); err != want || said.String() != "warning: key k: look\n" {
			t.Errorf("strict %v: %v, it said %s", strict, err, said)
		}
	}
}

// Answers for a program are kept, and nothing is written between them.
func TestAnswersForAProgram(t *testing.T) {
	var out bytes.Buffer
	con, _ := newConsole(&out, false)
	con.Changes = &form.Changes{}
	v := Verdict{Console: con}
	v.Add(&fleet.Key{Target: engine.Target{Name: "a"}}, answer.Line("a: done"), nil)
	v.Add(&fleet.Key{Target: engine.Target{Name: "b"}}, answer.Answer{}, &ops.HaltError{Words: say.Words{What: "no", Hint: "do"}, Code: "spoilt"})
	if err := v.Err(); err != ErrAttention || out.Len() > 0 || con.Heads()[0] != "a: done" {
		t.Errorf("%v, %q, %q", err, &out, con.Heads())
	}
	b := con.Changes.Keys[1].Base()
	if want := (form.Error{Kind: form.HaltError, Code: "spoilt", Message: "no", Hint: "do"}); b.Name != "b" || !reflect.DeepEqual(*b.Error, want) {
		t.Errorf("%+v, %+v", b, b.Error)
	}
}
