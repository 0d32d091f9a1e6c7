package providertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// An audit checks what holds for every reply in every case: errors are typed,
// and nothing that can be printed holds a value that was ever written.
type audit struct {
	t testing.TB

	mu      sync.Mutex
	needles []string // what must not be seen, in every form
}

// wrap returns s as rotate calls it, through providers.Checked, with every reply
// audited.
func (a *audit) wrap(s providers.Store) providers.Store {
	return &audited{Store: providers.Checked(s), audit: a}
}

type audited struct {
	providers.Store
	audit *audit
}

func (s *audited) Read(ctx context.Context, name string) (providers.Revision, error) {
	rev, err := s.Store.Read(ctx, name)
	s.audit.replied(Read, rev, err)
	return rev, err
}

func (s *audited) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	s.audit.know(v)
	rev, err := s.Store.Write(ctx, name, v, after, n)
	s.audit.replied(Write, rev, err)
	return rev, err
}

func (s *audited) History(ctx context.Context, name string) ([]providers.Revision, error) {
	revs, err := s.Store.History(ctx, name)
	s.audit.replied(History, revs, err)
	return revs, err
}

func (s *audited) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	e, err := s.Store.Erase(ctx, name, id, head)
	s.audit.replied(Erase, e, err)
	return e, err
}

// know remembers a value, unless it is too short to tell from other text. Its
// first twelve bytes stand for it: a part of a value is a leak too, and twelve
// bytes are a whole number of base64 groups.
func (a *audit) know(v providers.Secret) {
	const enough = 12
	b := v.Reveal()
	if len(b) < enough {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range forms(b[:enough]) {
		if !slices.Contains(a.needles, n) {
			a.needles = append(a.needles, n)
		}
	}
}

// forms are the ways in which bytes get printed.
func forms(b []byte) []string {
	decimal := strings.Trim(fmt.Sprint(b), "[]")
	return []string{
		string(b),
		hex.EncodeToString(b),
		strings.ToUpper(hex.EncodeToString(b)),
		base64.StdEncoding.EncodeToString(b),
		base64.URLEncoding.EncodeToString(b),
		decimal,
		strings.ReplaceAll(decimal, " ", ","),
	}
}

// replied checks one reply.
func (a *audit) replied(op Op, reply any, err error) {
	a.t.Helper()
	a.silent(op, reply)
	a.failed(op, err)
}

// failed checks one error.
func (a *audit) failed(op Op, err error) {
	a.t.Helper()
	if err == nil {
		return
	}
	var whole *providers.Error
	switch {
	case !errors.As(err, &whole):
		a.t.Errorf("%s: the error is a %T, want a *providers.Error", op, err)
	case whole.Op != string(op):
		a.t.Errorf("%s: the error says it is of %q", op, whole.Op)
	case !slices.Contains(kinds(), whole.Kind):
		a.t.Errorf("%s: the error's kind is %v, which is none", op, whole.Kind)
	}
	a.silent(op, err)
}

// silent checks that v shows no material however it is printed.
func (a *audit) silent(op Op, v any) {
	a.t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	if text, err := json.Marshal(v); err == nil {
		out.Write(text)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("reply", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("reply", "v", v)

	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.needles {
		if bytes.Contains(out.Bytes(), []byte(n)) {
			a.t.Errorf("%s: a value shows when the %T is printed", op, v)
			return
		}
	}
}

// kinds are all kinds of failure that there are.
func kinds() []error {
	return []error{
		providers.ErrNotFound, providers.ErrConflict, providers.ErrUnreadable, providers.ErrUnclear,
		providers.ErrDenied, providers.ErrThrottled, providers.ErrUnavailable, providers.ErrTooLarge,
		providers.ErrBadName, providers.ErrUnsafe, providers.ErrUnset,
	}
}
