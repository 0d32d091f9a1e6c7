package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// withinSkew is how far, in seconds, a clock may be from the true time so that
// no two are further apart than rotation.Skew.
const withinSkew = int(rotation.Skew/time.Second) / 2

// A Script is a world and all that goes wrong in it. Playing the same Script
// gives the same world.
type Script struct {
	Seed        uint64
	Days        int // of trouble; calm follows
	Shape       Shape
	Asymmetric  bool
	Adopt       bool // it begins with a key that is in use already
	Rotators    int
	Offsets     []int         // of the rotators' clocks, in seconds
	Stale       time.Duration // of reads of the store
	Propagation time.Duration
	Grace       time.Duration
	MinGrace    time.Duration // the shortest that the grace is changed to
	Period      time.Duration
	Cron        string // instead of Period
	Jitter      time.Duration
	Sync        time.Duration
	MaxRetry    time.Duration
	Outputs     []OutputSpec
	Readers     []ReaderSpec
	Incidents   []Incident

	// Beyond counts what breaks, instead of ending the world at the first: for
	// worlds outside the declared bounds. There, a file may have many hosts.
	Beyond bool

	// Apart gives each rotator a config of its own, which lacks one of the outputs.
	Apart bool
}

// An OutputSpec is one output that a world can have.
type OutputSpec struct {
	Shape     Shape
	Format    format
	FromStart bool
}

// A ReaderSpec is an application at one of the places, 0 for the store.
type ReaderSpec struct {
	Place int
	Cache time.Duration // how long it goes on with what it has read
	TTL   time.Duration // of its tokens; 0 for one that verifies
}

// An Incident is one thing that goes wrong, or that someone does.
type Incident struct {
	Kind Kind
	At   time.Duration // from the start
	Dur  time.Duration // how long it lasts
	Who  int           // the rotator or place
	N    int           // how many moments it waits, how many ask, which key
	Op   string        // only at such calls; "" for any
	Size time.Duration // of a jump, or a new period or grace

	// During makes it wait until this transition is the one to come; "" for not.
	// Some are over within a second, and chance alone would not meet them.
	During rotation.Action
}

// calm is when the trouble ends.
func (s *Script) calm() time.Duration { return time.Duration(s.Days) * day }

// length is that of the whole world: after the trouble every pause ends, a
// rotation comes, and its old key goes.
func (s *Script) length() time.Duration { return s.calm() + longestPause + 10*day }

const longestPause = 4 * day

func (s *Script) policy(period, grace time.Duration) rotation.Policy {
	p := rotation.Policy{Schedule: rotation.Every(period), Grace: grace, Propagation: s.Propagation, Jitter: s.Jitter}
	if s.Cron != "" && period == s.Period {
		parsed, err := scheduler.Parse(s.Cron)
		if err != nil {
			panic(err) // the generator's own texts
		}
		p.Schedule = parsed
	}
	return p
}

// jumpy tells whether this is a world on a file whose one host has a clock that
// jumps. A fresh process there can only believe that clock, as promise 8 says,
// so there are none after the first.
func (s *Script) jumpy() bool {
	return s.Shape == File && slices.ContainsFunc(s.Incidents, func(i Incident) bool { return i.Kind == Jump })
}

// pick takes one of several with equal chance.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// upTo is a time from 1 s to d, shorter ones being likelier.
func upTo(r *rand.Rand, d time.Duration) time.Duration {
	return time.Second + time.Duration(r.Float64()*r.Float64()*float64(d))
}

// NewScript invents a world.
func NewScript(seed uint64, index int) *Script {
	r := rand.New(rand.NewPCG(seed, uint64(index))) //nolint:gosec // a simulation
	s := &Script{
		Seed: seed<<20 | uint64(index), Days: 150, //nolint:gosec // index counts worlds
		Shape:       pick(r, Swap, Swap, File, File, Label, Label, Alias, Alias, Detect),
		Asymmetric:  r.IntN(8) == 0,
		Adopt:       r.IntN(6) == 0,
		Rotators:    pick(r, 1, 1, 2, 2, 3, 4),
		Propagation: pick(r, 0, 10*time.Minute, time.Hour, 2*time.Hour, 6*time.Hour),
		Sync:        pick(r, 12*time.Hour, 24*time.Hour),
		MaxRetry:    pick(r, 2*time.Hour, 4*time.Hour, 8*time.Hour),
		Jitter:      time.Duration(r.IntN(3600)) * time.Second,
	}
	s.MinGrace = pick(r, 12*time.Hour, 24*time.Hour)
	s.Grace = s.MinGrace + time.Duration(r.IntN(24))*time.Hour
	s.Period = 62*time.Hour + time.Duration(r.IntN(30))*time.Hour
	if r.IntN(3) == 0 {
		s.Cron = pick(r, "30 2 * * 1,4", "CRON_TZ=America/New_York 30 2 * * 0,3", "CRON_TZ=Australia/Lord_Howe 45 1 * * 2,5")
	}
	if s.Shape == Swap && s.Propagation > 0 && (r.IntN(2) == 0 || s.Rotators == 4) { // four are rare: chance alone left a cell of the table empty
		s.Stale = s.Propagation / 4
	}
	for range s.Rotators {
		s.Offsets = append(s.Offsets, pick(r, 0, r.IntN(2*withinSkew)-withinSkew))
	}
	for range r.IntN(6) {
		s.Outputs = append(s.Outputs, OutputSpec{
			Shape: pick(r, Swap, File, Label, Alias), Format: pick(r, whole, list, list, value), FromStart: r.IntN(3) > 0,
		})
	}
	s.inventReaders(r)
	s.inventIncidents(r)
	return s
}

func (s *Script) inventReaders(r *rand.Rand) {
	longest := rotation.Policy{Grace: s.MinGrace, Propagation: s.Propagation}.LongestToken()
	cache := func() time.Duration {
		most := s.Propagation - s.Stale
		if most == 0 || r.IntN(3) == 0 {
			return most
		}
		return time.Duration(r.Int64N(int64(most)))
	}
	for place := range len(s.Outputs) + 1 {
		s.Readers = append(s.Readers,
			ReaderSpec{Place: place, Cache: cache()},
			ReaderSpec{Place: place, Cache: cache(), TTL: pick(r, longest, upTo(r, longest))})
	}
}

func (s *Script) inventIncidents(r *rand.Rand) {
	var odds []Kind
	for _, k := range kinds {
		if k.possible(s) {
			for range k.weight {
				odds = append(odds, k.kind)
			}
		}
	}
	if s.Shape == File && s.Propagation > 0 && r.IntN(2) == 0 { // see jumpy
		fresh := []Kind{Kill, Now, NowNamed, Compromise}
		odds = slices.DeleteFunc(odds, func(k Kind) bool { return slices.Contains(fresh, k) })
		odds = append(odds, Jump, Jump)
		s.Adopt = false
	}
	for range s.Days * 2 {
		i := s.invent(r, pick(r, odds...))
		s.Incidents = append(s.Incidents, i)
		if asked := i.Kind == Now || i.Kind == NowNamed || i.Kind == Compromise; asked && r.IntN(3) == 0 {
			s.Incidents = append(s.Incidents, s.badStart(r, weather(r), i.At))
		}
	}
	if r.IntN(4) > 0 { // the very first calls
		s.Incidents = append(s.Incidents, s.badStart(r, weather(r), 0))
		if !s.jumpy() {
			s.Incidents = append(s.Incidents, s.badStart(r, pick(r, Pause, Kill), 0))
		}
	}
	slices.SortStableFunc(s.Incidents, func(a, b Incident) int { return int(a.At - b.At) })
}

// weather is one way for calls to fail.
func weather(r *rand.Rand) Kind {
	return pick(r, Outage, Throttle, Denied, LostReply, LostCall, LateCall)
}

// badStart is trouble with the store for an hour at most.
func (s *Script) badStart(r *rand.Rand, k Kind, at time.Duration) Incident {
	i := s.invent(r, k)
	i.At, i.Who, i.Dur = at, 0, upTo(r, time.Hour)
	switch k {
	case Pause, Kill:
		i.Who, i.Op, i.N = r.IntN(s.Rotators), "", r.IntN(6)
	case Denied:
		i.Op = pick(r, "", "read", "write") // the others come too late for a start
	}
	return i
}

func (s *Script) invent(r *rand.Rand, k Kind) Incident {
	i := Incident{Kind: k, At: time.Duration(r.Float64() * float64(s.calm())).Truncate(time.Second)}
	switch k {
	case Pause, Kill:
		i.Who, i.Dur, i.N = r.IntN(s.Rotators), upTo(r, longestPause), r.IntN(12)
		if r.IntN(2) == 0 {
			i.Op, i.N = pick(r, "write", "write", "erase"), 0
		}
	case Suspend:
		i.Who, i.Dur = r.IntN(s.Rotators), upTo(r, 2*day)
	case Slew:
		i.Who, i.Size = r.IntN(s.Rotators), time.Duration(r.IntN(2*withinSkew)-withinSkew)*time.Second
	case Jump:
		i.Who, i.Size, i.Dur = r.IntN(s.Rotators), s.jump(r), upTo(r, 3*day)
		if s.Shape == File && i.Size.Abs() > 3*time.Hour {
			i.Dur = upTo(r, s.Propagation/2)
		}
	case Outage, Throttle, LostReply, LostCall, LateCall, Denied:
		i.Who, i.Dur = s.where(r), upTo(r, day)
		if k == Denied {
			i.Op, i.Dur = pick(r, "", "read", "write", "erase", "history"), upTo(r, 2*day)
		}
	case Rollback, Edit, Lose, Foreign:
		i.Who, i.Dur, i.N = s.where(r), upTo(r, 2*day), 1+r.IntN(6)
		if s.Shape == Detect && i.Who == 0 && k != Lose {
			i.Kind = Lose
		}
	case Now, NowNamed, Compromise:
		i.N, i.Dur = r.IntN(3), upTo(r, 6*day)
		if k == Compromise && r.IntN(4) == 0 && s.Shape != File {
			i.Size = s.jump(r)
		}
	case Hold:
		i.N, i.Dur = r.IntN(2), upTo(r, 12*day)
	case Remove:
		i.Dur = upTo(r, 6*day)
	case Schedule:
		i.Size = 62*time.Hour + time.Duration(r.IntN(30))*time.Hour
	case Grace:
		i.Size = s.MinGrace + time.Duration(r.IntN(24))*time.Hour
	case Outputs:
		i.Who = r.IntN(max(1, len(s.Outputs)))
	}
	brief := slices.Contains([]Kind{Suspend, Slew, Jump, Rollback, Edit, Lose, Foreign, Now, NowNamed, Compromise, Hold, Remove, Schedule, Grace, Outputs}, k)
	if brief && r.IntN(3) == 0 {
		i.During = pick(r, rotation.MarkReady, rotation.Promote, rotation.MarkSettled)
	}
	return i
}

// where is the store, or as often some output.
func (s *Script) where(r *rand.Rand) int {
	if len(s.Outputs) == 0 || r.IntN(2) == 0 {
		return 0
	}
	return 1 + r.IntN(len(s.Outputs))
}

// jump is from minutes to ten years, either way.
func (s *Script) jump(r *rand.Rand) time.Duration {
	d := pick(r, 20*time.Minute, 3*time.Hour, 2*day, 60*day, 3650*day)
	d = d/2 + time.Duration(r.Int64N(int64(d/2)))
	return pick(r, d, -d)
}

// place is a place's name in a story.
func (s *Script) place(i int) string {
	if i == 0 {
		return "the store"
	}
	return fmt.Sprintf("output %d", i)
}
