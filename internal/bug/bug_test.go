package bug

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

//go:noinline
func spill(material [8]byte) { panic(fmt.Errorf("with %s", material[:])) }

// Promise 7: what is kept of a panic tells where it was, and nothing of what it
// was about.
func TestPromise7APanicIsItsTypeAndItsPlace(t *testing.T) {
	work := func() (err error) {
		defer Catch(&err)
		spill([8]byte([]byte("CANARYca")))
		return nil
	}
	err := work()
	p, ok := errors.AsType[*Panic](err)
	if !ok || p.Kind != "*fmt.wrapError" && p.Kind != "*errors.errorString" && p.Kind != "*fmt.fmtError" {
		t.Fatalf("%T %v", err, err)
	}
	if said := fmt.Sprintf("%+v %v", *p, err); strings.Contains(said, "CANARY") || !strings.Contains(said, "bug.spill") {
		t.Errorf("it says %s", said)
	}
}

func TestNothingToCatch(t *testing.T) {
	want := errors.New("an error of its own")
	work := func() (err error) {
		defer Catch(&err)
		return want
	}
	if err := work(); err != want {
		t.Errorf("%v", err)
	}
}
