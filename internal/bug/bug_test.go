package bug_test

import (
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/bug"
)

type spill string

func panics(key [16]byte) { panic(spill(key[:])) }

// Promise 7: neither the value nor the arguments are shown; where it happened is.
func TestPromise7APanicIsToldByItsType(t *testing.T) {
	var told *bug.Panic
	func() {
		defer func() { told = bug.Of(recover()) }()
		panics([16]byte([]byte("canary-canary-ca")))
	}()
	all := told.Error() + "\n" + strings.Join(told.Stack, "\n")
	if !strings.Contains(all, "bug_test.spill") || !strings.Contains(all, "bug_test.panics") || strings.Contains(all, "canary") {
		t.Error(all)
	}
}
