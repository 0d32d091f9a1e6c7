package sim

import (
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fromEnv is a number that a long run sets.
func fromEnv(t *testing.T, name string, otherwise float64) float64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// The promises hold for simulated years: a few here, as many as
// ROTATE_SIM_YEARS asks for.
func TestPromisesHoldForYears(t *testing.T) {
	seed := uint64(fromEnv(t, "ROTATE_SIM_SEED", 1))
	years := fromEnv(t, "ROTATE_SIM_YEARS", 0.5)
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // small heaps, short lives
	began := time.Now()
	r := Run(bubble(t), seed, years, time.Duration(fromEnv(t, "ROTATE_SIM_SHRINK", 30))*time.Second)
	t.Logf("%s\n%.0f years a minute", r.Summary(), r.Years/time.Since(began).Minutes())
	if r.Failure != nil {
		t.Fatalf("\n%s", r.Failure)
	}
	if years < 100 {
		return // too few to count
	}
	t.Logf("faults that took effect, by the transition that was to come, for 1/2/3/4 rotators:\n\n%s", r.Coverage)
	if r.Rotations < 10_000 || r.Coverage.Total() < 100_000 {
		t.Error("too small to count: 10,000 rotations and 100,000 faults are wanted")
	}
	for _, c := range r.Coverage.Empty() {
		t.Errorf("nothing of this kind happened: %s at %s with %d rotators", c.Kind, c.Action, c.Rotators)
	}
}

// bubble plays worlds inside testing/synctest.
func bubble(t *testing.T) Bubble {
	return func(f func()) { synctest.Test(t, func(*testing.T) { f() }) }
}

// A seed replays exactly.
func TestSameSeedSameWorld(t *testing.T) {
	play := func(seed uint64) *oracle {
		s := quiet(append(atWrites(Kill, hour, 3), Incident{Kind: LateCall, At: 3 * day, Dur: 14 * day}, Incident{Kind: Now, N: 2, At: 6 * day})...)
		s.Seed = seed
		return bubble(t).play(s, false)
	}
	a, b := play(7), play(7)
	if a.w.hash != b.w.hash || a.Rotations != b.Rotations {
		t.Errorf("%016x with %d rotations, then %016x with %d", a.w.hash, a.Rotations, b.w.hash, b.Rotations)
	}
	if play(8).w.hash == a.w.hash {
		t.Error("another seed gives the same world")
	}
}
