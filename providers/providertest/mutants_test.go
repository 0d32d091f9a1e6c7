package providertest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
)

// A mutant is the reference store with one promise broken. A method that is nil
// is the reference's.
type mutant struct {
	*memory.Store
	traits  func(providers.Traits) providers.Traits
	read    func(ctx context.Context, name string) (providers.Revision, error)
	write   func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error)
	history func(ctx context.Context, name string) ([]providers.Revision, error)
	erase   func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error)
	list    func(ctx context.Context) ([]providers.Listed, error)
}

func (m *mutant) Traits() providers.Traits {
	if m.traits != nil {
		return m.traits(m.Store.Traits())
	}
	return m.Store.Traits()
}

func (m *mutant) Read(ctx context.Context, name string) (providers.Revision, error) {
	if m.read != nil {
		return m.read(ctx, name)
	}
	return m.Store.Read(ctx, name)
}

func (m *mutant) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
	if m.write != nil {
		return m.write(ctx, name, v, after, n)
	}
	return m.Store.Write(ctx, name, v, after, n)
}

func (m *mutant) History(ctx context.Context, name string) ([]providers.Revision, error) {
	if m.history != nil {
		return m.history(ctx, name)
	}
	return m.Store.History(ctx, name)
}

func (m *mutant) Erase(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
	if m.erase != nil {
		return m.erase(ctx, name, id, head)
	}
	return m.Store.Erase(ctx, name, id, head)
}

func (m *mutant) List(ctx context.Context) ([]providers.Listed, error) {
	if m.list != nil {
		return m.list(ctx)
	}
	return m.Store.List(ctx)
}

// lists changes what a listing shows.
func lists(change func([]providers.Listed) []providers.Listed) func(*mutant) {
	return func(m *mutant) {
		m.list = func(ctx context.Context) ([]providers.Listed, error) {
			all, err := m.Store.List(ctx)
			return change(all), err
		}
	}
}

// head is the id of the head now, "" if there is none.
func (m *mutant) head(name string) providers.RevisionID {
	rev, _ := m.Store.Read(context.Background(), name)
	return rev.ID
}

// mutants are named by what they get wrong. killer is a case that has to
// notice. Others may, but a mutant need not come to an end in them: some wait
// for what happens in their killer.
var mutants = []struct {
	name, killer string
	breaks       func(m *mutant)
}{
	{"write ignores its base", "write/an update needs the head as its base", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(ctx, name, v, m.head(name), n)
		}
	}},
	{"two creates both succeed", "write/a create needs that nothing is there", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			if after == "" {
				after = m.head(name)
			}
			return m.Store.Write(ctx, name, v, after, n)
		}
	}},
	{"an unknown base creates", "write/an update of what never was is a conflict", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			if m.head(name) == "" {
				after = ""
			}
			return m.Store.Write(ctx, name, v, after, n)
		}
	}},
	{"compares and swaps in two steps", "race/one of 16 goroutines updates", func(m *mutant) {
		var compared atomic.Int64
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			if after == "" || m.head(name) != after {
				return m.Store.Write(ctx, name, v, after, n)
			}
			compared.Add(1)
			for compared.Load() < 2 { // the race is sure: two have compared before one swaps
				runtime.Gosched()
			}
			return m.Store.Write(ctx, name, v, m.head(name), n)
		}
	}},
	{"a conflict moves the head", "write/an update needs the head as its base", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if errors.Is(err, providers.ErrConflict) {
				m.Store.Tamper(name, v.Reveal())
			}
			return rev, err
		}
	}},
	{"a conflict moves the witness", "note/a refused write moves no note", func(m *mutant) {
		seen := newest{}
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			seen.set(name, n)
			return m.Store.Write(ctx, name, v, after, n)
		}
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			rev.Witness = seen.get(name)
			return rev, err
		}
	}},
	{"a conflict is called unavailable", "write/a base long past is a conflict", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if errors.Is(err, providers.ErrConflict) {
				err = &providers.Error{Op: "write", Name: name, Kind: providers.ErrUnavailable}
			}
			return rev, err
		}
	}},
	{"write returns nil without storing", "read/the head is what was written", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return providers.Revision{ID: "stored", Value: v, Note: n}, nil
		}
	}},
	{"write returns another id", "read/the head is what was written", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if err == nil {
				rev.ID = "another"
			}
			return rev, err
		}
	}},
	{"write is repeated after a conflict", "race/one of 16 goroutines updates", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if errors.Is(err, providers.ErrConflict) && after != "" {
				return m.Store.Write(ctx, name, v, m.head(name), n)
			}
			return rev, err
		}
	}},
	{"refuses the largest", "write/the largest value is taken", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			if v.Len() == m.Traits().MaxValue {
				return providers.Revision{}, &providers.Error{Op: "write", Name: name, Kind: providers.ErrTooLarge}
			}
			return m.Store.Write(ctx, name, v, after, n)
		}
	}},
	{"trims the newline", "read/bytes: a newline at the end", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(ctx, name, providers.NewSecret(bytes.TrimSuffix(v.Reveal(), []byte("\n"))), after, n)
		}
	}},
	{"mends what is not UTF-8", "read/bytes: not UTF-8", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(ctx, name, providers.NewSecret(bytes.ToValidUTF8(v.Reveal(), []byte("?"))), after, n)
		}
	}},
	{"serves half a value during a write", "read/readers see whole values while a writer writes", func(m *mutant) {
		var slow slowWriter
		m.write = slow.write(m)
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if slow.met() {
				rev.Value = providers.NewSecret(rev.Value.Reveal()[:rev.Value.Len()/2])
			}
			return rev, err
		}
	}},
	{"reads older than its bound", "read/the head is the last write", func(m *mutant) {
		m.read = behindByOne(m)
	}},
	{"not found for a lost head", "outside/a lost head is unreadable, never not found", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if errors.Is(err, providers.ErrUnreadable) {
				err = &providers.Error{Op: "read", Name: name, Kind: providers.ErrNotFound}
			}
			return rev, err
		}
	}},
	{"unreadable for what never was", "read/never stored is not found", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if errors.Is(err, providers.ErrNotFound) {
				err = &providers.Error{Op: "read", Name: name, Kind: providers.ErrUnreadable}
			}
			return rev, err
		}
	}},
	{"creates over a lost head", "outside/nothing is created over a lost head", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			if _, err := m.Store.Read(ctx, name); errors.Is(err, providers.ErrUnreadable) && after == "" {
				m.Store.Tamper(name, v.Reveal())
				return m.Store.Read(ctx, name)
			}
			return m.Store.Write(ctx, name, v, after, n)
		}
	}},
	{"one id stands for two values", "outside/a value from outside is another revision", func(m *mutant) {
		written := ids{}
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if err == nil {
				written.set(name, rev.ID)
			}
			return rev, err
		}
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if id := written.get(name); err == nil && id != "" {
				rev.ID = id
			}
			return rev, err
		}
	}},
	{"gives ids again after an erasure", "erase/then its id is not given again", func(m *mutant) {
		renumber(m)
	}},
	{"loses the note", "note/a note comes back with its value", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(ctx, name, v, after, providers.Note{})
		}
	}},
	{"keeps the first note", "note/a note follows the head", func(m *mutant) {
		first := newest{}
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if err == nil && first.get(name) == (providers.Note{}) {
				first.set(name, rev.Note)
			}
			rev.Note = first.get(name)
			return rev, err
		}
	}},
	{"the witness is the value's note", "outside/what a backup brings back stands behind the witness", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			rev.Witness = rev.Note
			return rev, err
		}
	}},
	{"promises a witness and has none", "note/the witness is the newest note", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			rev.Witness = providers.Note{}
			return rev, err
		}
	}},
	{"promises no clock and has one", "read/the service's clock is as declared", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits { t.Clock = false; return t }
	}},
	{"erases the head", "erase/never the head", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			if id == head && m.head(name) == head {
				m.Store.Lose(name)
				return providers.Erasure{How: providers.Destroyed}, nil
			}
			return m.Store.Erase(ctx, name, id, head)
		}
	}},
	{"erase ignores that the head moved", "erase/not below a head that has moved on", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			return m.Store.Erase(ctx, name, id, m.head(name))
		}
	}},
	{"erase does nothing", "erase/what is superseded is gone", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			_, err := m.Store.Erase(ctx, name, "nothing", head)
			return providers.Erasure{How: providers.Destroyed}, err
		}
	}},
	{"erases all that is superseded", "erase/only that one, from the middle", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			e, err := m.Store.Erase(ctx, name, id, head)
			for _, rev := range m.Store.Peek()[name] {
				if err == nil && rev.ID != head {
					_, _ = m.Store.Erase(ctx, name, rev.ID, head)
				}
			}
			return e, err
		}
	}},
	{"erase fails the second time", "erase/twice is the same as once", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			before := len(m.Store.Peek()[name])
			e, err := m.Store.Erase(ctx, name, id, head)
			if err == nil && len(m.Store.Peek()[name]) == before {
				err = &providers.Error{Op: "erase", Name: name, Kind: providers.ErrNotFound}
			}
			return e, err
		}
	}},
	{"boasts of its erasure", "erase/as strongly as the traits say", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits { t.Erases = providers.Disabled; return t }
	}},
	{"hides a weaker erasure", "erase/in a way that every process can tell", func(m *mutant) {
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			e, err := m.Store.Erase(ctx, name, id, head)
			if err == nil {
				e.How = providers.Disabled
			}
			return e, err
		}
	}},
	{"tells of an erasure as weaker than it was", "erase/in a way that every process can tell", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			if len(revs) > 0 {
				revs[len(revs)-1].Weaker = []providers.Erased{{ID: "r000001", Erasure: providers.Erasure{How: providers.Disabled}}}
			}
			return revs, err
		}
	}},
	{"boasts of one name", "erase/in a way that every process can tell", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			if len(revs) > 0 {
				revs[len(revs)-1].Erases = providers.Destroyed
			}
			return revs, err
		}
	}},
	{"changes its traits", "read/traits are the same on each handle", func(m *mutant) {
		var calls atomic.Int64
		m.traits = func(t providers.Traits) providers.Traits { t.MaxValue -= int(calls.Add(1)); return t }
	}},
	{"tells an auditor nothing", "read/traits are complete", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits { t.Remains = ""; return t }
	}},
	{"the history lists the erased", "erase/what is superseded is gone", func(m *mutant) {
		var mu sync.Mutex
		erased := map[string][]providers.Revision{}
		m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
			e, err := m.Store.Erase(ctx, name, id, head)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				erased[name] = append(erased[name], providers.Revision{ID: id})
			}
			return e, err
		}
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			return append(slices.Clone(erased[name]), revs...), err
		}
	}},
	{"the history is newest first", "history/is oldest first and the head last", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			slices.Reverse(revs)
			return revs, err
		}
	}},
	{"the history forgets the oldest", "history/is oldest first and the head last", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			return revs[max(0, len(revs)-3):], err
		}
	}},
	{"the history stutters during a write", "history/ends with a head that was or is, while a writer writes", func(m *mutant) {
		var slow slowWriter
		m.write = slow.write(m)
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			if slow.met() {
				revs = append(revs, revs...)
			}
			return revs, err
		}
	}},
	{"the history has values", "history/has no values", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			return m.Store.Peek()[name], nil
		}
	}},
	{"the history of nothing is an error", "history/is empty for what never was", func(m *mutant) {
		m.history = func(ctx context.Context, name string) ([]providers.Revision, error) {
			revs, err := m.Store.History(ctx, name)
			if err == nil && len(revs) == 0 {
				err = &providers.Error{Op: "history", Name: name, Kind: providers.ErrNotFound}
			}
			return revs, err
		}
	}},
	{"takes the empty name", "name/empty", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits {
			takes := t.TakesName
			t.TakesName = func(name string) bool { return name == "" || takes(name) }
			return t
		}
	}},
	{"takes names of any kind", "name/a newline", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits {
			t.TakesName = func(name string) bool { return name != "" && len(name) < 1000 && !strings.Contains(name, "\x00") }
			return t
		}
	}},
	{"does not tell which names it takes", "read/traits are complete", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits { t.NameRule = ""; return t }
	}},
	{"takes a name that its backend does not", "name/what this backend does not take", func(m *mutant) {
		m.traits = func(t providers.Traits) providers.Traits {
			takes := t.TakesName
			t.TakesName = func(name string) bool { return takes(strings.ReplaceAll(name, "ü", "u")) }
			return t
		}
	}},
	{"cuts names short", "name/names do not touch each other", func(m *mutant) {
		cut := func(name string) string { return name[:min(len(name), len("production-auth-jwt"))] }
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			return m.Store.Read(ctx, cut(name))
		}
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(ctx, cut(name), v, after, n)
		}
	}},
	{"read ignores its context", "context/cancelled before a read", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			return m.Store.Read(context.WithoutCancel(ctx), name)
		}
	}},
	{"write ignores its context", "context/cancelled before an update", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			return m.Store.Write(context.WithoutCancel(ctx), name, v, after, n)
		}
	}},
	{"says cancelled, but writes", "context/cancelled before a create", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(context.WithoutCancel(ctx), name, v, after, n)
			if ctx.Err() != nil {
				return providers.Revision{}, &providers.Error{Op: "write", Name: name, Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
			}
			return rev, err
		}
	}},
	{"hides why it was cancelled", "context/cancelled before a read", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			if ctx.Err() != nil {
				return providers.Revision{}, &providers.Error{Op: "read", Name: name, Kind: providers.ErrUnavailable, Err: ctx.Err()}
			}
			return m.Store.Read(ctx, name)
		}
	}},
	{"prints the value", "print/no material in a conflict", func(m *mutant) {
		m.write = telling(m, func(v []byte) error { return fmt.Errorf("cannot store %s", v) })
	}},
	{"prints the value in base64", "print/no material in a conflict", func(m *mutant) {
		m.write = telling(m, func(v []byte) error { return errors.New(base64.StdEncoding.EncodeToString(v)) })
	}},
	{"prints the value in hex", "print/no material in a conflict", func(m *mutant) {
		m.write = telling(m, func(v []byte) error { return fmt.Errorf("body %X", v) })
	}},
	{"prints the value as numbers", "print/no material in a conflict", func(m *mutant) {
		m.write = telling(m, func(v []byte) error { return fmt.Errorf("body %v", v) })
	}},
	{"an id holds the value", "read/the head is what was written", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if err == nil {
				rev.ID = providers.RevisionID(rev.Value.Reveal())
			}
			return rev, err
		}
	}},
	{"errors have no kind", "write/an update needs the head as its base", func(m *mutant) {
		m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
			rev, err := m.Store.Write(ctx, name, v, after, n)
			if err != nil {
				err = errors.New("something went wrong")
			}
			return rev, err
		}
	}},
	{"errors are bare kinds", "read/never stored is not found", func(m *mutant) {
		m.read = func(ctx context.Context, name string) (providers.Revision, error) {
			rev, err := m.Store.Read(ctx, name)
			if whole := (*providers.Error)(nil); errors.As(err, &whole) {
				err = whole.Kind
			}
			return rev, err
		}
	}},
	{"a listing has a name that is not there", "list/is empty for an empty store", lists(func(all []providers.Listed) []providers.Listed {
		return append(all, providers.Listed{Name: "made-up"})
	})},
	{"a listing ends with its first page", "list/has each name once, in order", lists(func(all []providers.Listed) []providers.Listed {
		return all[:min(25, len(all))]
	})},
	{"a listing has no order", "list/has each name once, in order", lists(func(all []providers.Listed) []providers.Listed {
		slices.Reverse(all)
		return all
	})},
	{"a listing shows an old note", "list/shows the newest note, or says that a read tells", lists(func(all []providers.Listed) []providers.Listed {
		for i := range all {
			all[i].Note.Generation--
		}
		return all
	})},
	{"a listing shows a wrong time", "list/tells no time that is not the write's", lists(func(all []providers.Listed) []providers.Listed {
		for i := range all {
			all[i].Written = all[i].Written.AddDate(-1, 0, 0)
		}
		return all
	})},
	{"a listing ignores its context", "list/cancelled before it", func(m *mutant) {
		m.list = func(context.Context) ([]providers.Listed, error) { return m.Store.List(context.Background()) }
	}},
}

// The suite notices each mutant, by the case that is meant to.
func TestMutants(t *testing.T) {
	cases := map[string]providertest.Case{}
	for _, c := range providertest.Cases() {
		cases[c.Name] = c
	}
	for _, mu := range mutants {
		c, ok := cases[mu.killer]
		if !ok {
			t.Fatalf("%s: there is no case %q", mu.name, mu.killer)
		}
		if !record(t, c, mu.breaks).failed {
			t.Errorf("%s: %q did not notice", mu.name, mu.killer)
		}
	}
}

// No mutant, no failure: the recorder sees what go test sees.
func TestReferenceSurvives(t *testing.T) {
	for _, c := range providertest.Cases() {
		if record(t, c, func(*mutant) {}).failed {
			t.Errorf("%s: fails on the reference", c.Name)
		}
	}
}

// A recorder is a testing.TB that keeps failures to itself.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
}

// record runs one case against a fresh mutant.
func record(t *testing.T, c providertest.Case, breaks func(*mutant)) *recorder {
	rec := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatalf and Skipf end it
		defer close(done)
		c.Run(rec, harness(breaks))
	}()
	<-done
	return rec
}

func (r *recorder) Errorf(string, ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(string, ...any) { runtime.Goexit() }

func harness(breaks func(*mutant)) providertest.Harness {
	return providertest.Harness{
		New: func(testing.TB) providers.Store {
			m := &mutant{Store: memory.New()}
			breaks(m)
			return m
		},
		Reopen: func(_ testing.TB, s providers.Store) providers.Store { return s },
		Lose:   func(_ testing.TB, s providers.Store, name string) { s.(*mutant).Store.Lose(name) },
		Tamper: func(_ testing.TB, s providers.Store, name string, value []byte) {
			s.(*mutant).Store.Tamper(name, value)
		},
		Restore: func(_ testing.TB, s providers.Store, name string, old providers.Revision) {
			s.(*mutant).Store.Restore(name, old.ID)
		},
		BadNames: []string{"schlüssel"},
	}
}

// telling is a Write whose errors tell what was to be written.
func telling(m *mutant, tell func(v []byte) error) func(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	return func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
		rev, err := m.Store.Write(ctx, name, v, after, n)
		if whole := (*providers.Error)(nil); errors.As(err, &whole) {
			whole.Err = tell(v.Reveal())
		}
		return rev, err
	}
}

// behindByOne is a Read of the head before the head.
func behindByOne(m *mutant) func(context.Context, string) (providers.Revision, error) {
	return func(ctx context.Context, name string) (providers.Revision, error) {
		rev, err := m.Store.Read(ctx, name)
		if all := m.Store.Peek()[name]; err == nil && len(all) > 1 {
			old := all[len(all)-2]
			old.Witness, old.Service = rev.Witness, rev.Service
			return old, nil
		}
		return rev, err
	}
}

// A slowWriter waits inside each update until a reader has met it there, so
// that what goes wrong then does go wrong. It needs a reader that reads on.
type slowWriter struct{ writing, meetings atomic.Int64 }

func (s *slowWriter) write(m *mutant) func(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	return func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
		if after != "" {
			s.writing.Add(1)
			defer s.writing.Add(-1)
			for s.meetings.Load() == 0 {
				runtime.Gosched()
			}
		}
		return m.Store.Write(ctx, name, v, after, n)
	}
}

// met tells a reader whether an update is under way.
func (s *slowWriter) met() bool {
	if s.writing.Load() == 0 {
		return false
	}
	s.meetings.Add(1)
	return true
}

// renumber makes ids the places in the history, as a store does that numbers
// its revisions anew.
func renumber(m *mutant) {
	place := func(name string, id providers.RevisionID) providers.RevisionID {
		i := slices.IndexFunc(m.Store.Peek()[name], func(r providers.Revision) bool { return r.ID == id })
		return providers.RevisionID(fmt.Sprint(i + 1))
	}
	real := func(name string, id providers.RevisionID) providers.RevisionID {
		for i, rev := range m.Store.Peek()[name] {
			if fmt.Sprint(i+1) == string(id) {
				return rev.ID
			}
		}
		return id
	}
	m.read = func(ctx context.Context, name string) (providers.Revision, error) {
		rev, err := m.Store.Read(ctx, name)
		if err == nil {
			rev.ID = place(name, rev.ID)
		}
		return rev, err
	}
	m.write = func(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (providers.Revision, error) {
		rev, err := m.Store.Write(ctx, name, v, real(name, after), n)
		if err == nil {
			rev.ID = place(name, rev.ID)
		}
		return rev, err
	}
	m.erase = func(ctx context.Context, name string, id, head providers.RevisionID) (providers.Erasure, error) {
		return m.Store.Erase(ctx, name, real(name, id), real(name, head))
	}
}

// newest and ids are small tables by name, for mutants with a memory.
type (
	newest = table[providers.Note]
	ids    = table[providers.RevisionID]
)

type table[V any] struct {
	mu sync.Mutex
	m  map[string]V
}

func (t *table[V]) set(name string, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]V{}
	}
	t.m[name] = v
}

func (t *table[V]) get(name string) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[name]
}
