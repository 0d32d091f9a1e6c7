// Package providertest holds what every adapter must pass: the contract of
// package providers as named cases, and Faulty, which makes calls of any Store
// go wrong on purpose.
//
// An adapter's test is
//
//	func TestContract(t *testing.T) {
//		providertest.Run(t, providertest.Harness{New: ..., Reopen: ...})
//	}
//
// Where a store may depart from the contract, Traits says so, and a case reads
// it there. No case asks which adapter it runs on. What a harness cannot do is
// left nil; the cases that need it say so and are skipped by name.
package providertest

import (
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A Harness tells the suite how to get at one kind of store. All but New and
// Reopen is optional.
type Harness struct {
	// New returns a handle on a fresh, empty backend.
	New func(t testing.TB) providers.Store

	// Reopen returns another handle on the backend of s, as a second process
	// would have it.
	Reopen func(t testing.TB, s providers.Store) providers.Store

	// Race makes all attempts at once, each as if in a process of its own, and
	// returns their outcomes in the same order. Where it is nil, goroutines
	// with a handle each stand in.
	Race func(t testing.TB, s providers.Store, attempts []Attempt) []Outcome

	// Lose deletes the head, as a person with a console would.
	Lose func(t testing.TB, s providers.Store, name string)
	// Tamper replaces the head's value and nothing else.
	Tamper func(t testing.TB, s providers.Store, name string, value []byte)
	// Restore makes an older revision the head, as a backup would.
	Restore func(t testing.TB, s providers.Store, name string, old providers.Revision)

	// Wait lets time pass for the backend. It is called only where Traits.Stale
	// is not zero. Where it is nil, time.Sleep stands in: run the cases in a
	// synctest bubble.
	Wait func(t testing.TB, d time.Duration)

	// BadNames are names that the backend does not take, beyond those that no
	// store takes.
	BadNames []string
}

// An Attempt is one write of a race.
type Attempt struct {
	Name  string
	Value providers.Secret
	After providers.RevisionID
	Note  providers.Note
}

// An Outcome is what an Attempt got.
type Outcome struct {
	ID  providers.RevisionID
	Err error
}

// A Case is one promise of the contract.
type Case struct {
	Name string
	Run  func(t testing.TB, h Harness)
}

// Run runs all cases as subtests.
func Run(t *testing.T, h Harness) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, h) })
	}
}

// Cases returns all cases, for a test that wants to run each in a way of its
// own, such as in a synctest bubble.
func Cases() []Case {
	subjects := []struct {
		name     string
		promises []promise
	}{
		{"read", readPromises()},
		{"write", writePromises()},
		{"name", namePromises()},
		{"note", notePromises()},
		{"outside", outsidePromises()},
		{"race", racePromises()},
		{"pause", pausePromises()},
		{"reply", replyPromises()},
		{"erase", erasePromises()},
		{"history", historyPromises()},
		{"list", listPromises()},
		{"readers", readersPromises()},
		{"context", contextPromises()},
		{"print", printPromises()},
	}
	var all []Case
	for _, s := range subjects {
		for _, p := range s.promises {
			all = append(all, Case{Name: s.name + "/" + p.name, Run: func(t testing.TB, h Harness) {
				t.Helper()
				p.keep(newBench(t, h))
			}})
		}
	}
	return all
}

// A promise is a case before it has its subject's name.
type promise struct {
	name string
	keep func(b *bench)
}
