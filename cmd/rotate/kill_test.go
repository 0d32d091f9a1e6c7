package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// TestPromise10KilledAtAnyMoment kills a daemon again and again while it rotates
// a key every three seconds: ROTATE_KILLS times, 8 if it is not set.
func TestPromise10KilledAtAnyMoment(t *testing.T) {
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("ROTATE_KILLS")); err == nil {
		kills = n
	}
	c := newConsole(t, `
environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {grace: 1s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 10s}}
keys: {auth-jwt: {store: disk, every: 3s}}
`)
	w := &witness{t: t, dir: filepath.Join(c.dir, "keys"), texts: map[string][]byte{}}
	rotate := binary(t)
	for range kills {
		w.daemon(rotate, c.dir, time.Duration(rand.N(int64(1200*time.Millisecond))))
		w.check()
	}
	want := 1 + kills/20
	for begun := time.Now(); w.retired < want && time.Since(begun) < time.Minute; {
		w.daemon(rotate, c.dir, 2*time.Second)
		w.check()
	}
	t.Logf("%d kills, generation %d, %d keys were seen, %d of them retired", kills, w.generation, len(w.texts), w.retired)
	if w.retired < want {
		t.Errorf("only %d keys were retired: the daemon made no progress", w.retired)
	}
}

// A witness remembers every key that it saw.
type witness struct {
	t          *testing.T
	dir        string
	texts      map[string][]byte // by kid
	lineage    string
	generation uint64
	retired    int
}

// daemon runs for a while and is killed.
func (w *witness) daemon(rotate, dir string, life time.Duration) {
	w.t.Helper()
	cmd := exec.Command(rotate, "run", "-c", filepath.Join(dir, "rotate.yaml"))
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	killer := time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if killer.Stop() {
		w.t.Fatalf("the daemon ended by itself: %v\n%s", err, log.Bytes())
	}
}

// check reads what was left behind.
func (w *witness) check() {
	w.t.Helper()
	doc, err := os.ReadFile(filepath.Join(w.dir, "test-auth-jwt.json"))
	if os.IsNotExist(err) && w.generation == 0 {
		return // killed before the first write
	} else if err != nil {
		w.t.Fatal(err)
	}
	set, err := keyset.Parse(doc) // one current key, no duplicate kids
	if err != nil {
		w.t.Fatal(err)
	}
	switch {
	case w.lineage != "" && set.Lineage != w.lineage:
		w.t.Fatal("another lineage")
	case set.Generation < w.generation:
		w.t.Fatalf("generation %d after %d", set.Generation, w.generation)
	}
	w.lineage, w.generation = set.Lineage, set.Generation
	for _, k := range set.Keys {
		text := k.Text().Reveal()
		if old, seen := w.texts[k.Kid]; seen && !bytes.Equal(old, text) {
			w.t.Fatalf("kid %s has another text than before", k.Kid)
		}
		w.texts[k.Kid] = text
	}
	w.retired = len(w.texts) - len(set.Keys)
	w.nowhere(set)
}

// nowhere looks for the texts of retired keys in every file.
func (w *witness) nowhere(set *keyset.Set) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for kid, text := range w.texts {
			if _, live := set.Key(kid); !live && bytes.Contains(data, text) {
				w.t.Errorf("%s still holds the text of kid %s, which is gone", path, kid)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
