package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// everShown is everything that outputs ever showed: of files each text with the note
// beside it, of stores each revision.
type everShown struct {
	files map[string][]map[string]string    // by output: its files with their texts, oldest first
	revs  map[string][]providers.RevisionID // by secret
}

// beside reports whether a file is the note beside an output.
func beside(name string) bool {
	return strings.HasSuffix(name, "note") || strings.HasSuffix(name, "witness")
}

func (b *everShown) take(f *fan, stores map[string]*memory.Store) {
	f.t.Helper()
	for output, files := range map[string][]string{
		"./jwt": {"jwt", ".rotate/jwt.note"}, "./jwt.previous": {"jwt.previous", ".rotate/jwt.previous.note"}, "./.env": {".env", ".rotate/.env.note"},
		"./list.json": {"list.json", ".rotate/list.json.note"}, "disk copy": {"keys/copy.json", "keys/.copy.json.witness"},
	} {
		now := map[string]string{}
		for _, name := range files {
			text, err := os.ReadFile(filepath.Join(f.dir, name))
			if err != nil {
				f.t.Fatal(err)
			}
			now[name] = string(text)
		}
		if all := b.files[output]; len(all) == 0 || !maps.Equal(all[len(all)-1], now) {
			b.files[output] = append(all, now)
		}
	}
	for secret, s := range stores {
		revs := s.Peek()[secret]
		if id := revs[len(revs)-1].ID; !slices.Contains(b.revs[secret], id) {
			b.revs[secret] = append(b.revs[secret], id)
		}
	}
}

// Every old revision of every output is put back in turn, as its file with or
// without the note beside it or as a store's revision, at the moment at which the
// wait of the next key has just ended. Each is written over with the newest, and
// begins that wait anew, unless it is a value, which carries no next key: nothing
// is promoted.
func TestPromise6EveryOldRevisionOfEveryOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, main := memoryFan(t)
		stores := map[string]*memory.Store{"app/jwt": main, "copy": f.other}
		b := &everShown{files: map[string][]map[string]string{}, revs: map[string][]providers.RevisionID{}}
		look := func(done func(*keyset.Set) bool) func(*keyset.Set) bool {
			return func(s *keyset.Set) bool { b.take(f, stores); return done(s) }
		}
		f.until(time.Hour, look(func(s *keyset.Set) bool { return s.Generation == 1 }))
		f.until(20*24*time.Hour, look(func(s *keyset.Set) bool { return len(s.Gone) == 1 }))
		before := f.until(20*24*time.Hour, look(func(s *keyset.Set) bool { _, next := s.Next(); return next && s.Ready != nil }))
		newest := func() (all []string) {
			now := &everShown{files: map[string][]map[string]string{}, revs: map[string][]providers.RevisionID{}}
			now.take(f, stores)
			for output, files := range now.files {
				for name, text := range files[0] {
					if !beside(name) { // whose ids are drawn anew
						all = append(all, output+" "+text)
					}
				}
			}
			for secret, s := range stores {
				revs := s.Peek()[secret]
				all = append(all, secret+" "+string(revs[len(revs)-1].Value.Reveal()))
			}
			slices.Sort(all)
			return all
		}
		want, restored := newest(), 0
		put := func(what string, carriesNext bool, restore func()) {
			if carriesNext {
				time.Sleep(f.key.Policy.Propagation + f.key.Policy.Skew())
			}
			restore()
			restored++
			r, _ := f.pass()
			if r.Set.Generation != before.Generation || carriesNext && !r.Set.Ready.At.Equal(time.Now().Truncate(time.Second)) {
				t.Fatalf("%s: generation %d after %d", what, r.Set.Generation, before.Generation)
			}
			if got := newest(); !slices.Equal(got, want) {
				t.Errorf("%s was put back, and is not written over", what)
			}
		}
		for output, all := range b.files {
			for i, files := range all[:len(all)-1] {
				for _, withNote := range []bool{true, false} {
					put(fmt.Sprintf("%s, text %d of %d, with its note: %v", output, i+1, len(all), withNote), !strings.Contains(output, "jwt"), func() {
						for name, text := range files {
							if withNote || !beside(name) {
								if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
									t.Fatal(err)
								}
							}
						}
					})
				}
			}
		}
		for secret, revs := range b.revs {
			for i, id := range revs[:len(revs)-1] {
				put(fmt.Sprintf("%s, revision %d of %d", secret, i+1, len(revs)), secret == "copy", func() { stores[secret].Restore(secret, id) })
			}
		}
		t.Logf("%d old revisions were put back", restored)
		f.until(24*time.Hour, func(s *keyset.Set) bool { return s.Generation > before.Generation })
	})
}
