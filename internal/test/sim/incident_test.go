package sim

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// These are failures that happened to others; docs/how-it-is-tested.md has the
// whole list, with those that are held elsewhere. Each is a world with that one
// thing going wrong in it.

const hour = time.Hour

// quiet is a world in which nothing goes wrong: three rotators, two outputs, at
// each place an issuer and a verifier that use all the time they are given.
// Rotations come on days 4, 8, 12 and 16, each published 2 h 10 min before.
func quiet(incidents ...Incident) *Script {
	s := &Script{
		Seed: 1, Days: 20, Shape: Swap, Rotators: 3, Offsets: make([]int, 3), Propagation: 2 * hour,
		Grace: 48 * hour, MinGrace: 24 * hour, Period: 4 * day, Sync: 12 * hour, MaxRetry: hour,
		Outputs:   []OutputSpec{{Swap, list, true}, {Label, whole, true}},
		Incidents: incidents,
	}
	for place := range 3 {
		s.Readers = append(s.Readers, ReaderSpec{Place: place, Cache: 2 * hour}, ReaderSpec{Place: place, Cache: 2 * hour, TTL: 22*hour - 5*time.Minute})
	}
	return s
}

// holds plays a world and wants every promise kept in it.
func holds(t *testing.T, s *Script) *oracle {
	t.Helper()
	o := bubble(t).play(s, true)
	if o.verdict != nil {
		t.Fatalf("\n%s", &Failure{Verdict: o.verdict, Script: s, Story: o.story})
	}
	if o.Rotations < 3 {
		t.Errorf("only %d rotations", o.Rotations)
	}
	return o
}

// atWrites has every rotator meet something at its first write near a rotation.
func atWrites(k Kind, dur time.Duration, n int) (all []Incident) {
	for rotation := 1; rotation <= 4; rotation++ {
		for who := range 3 {
			at := time.Duration(rotation)*4*day - 3*hour + time.Duration(who)*time.Minute
			all = append(all, Incident{Kind: k, Who: who, At: at, Dur: dur + time.Duration(who)*hour, Op: "write", N: n})
		}
	}
	return all
}

func TestIncident01KeyInUseRemoved(t *testing.T) {
	holds(t, quiet(
		Incident{Kind: Grace, At: 4*day + 10*hour, Size: 24 * hour},
		Incident{Kind: Edit, Who: 1, At: 4*day + 12*hour, Dur: hour})) // makes the mark anew
}

func TestIncident02OutputDropsWrites(t *testing.T) {
	var drops []Incident
	for rotation := time.Duration(1); rotation <= 4; rotation++ {
		drops = append(drops, Incident{Kind: Rollback, Who: 1, N: 1, At: rotation*4*day - 90*time.Minute, Dur: 3 * hour})
	}
	holds(t, quiet(drops...))
}

func TestIncident03VerifierCaches(t *testing.T) {
	holds(t, quiet(Incident{Kind: Now, At: 6 * day}, Incident{Kind: Now, At: 10 * day}))
}

func TestIncident04RemovedKeyStillTrusted(t *testing.T) {
	o := holds(t, quiet(Incident{Kind: Compromise, At: 5 * day}))
	if len(o.good.Revoked) != 1 {
		t.Errorf("%d keys are revoked", len(o.good.Revoked))
	}
}

func TestIncident05ReplicasHoldDifferentKeys(t *testing.T) {
	holds(t, quiet(atWrites(Pause, 90*time.Minute, 0)...))
}

func TestIncident06TwoBootstraps(t *testing.T) {
	for seed := range uint64(2) {
		s := quiet()
		s.Seed, s.Rotators, s.Offsets = seed, 4, make([]int, 4)
		s.Incidents = []Incident{{Kind: Pause, Who: 0, Op: "write", Dur: hour}, {Kind: Pause, Who: 1, Op: "write", Dur: 2 * hour}}
		holds(t, s)
	}
}

func TestIncident07LeaseIsNoFence(t *testing.T) {
	holds(t, quiet(atWrites(Pause, 30*hour, 0)...))
}

func TestIncident11LabelLeftBehind(t *testing.T) {
	s := quiet(atWrites(Kill, hour, 2)...) // between put and move
	s.Shape = Label
	holds(t, s)
}

func TestIncident12TimedOutMidway(t *testing.T) {
	for n := range 4 {
		s := quiet()
		s.Rotators, s.Offsets = 1, []int{0}
		for rotation := time.Duration(1); rotation <= 4; rotation++ {
			s.Incidents = append(s.Incidents, Incident{Kind: Kill, At: rotation*4*day - 130*time.Minute - time.Second, Dur: hour, N: 7 * n})
		}
		holds(t, s)
	}
}

func TestIncident13ReplyLost(t *testing.T) {
	holds(t, quiet(Incident{Kind: LostReply, At: 3 * day, Dur: 14 * day}, Incident{Kind: LateCall, At: 5 * day, Dur: 10 * day}))
}

func TestIncident15NewVersionAtEveryLook(t *testing.T) {
	o := holds(t, quiet())
	for _, pl := range o.w.outputs {
		if most := o.transitions + 2; pl.writes > most {
			t.Errorf("%d writes of %s for %d transitions", pl.writes, pl.name, o.transitions)
		}
	}
}

func TestIncident16TwoOwners(t *testing.T) {
	holds(t, quiet(Incident{Kind: Foreign, Who: 1, At: 5 * day, Dur: 40 * hour}))
}

func TestIncident17LostUpdate(t *testing.T) {
	holds(t, quiet(append(atWrites(Pause, 5*hour, 0), Incident{Kind: Now, N: 2, At: 6 * day}, Incident{Kind: NowNamed, N: 2, At: 10 * day, Dur: 2 * day})...))
}

func TestIncident20ClockJumps(t *testing.T) {
	var jumps []Incident
	for rotation := time.Duration(1); rotation <= 4; rotation++ {
		jumps = append(jumps, Incident{Kind: Jump, At: rotation*4*day - 100*time.Minute, Dur: hour, Size: 170 * time.Minute})
	}
	s := quiet(jumps...)
	s.Shape = File
	s.Sync = hour
	holds(t, s)
}

func TestIncident23OutputFailsForWeeks(t *testing.T) {
	s := quiet(Incident{Kind: Outage, Who: 2, At: 3 * day, Dur: 16 * day})
	if o := holds(t, s); o.Rotations > 5 {
		t.Errorf("%d rotations", o.Rotations)
	}
}

func TestIncident27SoftDeleted(t *testing.T) {
	holds(t, quiet(Incident{Kind: Lose, At: 5 * day, Dur: 30 * hour}))
}

func TestIncident30RestoredBackup(t *testing.T) {
	for n := 1; n <= 5; n += 2 {
		holds(t, quiet(Incident{Kind: Rollback, At: 9 * day, Dur: 30 * hour, N: n}))
	}
}

// A backup from before a compromise counts again: the key that was reported does
// not, and the outputs follow.
func TestIncident30RestoredBackupIsAccepted(t *testing.T) {
	for _, shape := range []Shape{Swap, Label} { // Google destroys what an alias could go back to
		for n := 1; n <= 5; n += 2 {
			s := quiet(Incident{Kind: Compromise, At: 9 * day}, Incident{Kind: Accept, At: 9*day + 3*hour, Dur: 5 * hour, N: n})
			s.Shape = shape
			o := holds(t, s)
			if o.good.Accepted == 0 || len(o.good.Revoked) != 1 {
				t.Errorf("%s, %d revisions back: accepted over %d, revoked are %v", shape, n, o.good.Accepted, o.good.Revoked)
			}
		}
	}
}

// What keeps each incident from happening here.
var incidentGuards = []struct{ test, file, old, without string }{
	{"01", "rotation/keyset/marks.go", "latest(seconds(n.Settled.At.Add(grace)), k.Expires, k.NotBefore)", "seconds(n.Settled.At.Add(grace))"},
	{"02", planGo, "m.Places == pl.f.places(which).Digest()", "true"},
	{"03", planGo, "pl.p.Propagation > 0 && pl.early.Before(pl.Known()) {", "false {"},
	{"04", "rotation/keyset/transitions.go", "		if _, live := s.Key(kid); live {\n			s.remove(kid, at)\n		}\n		if !slices", "		if !slices"},
	{"05", engineDir + "apply.go", "doc, p.head.ID, note)", blindly},
	{"06", engineDir + "apply.go", "doc, p.head.ID, note)", blindly},
	{"07", engineDir + "apply.go", "doc, p.head.ID, note)", blindly},
	{"11", engineDir + "sweep.go", "erased, err := d.store.Erase(ctx, d.secret, rev.ID, d.head)", "erased, err := providers.Erasure{}, error(nil)"},
	{"12", planGo, "pl.ready, pl.settled, pl.retire", "pl.ready, pl.retire"},
	{"13", engineDir + "apply.go", "		p.pending = &attempt{set: set, base: p.head.ID, events: events, err: err}\n", "		again, _ := p.t.Store.Read(ctx, p.t.Secret)\n		_, err = p.t.Store.Write(ctx, p.t.Secret, doc, again.ID, note)\n"},
	{"15", engineDir + "outputs.go", "equal := err == nil && rev.Value.Equal(want)", "equal := false"},
	{"16", trustGo, "case note.Lineage != set.Lineage:", "case false:"},
	{"17", engineDir + "apply.go", "doc, p.head.ID, note)", blindly},
	{"20", "rotation/clock.go", "case c.Service.IsZero() && c.Steady != nil && *c.Steady < longest:", "case false:"},
	{"27", engineDir + "read.go", "case errors.Is(err, providers.ErrUnreadable), errors.Is(err, providers.ErrUnsafe):\n		// guard 6: a store that lost the key is not filled anew\n		halt = failure(rotation.StoreFailure, err)", "case errors.Is(err, providers.ErrUnreadable):\n		p.head = providers.Revision{}"},
	{"23", planGo, `return which(o) && !o.Behind.IsZero()`, "return false"},
	{"30RestoredBackupIsAccepted", engineDir + "accept.go", "slices.Concat(revoke, found.Revoked)", "slices.Clone(revoke)"},
	{"30", trustGo, "!set.Follows(w.Past))", "false)"},
}

// blindly is a write over whatever is there.
const blindly = "doc, func() providers.RevisionID { r, _ := p.t.Store.Read(ctx, p.t.Secret); return r.ID }(), note)"

// With its guard taken out, each incident happens again. `make planted` sets
// ROTATE_PLANTED.
func TestIncidentsHappenWithoutTheirGuards(t *testing.T) {
	if os.Getenv("ROTATE_PLANTED") == "" {
		t.Skip("builds the simulation once a guard: run `make planted`")
	}
	for _, g := range incidentGuards {
		t.Run(g.test, func(t *testing.T) {
			list, root := overlay(t, g.file, g.old, g.without)
			cmd := exec.Command("go", "test", "-vet=off", "-overlay="+list, "-run=^TestIncident"+g.test, "./internal/test/sim")
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Error("its guard is out, and it does not happen")
			case !strings.Contains(string(out), "--- FAIL: TestIncident"+g.test):
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// A key is removed for good while processes are killed, and paused for hours, at their writes, calls fail, and
// outputs cannot be reached: nothing is left, nothing begins anew, and nobody was cut off before.
func TestARemovedKeyIsGoneInTrouble(t *testing.T) {
	for n, trouble := range map[string][]Incident{
		"none":     nil,
		"kills":    {{Kind: Kill, Who: 0, At: 10 * day, Op: "write"}, {Kind: Kill, Who: 1, At: 10 * day, Op: "erase"}, {Kind: Kill, Who: 2, At: 12 * day, Op: "write", N: 1}},
		"pauses":   {{Kind: Pause, Who: 0, At: 10 * day, Op: "write", Dur: 50 * hour}, {Kind: Pause, Who: 1, At: 12 * day, Op: "write", Dur: 3 * day}},
		"outages":  {{Kind: Outage, Who: 1, At: 11 * day, Dur: 4 * day}, {Kind: LostReply, Who: 0, At: 12 * day, Dur: day}},
		"restored": {{Kind: Rollback, Who: 2, At: 11 * day, Dur: 2 * day, N: 2}, {Kind: LateCall, Who: 0, At: 12 * day, Dur: 2 * day}},
		"rotating": {{Kind: Now, At: 9*day + 20*hour, N: 1}, {Kind: Now, At: 11 * day, N: 1}},
	} {
		for _, asymmetric := range []bool{false, true} {
			s := quiet(append(trouble, Incident{Kind: End, At: 10 * day, Dur: 48 * hour})...)
			s.Asymmetric = asymmetric
			o := bubble(t).play(s, true)
			if o.verdict != nil {
				t.Errorf("%s\n%s", n, &Failure{Verdict: o.verdict, Script: s, Story: o.story})
			}
			if o.good == nil || o.good.Removed == nil {
				t.Errorf("%s: the key is not removed", n)
			}
		}
	}
}
