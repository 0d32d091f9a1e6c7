package rice_test

import (
	"math/rand/v2"
	"testing"

	"github.com/keyrotate/rotate/internal/judge/rice"
)

func TestHasWhatWasPacked(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var sets [][]uint64
	for _, n := range []int{0, 1, 2, 127, 128, 129, 5000} {
		set := make([]uint64, n)
		for i := range set {
			set[i] = rng.Uint64()
		}
		if n > 2 {
			set[0], set[1], set[2] = 0, ^uint64(0), set[3]
		}
		sets = append(sets, set)
	}
	all, err := rice.Parse(string(rice.Pack(sets...)))
	if err != nil || len(all) != len(sets) {
		t.Fatalf("%d sets, %v", len(all), err)
	}
	for i, set := range sets {
		for _, h := range set {
			if !all[i].Has(h) {
				t.Fatalf("set %d of %d: %x is not found", i, len(set), h)
			}
		}
		// The chance of one false answer is below 10^-5 in all.
		for range 20_000 {
			if h := rng.Uint64(); all[i].Has(h) {
				t.Fatalf("set %d of %d: %x is found", i, len(set), h)
			}
		}
	}
}

// The share of false answers is what Bits promises: neighbours of a number of
// the set that are nearer than the scale can tell are found, others are not.
func TestNeighbours(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	set := make([]uint64, 4096) // a power of two: the scale is a shift by 64-34-12 bits
	for i := range set {
		set[i] = rng.Uint64() &^ (1<<18 - 1)
	}
	all, err := rice.Parse(string(rice.Pack(set)))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range set {
		if !all[0].Has(h+1<<18-1) || all[0].Has(h+1<<18) || all[0].Has(h-1) {
			t.Fatal("the scale has another size")
		}
	}
}

func TestParseRefusesDamage(t *testing.T) {
	packed := string(rice.Pack([]uint64{1, 2, 3}))
	for n := 1; n < len(packed); n++ {
		if _, err := rice.Parse(packed[:n]); err == nil {
			t.Errorf("%d of %d bytes are parsed", n, len(packed))
		}
	}
}
