package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// errDeclined ends a command that was not confirmed.
var errDeclined = errors.New("not confirmed; nothing was changed")

// confirm says what is about to happen, to standard error, and goes on only if
// someone types yes, or has said so on the command line.
func (a *app) confirm(ctx context.Context, notice answer, yes bool, question string) error {
	if yes {
		a.voice.Block(notice.text)
		return nil
	}
	if !a.isTerminal(a.stdin) || !a.isTerminal(a.stderr) {
		return usage.New(question+" is asked on a terminal, and this is none; nothing was changed", "--dry-run says what would happen; repeat it with --yes then")
	}
	a.voice.Block(notice.text)
	fmt.Fprintf(a.voice, "%s? Type yes to go on: ", question)
	text, _ := unlessInterrupted(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	switch {
	case strings.TrimSpace(text) == "yes":
		return nil
	case ctx.Err() != nil:
		a.voice.Block("")
	}
	return errDeclined
}

// unlessInterrupted is what a read of standard input gives, or nothing and why
// ctx is done. The read itself cannot be interrupted; the process ends with it.
func unlessInterrupted[T any](ctx context.Context, read func() (T, error)) (got T, err error) {
	type result struct {
		got T
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := read()
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		return r.got, r.err
	case <-ctx.Done():
		return got, context.Cause(ctx)
	}
}

// findKid finds the live or revoked kid that is meant: the whole of it, or the
// short form that rotate prints, where that fits only one.
func findKid(set *keyset.Set, kid string) (string, error) {
	var all, known []string
	for _, k := range set.Keys {
		all = append(all, k.Kid)
		known = append(known, fmt.Sprintf("%s (%s)", k.Kid, k.Status))
	}
	all = append(all, set.Revoked...)
	short := strings.TrimSuffix(kid, "…")
	var found []string
	for _, k := range all {
		if k == kid {
			return k, nil
		}
		if strings.TrimSuffix(say.Kid(k), "…") == short {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", usage.New(
		fmt.Sprintf("key %s has no kid %s, or none that is told from others by it; nothing was changed", set.Name, usage.Quote(short, "as it was given")),
		"live are "+strings.Join(known, ", "),
	)
}
