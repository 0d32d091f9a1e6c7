package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/providers/providertest"
)

func harness(opts ...memory.Option) providertest.Harness {
	return providertest.Harness{
		New:    func(testing.TB) providers.Store { return memory.New(opts...) },
		Reopen: func(_ testing.TB, s providers.Store) providers.Store { return s },
		Lose:   func(_ testing.TB, s providers.Store, name string) { s.(*memory.Store).Lose(name) },
		Tamper: func(_ testing.TB, s providers.Store, name string, value []byte) {
			s.(*memory.Store).Tamper(name, value)
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			if !s.(*memory.Store).Restore(name, old.ID) {
				t.Fatalf("there never was a revision %q", old.ID)
			}
		},
		BadNames: []string{"schlüssel", "auth\tjwt", "auth\x7f"},
	}
}

func TestContract(t *testing.T) { providertest.Run(t, harness()) }

// A store whose reads are as old as it may declare keeps the contract too. The
// bubble's clock makes the waits free.
func TestContractWhenStale(t *testing.T) {
	for _, c := range providertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.Run(t, harness(memory.WithStale(5*time.Second))) })
		})
	}
}

func TestReadsAreAsOldAsDeclared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.WithStale(5 * time.Second))
		first := write(t, s, "first", "")
		time.Sleep(time.Minute)
		second := write(t, s, "second", first)
		time.Sleep(5*time.Second - time.Nanosecond)
		if got := head(t, s); got != first {
			t.Errorf("before the bound the head reads as %q, want the old one", got)
		}
		time.Sleep(time.Nanosecond)
		if got := head(t, s); got != second {
			t.Errorf("at the bound the head reads as %q, want the new one", got)
		}
	})
}

func TestClockAndLimit(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	s := memory.New(memory.WithClock(func() time.Time { return noon }), memory.WithMaxValue(20<<10))
	write(t, s, "first", "")
	rev, err := s.Read(t.Context(), "key")
	if err != nil || rev.Created != noon || rev.Service != noon {
		t.Errorf("created %v, served %v (%v), want %v", rev.Created, rev.Service, err, noon)
	}
	if got := s.Traits().MaxValue; got != 20<<10 {
		t.Errorf("MaxValue is %d", got)
	}
}

func TestPeekAndRestore(t *testing.T) {
	s := memory.New()
	first := write(t, s, "first", "")
	second := write(t, s, "second", first)
	if _, err := s.Erase(t.Context(), "key", first, second); err != nil {
		t.Fatal(err)
	}
	if got := s.Peek()["key"]; len(got) != 1 || got[0].ID != second || string(got[0].Value.Reveal()) != "second" {
		t.Errorf("after the erasure %v can be read, want the second alone", got)
	}
	if !s.Restore("key", first) {
		t.Error("a backup does not bring back what was erased")
	}
	if got := s.Peek()["key"]; len(got) != 2 || got[1].ID == first || string(got[1].Value.Reveal()) != "first" {
		t.Errorf("after the restore %v can be read, want the first under a new id", got)
	}
	if s.Restore("key", "never") || s.Restore("never", first) {
		t.Error("something was restored that never was")
	}
}

func write(t *testing.T, s providers.Store, v string, after providers.RevisionID) providers.RevisionID {
	t.Helper()
	rev, err := s.Write(t.Context(), "key", providers.NewSecret([]byte(v)), after, providers.Note{})
	if err != nil {
		t.Fatal(err)
	}
	return rev.ID
}

func head(t *testing.T, s providers.Store) providers.RevisionID {
	t.Helper()
	rev, err := s.Read(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	return rev.ID
}
