package console

import (
	"errors"
	"io"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
)

// A Verdict is the answers about several keys on their way out, and how the command
// ends in the making.
type Verdict struct {
	Console *Console
	Strict  bool // a warning is an alarm
	Few     bool // of many errors only the first are told, and how many there are more

	keys      int
	failed    []error
	attention bool
	unread    error    // why what follows cannot be written
	lost      []string // the heads of what could not be
}

// Answer prints the answer about one key, and tells its error.
func (c *Console) Answer(k *fleet.Key, ans answer.Answer, err error) error {
	v := Verdict{Console: c}
	v.Add(k, ans, err)
	return v.Err()
}

// Add prints an answer and tells an error, each at once. Answers for a program are
// kept until all are there.
func (v *Verdict) Add(k *fleet.Key, ans answer.Answer, err error) {
	v.keys++
	switch {
	case v.Console.Changes != nil:
		v.Console.Changes.Keys = append(v.Console.Changes.Keys, answer.Form(k, ans, err))
	case ans.Text != "":
		v.write(ans)
	}
	if ans.Warning != "" {
		v.attention = v.attention || v.Strict
		v.Console.Voice.Warn("key %s: %s", k.Name, ans.Warning)
	}
	if ans.Alarm != "" {
		v.attention = true
		v.Console.Voice.Warn("key %s: %s", k.Name, ans.Alarm)
	}
	if err != nil {
		v.failed = append(v.failed, err)
		if !v.Few || len(v.failed) <= fewErrors {
			v.Console.Tell(err)
		}
	}
}

func (v *Verdict) write(ans answer.Answer) {
	if v.unread == nil {
		_, v.unread = io.WriteString(v.Console.Stdout, ans.Text)
	}
	if v.unread != nil {
		v.lost = append(v.lost, ans.Head)
	}
}

// fewErrors is how many are told where few are wanted.
const fewErrors = 10

// Err is how the command ends: nil, ErrAttention, ErrTold, or that an answer could
// not be written.
func (v *Verdict) Err() error {
	if n := len(v.failed) - fewErrors; v.Few && n > 0 {
		v.Console.Voice.Note("%s more have trouble; rotate status says which", say.Plural(n, "key"))
	}
	halted, unclear := 0, 0
	for _, err := range v.failed {
		if _, ok := errors.AsType[*ops.HaltError](err); ok {
			halted++
		}
		if _, ok := errors.AsType[*ops.UnclearError](err); ok {
			unclear++
		}
	}
	switch {
	case v.unread != nil:
		return Unwritten(v.unread, v.lost...)
	case len(v.failed) == 0:
		return Attention(v.attention)
	case len(v.failed) == unclear, len(v.failed) < v.keys && len(v.failed) == halted:
		return ErrAttention // done, except for keys that a person has to look at
	}
	return ErrTold
}
