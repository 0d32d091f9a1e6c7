package answer

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// PlanSchema names the form of a Plan. Members may be added to it; a change of one that exists gets a new name.
const PlanSchema = "rotate/plan/v1"

// A Plan is what `rotate plan -o json` prints, and -o yaml with the same members in the same order. Times are RFC 3339 in
// UTC. It never holds material.
type Plan struct {
	Schema string    `json:"schema"` // rotate/plan/v1
	From   time.Time `json:"from"`   // when the plan was made
	Until  time.Time `json:"until"`  // it has every step before this, except of keys with trouble or more
	Keys   []KeyPlan `json:"keys"`   // by name
}

// A KeyPlan is what is to be done with one key.
type KeyPlan struct {
	Key         string      `json:"key"`               // as the config calls it
	Environment string      `json:"environment"`       // of the config
	Trouble     TroubleKind `json:"trouble,omitempty"` // why steps is empty, or ends early
	Why         string      `json:"why,omitempty"`     // of trouble
	More        bool        `json:"more,omitempty"`    // there are more steps before until than rotate looks ahead
	Steps       []PlanStep  `json:"steps"`             // in the order of time
}

// A TroubleKind is why nobody can tell what is to be done.
type TroubleKind string

// The kinds of trouble.
const (
	PlanHalted      TroubleKind = "halted"      // nothing is done until a person has looked
	PlanUnreachable TroubleKind = "unreachable" // the store could not be read
	PlanUnclear     TroubleKind = "unclear"     // the store shows less than is known of the key, as it may for a while
	PlanIncomplete  TroubleKind = "incomplete"  // the steps end early
)

// A PlanStep is one change of a key.
type PlanStep struct {
	At         time.Time     `json:"at"`            // when the daemon takes it, if every call succeeds at once
	Do         string        `json:"do"`            // create, publish, promote or retire
	Kid        string        `json:"kid,omitempty"` // of the key that is promoted or retired, if it exists already
	Generation uint64        `json:"generation"`    // of the keyset after the step, if nothing else changes it before
	Why        string        `json:"why"`           // for people
	Code       rotation.Code `json:"code"`          // of why

	Step rotation.Step `json:"-"` // the same as data
}

// PlanOf puts calendars together.
func PlanOf(all []ops.Outcome[ops.Calendar], from, until time.Time) Plan {
	p := Plan{Schema: PlanSchema, From: from, Until: until, Keys: []KeyPlan{}}
	for _, o := range all {
		k := KeyPlan{Key: o.Key.Name, Environment: o.Key.Environment, More: o.Got.Cut, Steps: []PlanStep{}}
		if o.Err != nil {
			k.Trouble, k.Why = troubleOf(o.Err), say.Error(o.Err).What
		}
		for i, s := range o.Got.Steps {
			step := PlanStep{
				At: s.At.UTC(), Do: string(s.Do), Generation: o.Got.Generation + uint64(i) + 1, //nolint:gosec // no less than 0
				Why: say.Why(s.Why, say.Plain), Code: s.Why.Code, Step: s,
			}
			if !s.Future && (s.Do == rotation.Promote || s.Do == rotation.Retire) {
				step.Kid = s.Kid
			}
			k.Steps = append(k.Steps, step)
		}
		p.Keys = append(p.Keys, k)
	}
	return p
}

// troubleOf is what kind an error of a calendar is.
func troubleOf(err error) TroubleKind {
	var halt *ops.HaltError
	var unclear *ops.UnclearError
	var failed *engine.Error
	switch {
	case errors.As(err, &halt):
		return PlanHalted
	case errors.As(err, &unclear):
		return PlanUnclear
	case errors.As(err, &failed):
		return PlanUnreachable
	}
	return PlanIncomplete
}

// An appointment is one step of one key.
type appointment struct {
	key string
	PlanStep
}

// appointments is the steps of all keys, in the order of time.
func (p Plan) appointments() (all []appointment) {
	for _, k := range p.Keys {
		for _, s := range k.Steps {
			all = append(all, appointment{k.Key, s})
		}
	}
	slices.SortStableFunc(all, func(x, y appointment) int {
		return cmp.Or(x.At.Compare(y.At), strings.Compare(x.key, y.key))
	})
	return all
}

// does is what the step does to whom. Kids that do not exist yet are not named.
func (s PlanStep) does() string {
	kid := "kid " + say.Kid(s.Kid)
	switch s.Step.Do {
	case rotation.Create:
		return "the first key is made, and signs"
	case rotation.Publish:
		return "the next key is published"
	case rotation.Promote:
		if s.Kid == "" {
			kid = "the next key"
		}
		return kid + " begins to sign"
	case rotation.Bury:
		return "the key is erased everywhere, and only a marker stays"
	case rotation.Retire:
		if s.Kid == "" {
			kid = "the previous key"
		}
		return kid + " is removed"
	}
	return s.Do
}

// text is what the step does, and why where that does not go without saying.
func (s PlanStep) text() string {
	switch s.Code {
	case rotation.NoKeyset, rotation.ScheduleDue, rotation.GraceOver, rotation.RemovalOver:
		return s.does()
	}
	return s.does() + ": " + s.Why
}
