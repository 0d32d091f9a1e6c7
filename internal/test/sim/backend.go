package sim

import (
	"errors"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A Shape is how a service makes a conditional write, and what else it is like.
type Shape string

// The shapes, by the adapters that have them.
const (
	Swap   Shape = "swap"   // memory, Vault, Kubernetes: a true compare-and-swap
	File   Shape = "file"   // the same, but with one value, no clock, and one host
	Label  Shape = "label"  // AWS: put, then move a label away from the base
	Alias  Shape = "alias"  // Google: nonce, put, then move an alias under an etag
	Detect Shape = "detect" // Azure: put, then find out from the tags who won
)

// Shapes lists every Shape.
func Shapes() []Shape { return []Shape{Swap, File, Label, Alias, Detect} }

// A caller makes the calls of one process to one service. Everything between
// two calls happens at once; before and after each, the process can be stopped
// for ever.
type caller interface {
	// call makes one call. lost is the kind of error that tells its caller that
	// no reply came.
	call(op string, lost error, do func() error) error
	sleep(time.Duration)
}

// A backend is what a service holds under one name, for all who call it.
type backend interface {
	client(caller) providers.Store

	// What applications and people see and do, at once and without faults.
	head() (providers.Revision, bool)
	readable() []providers.Revision // with values, oldest first

	rollback(steps int) bool // an older head is the head again
	tamper(value []byte)     // someone writes past rotate, and knows of no note
	usurp(value []byte)      // another rotate writes, with its own note
	lose()                   // what is there is deleted
	restore()                // the newest head that rotate wrote is back
}

func newBackend(shape Shape, clock func() time.Time) backend {
	switch shape {
	case Label:
		return &labelled{now: clock}
	case Alias:
		return &aliased{now: clock}
	case Detect:
		return &detected{now: clock}
	case File:
		return newSwap(clock, true)
	}
	return newSwap(clock, false)
}

// usurper is the note of another keyset.
var usurper = providers.Note{Lineage: "foreign-lineage", Generation: 1, Digest: "foreign"}

func failure(op string, kind error, words string) error {
	var err error
	if words != "" {
		err = errors.New(words)
	}
	return &providers.Error{Op: op, Name: secretName, Kind: kind, Err: err}
}

// A version is a value as a service with versions keeps it.
type version struct {
	providers.Revision
	seq int // the order in which versions were made
}

// bare is a version as History shows it.
func (v *version) bare(now time.Time) providers.Revision {
	r := v.Revision
	r.Value, r.Service = providers.Secret{}, now
	return r
}

func traits(shape Shape, how providers.How) providers.Traits {
	return providers.Traits{Type: string(shape), MaxValue: 64 << 10, Erases: how, Remains: "simulated", Clock: true, Witness: true}
}
