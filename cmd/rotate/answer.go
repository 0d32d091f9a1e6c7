package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
)

// An answer is what a command has to say about one key.
type answer struct {
	head  string // what happened, in one line
	text  string // to standard output: head and what else there is to say
	alarm string // a person should look, although it is done
}

// oneLine is an answer of one line.
func oneLine(text string) answer { return answer{head: text, text: text + "\n"} }

// each does f for every key, so many at a time, and prints the answers in the
// order of the keys, each as soon as those before it are there.
func (a *app) each(ctx context.Context, keys []*fleet.Key, atOnce int, f func(context.Context, *fleet.Key) (answer, error)) error {
	result := verdict{app: a}
	for o := range ops.Each(ctx, keys, atOnce, f) {
		result.add(o.Key, o.Got, o.Err)
	}
	return result.err(len(keys))
}

// unwritten is the error of an answer that could not be written: what it would
// have said has happened all the same.
func unwritten(err error, heads ...string) error {
	return fmt.Errorf("the answer could not be written: %w; what it says holds all the same: %s", err, strings.Join(heads, "; "))
}

// A verdict is the answers of several keys on their way out, and the exit code in
// the making.
type verdict struct {
	*app
	failed    []error
	attention bool
	unread    error    // why what follows cannot be written
	lost      []string // the heads of what could not be
}

// add prints an answer and tells an error, both at once if there are more keys.
func (v *verdict) add(k *fleet.Key, ans answer, err error) {
	if ans.text != "" && v.unread == nil {
		_, v.unread = io.WriteString(v.stdout, ans.text)
	}
	if ans.text != "" && v.unread != nil {
		v.lost = append(v.lost, ans.head)
	}
	if ans.alarm != "" {
		v.attention = true
		v.voice.Warn("key %s: %s", k.Name, ans.alarm)
	}
	if err != nil {
		v.failed = append(v.failed, err)
		v.tell(err)
	}
}

func (v *verdict) err(keys int) error {
	var halt *ops.HaltError
	var unclear *ops.UnclearError
	switch {
	case v.unread != nil:
		return unwritten(v.unread, v.lost...)
	case len(v.failed) == 0 && v.attention:
		return errAttention
	case len(v.failed) == 0:
		return nil
	case allAre(v.failed, &unclear), len(v.failed) < keys && allAre(v.failed, &halt):
		return errAttention // done, except for keys that a person has to look at
	}
	return errTold
}

// allAre tells whether every error is of the target's type.
func allAre[T error](errs []error, target *T) bool {
	for _, err := range errs {
		if !errors.As(err, target) {
			return false
		}
	}
	return true
}

// A sheet is a headline with named facts below it.
type sheet struct {
	head string
	now  time.Time
	rows strings.Builder
}

// row adds a fact, later lines below the first.
func (s *sheet) row(name, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(&s.rows, "  %-8s  %s\n", name, line)
	}
}

func (s *sheet) answer(alarm string) answer {
	return answer{head: s.head, text: s.head + "\n" + s.rows.String(), alarm: alarm}
}

// caught is deferred by what is done for one key: a bug that shows there keeps
// no other key from its turn.
func caught(k *fleet.Key, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("key %s: %w; what the store holds counts", k.Name, bug.Of(v))
	}
}
