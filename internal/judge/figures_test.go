package judge_test

import (
	"bufio"
	"compress/gzip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
)

// knownSecrets is the list that the known ones were made from, for this test
// alone: the program has only their hashes.
var knownSecrets = sync.OnceValue(func() (all []string) {
	f, err := os.Open("gen/lists/known-jwt-secrets.txt.gz")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		panic(err)
	}
	s := bufio.NewScanner(z)
	for s.Scan() {
		if t := strings.TrimSuffix(s.Text(), "\r"); t != "" {
			all = append(all, t)
		}
	}
	if s.Err() != nil {
		panic(s.Err())
	}
	return all
})

const collected = 103_978 // lines of wallarm/jwt-secrets that hold a text

// Each public secret is found, whether the rules find it or not.
func TestKnown(t *testing.T) {
	all := knownSecrets()
	if len(all) != collected {
		t.Fatalf("%d lines, want %d", len(all), collected)
	}
	every, long := 1, 0
	if testing.Short() || million() == 0 {
		every = 20
	}
	for i, text := range all {
		if len(text) >= 32 {
			long++
		} else if i%every != 0 {
			continue
		}
		r := judge.Text([]byte(text), judge.Context{})
		if r.Verdict != judge.Guessable || !r.Has(judge.Known) {
			t.Errorf("line %d, %d characters: %v", i+1, len(text), r)
		}
	}
	t.Logf("%d of %d looked up, among them all %d with 32 characters or more", long+(len(all)-long)/every, len(all), long)
}

// tuned is the seed that the rules were tuned with, tested the one that they are
// tested with.
const (
	tuned  = 1
	tested = 20261129
)

func TestBadOnes(t *testing.T) {
	seed := uint64(tested)
	if os.Getenv("ROTATE_JUDGE_TUNE") != "" {
		seed = tuned
	}
	each := 300
	if million() > 0 {
		each = 5000
	}
	found, all := 0, 0
	m := newMaker(t, seed)
	for kind, k := range badKinds {
		n := 0
		for range each {
			text, c := m.bad(kind)
			r := judge.Text([]byte(text), c)
			if r.Verdict == judge.Guessable {
				n++
			} else if os.Getenv("ROTATE_JUDGE_TUNE") != "" {
				t.Logf("%s: %q passes", k.name, text)
			}
		}
		t.Logf("%-30s %5.1f %% of %d", k.name, float64(n)*100/float64(each), each)
		if n*100 < each*97 {
			t.Errorf("%s: only %d of %d are found, fewer than 97 %%", k.name, n, each)
		}
		found, all = found+n, all+each
	}
	t.Logf("%.2f %% of %d", float64(found)*100/float64(all), all)
	if found*100 < all*97 {
		t.Errorf("only %d of %d are found, fewer than 97 %%", found, all)
	}
}
