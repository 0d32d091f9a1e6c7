package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
)

// An answer is what a command has to say about one key.
type answer struct {
	text  string // to standard output
	alarm string // a person should look, although it is done
}

// A haltError is a Halt of the key that a command is about: nothing was done.
type haltError struct{ why string }

func (e *haltError) Error() string { return e.why }

// atOnce usually bounds how many keys are worked on at the same time.
const atOnce = 8

// each does f for every key, so many at a time, and prints the answers in the
// order of the keys, each as soon as those before it are there. A key that
// fails does not keep the others from being done.
func (a *app) each(ctx context.Context, keys []*key, atOnce int, f func(context.Context, *key) (answer, error)) error {
	type outcome struct {
		answer
		err error
	}
	slots := make(chan struct{}, max(1, atOnce))
	outcomes := make([]chan outcome, len(keys))
	var all sync.WaitGroup
	for i, k := range keys {
		outcomes[i] = make(chan outcome, 1)
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var o outcome
			func() {
				defer caught(k, &o.err)
				o.answer, o.err = f(ctx, k)
			}()
			outcomes[i] <- o
		})
	}
	defer all.Wait()

	var result verdict
	var unread error // why what follows cannot be written
	var lost []string
	for i, k := range keys {
		o := <-outcomes[i]
		if o.text != "" && unread == nil {
			_, unread = io.WriteString(a.stdout, o.text)
		}
		if o.text != "" && unread != nil {
			lost = append(lost, o.head())
		}
		result.add(a, k, o.answer, o.err)
	}
	if unread != nil {
		return unwritten(unread, lost...)
	}
	return result.err(len(keys))
}

// caught is deferred by what is done for one key: a bug that shows there keeps
// no other key from its turn.
func caught(k *key, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("key %s: %w; what the store holds counts", k.Name, bug.Of(v))
	}
}

// head is the first line: what happened.
func (o answer) head() string {
	head, _, _ := strings.Cut(o.text, "\n")
	return head
}

// unwritten is the error of an answer that could not be written: what it would
// have said has happened all the same.
func unwritten(err error, heads ...string) error {
	return fmt.Errorf("the answer could not be written: %w; what it says holds all the same: %s", err, strings.Join(heads, "; "))
}

// A verdict is the exit code of several keys in the making.
type verdict struct {
	failed    []error
	attention bool
}

// add notes an outcome. An error is told at once if there are more keys.
func (v *verdict) add(a *app, k *key, ans answer, err error) {
	if ans.alarm != "" {
		v.attention = true
		about := "key " + k.Name
		a.voice.Warn("%s: %s", about, strings.TrimPrefix(ans.alarm, about+", ")) // a halt's own words begin with it
	}
	if err != nil {
		v.failed = append(v.failed, err)
		a.tell(err)
	}
}

func (v *verdict) err(keys int) error {
	var halt *haltError
	switch {
	case len(v.failed) == 0 && v.attention:
		return errAttention
	case len(v.failed) == 0:
		return nil
	case len(v.failed) < keys && allAre(v.failed, &halt):
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
	return answer{text: s.head + "\n" + s.rows.String(), alarm: alarm}
}
