//go:build unix

package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A head cut off at any byte is not "not found", and nobody writes over it.
func TestIncident33TornHead(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	whole := text(1)
	rev := write(t, s, name, whole, "")
	p := files(t, s, name)
	for n := range len(whole) {
		must(t, os.WriteFile(p.head, []byte(whole[:n]), 0o600))
		got, err := s.Read(t.Context(), name)
		switch {
		case n == 0:
			fails(t, err, providers.ErrUnreadable)
		case err != nil || got.ID == rev.ID || got.Note != (providers.Note{}):
			t.Fatalf("cut at %d: revision %q, note %v (%v)", n, got.ID, got.Note, err)
		}
		for _, after := range []providers.RevisionID{"", rev.ID} {
			_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("new")), after, providers.Note{})
			fails(t, err, providers.ErrConflict, providers.ErrUnreadable)
		}
		if now, err := os.ReadFile(p.head); err != nil || string(now) != whole[:n] {
			t.Fatalf("cut at %d: written over (%v)", n, err)
		}
	}
}

// A witness cut off at any byte is not ignored.
func TestTornWitness(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	rev := write(t, s, name, "value", "")
	p := files(t, s, name)
	whole, err := os.ReadFile(p.witness)
	must(t, err)
	for n := range len(whole) {
		must(t, os.WriteFile(p.witness, whole[:n], 0o600))
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnreadable)
		_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("new")), rev.ID, providers.Note{})
		fails(t, err, providers.ErrUnreadable)
	}
}

// Each state that a writer can leave behind when it is killed, and what the
// next one makes of it.
func TestLeftovers(t *testing.T) {
	const old = "the text of a killed writer"
	for _, c := range []struct {
		name  string
		crash func(t *testing.T, s *store, p place)
	}{
		{"a new text, not renamed", func(t *testing.T, s *store, p place) {
			must(t, os.WriteFile(p.temp, []byte(old), 0o600))
		}},
		{"a part of a new text", func(t *testing.T, s *store, p place) {
			must(t, os.WriteFile(p.temp, []byte(old[:25]), 0o600))
		}},
		{"an empty new text, held by its lock file", func(t *testing.T, s *store, p place) {
			must(t, os.WriteFile(p.temp, nil, 0o600))
			must(t, os.WriteFile(p.lock, nil, 0o600))
		}},
		{"a link in place of the new text", func(t *testing.T, s *store, p place) {
			must(t, os.Symlink(p.head, p.temp))
		}},
	} {
		for _, call := range []string{"write", "erase", "history"} {
			t.Run(c.name+"/"+call, func(t *testing.T) {
				s := open(t, filepath.Join(t.TempDir(), "keys"))
				p := files(t, s, name)
				rev := write(t, s, name, "value", "")
				c.crash(t, s, p)
				if got, err := s.Read(t.Context(), name); err != nil || got.ID != rev.ID {
					t.Errorf("the head reads as %q (%v), want %q", got.ID, err, rev.ID)
				}
				var err error
				switch call {
				case "write":
					write(t, s, name, "next", rev.ID)
				case "erase":
					_, err = s.Erase(t.Context(), name, "0", rev.ID)
				case "history":
					_, err = s.History(t.Context(), name)
				}
				must(t, err)
				if where := grep(t, s.dir, []byte(old[:25])); len(where) > 0 {
					t.Errorf("the old text is still in %v", where)
				}
				if _, err := os.Lstat(p.temp); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the leftover is still there: %v", err)
				}
			})
		}
	}
}

// Killed between the rename and the witness: the new text is the head, nothing
// is an alarm, and the next write mends the witness.
func TestKilledBeforeTheWitness(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	p := files(t, s, name)
	must(t, os.Mkdir(s.dir, 0o700))
	must(t, os.WriteFile(p.head, []byte("created"), 0o600))
	created, err := s.Read(t.Context(), name)
	if err != nil || created.Witness != (providers.Note{}) || created.Note != (providers.Note{}) {
		t.Errorf("after a create: note %v, witness %v (%v)", created.Note, created.Witness, err)
	}
	second := write(t, s, name, "second", created.ID)
	must(t, os.WriteFile(p.head, []byte("third"), 0o600))
	third, err := s.Read(t.Context(), name)
	if err != nil || third.Note != (providers.Note{}) || third.Witness != second.Note {
		t.Errorf("after an update: note %v, witness %v (%v)", third.Note, third.Witness, err)
	}
	fourth := write(t, s, name, "fourth", third.ID)
	if got, err := s.Read(t.Context(), name); err != nil || got.Note != fourth.Note || got.Witness != fourth.Note {
		t.Errorf("after the next write: note %v, witness %v (%v)", got.Note, got.Witness, err)
	}
}

// A superseded text is nowhere on the disk that a file name leads to.
func TestOldTextIsGone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	after := providers.RevisionID("")
	for n := range 5 {
		after = write(t, s, name, text(n), after).ID
		checkOnly(t, s.dir, n)
	}
}

// Writers are killed at random moments. What a writer reported stands; what is
// read is whole; nothing older is left; the witness is never ahead.
// ROTATE_KILLS sets how many.
func TestIncident33KilledWriters(t *testing.T) {
	kills := 30
	if n, err := strconv.Atoi(os.Getenv("ROTATE_KILLS")); err == nil {
		kills = n
	}
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte(text(0))), "", providers.Note{Lineage: "l"})
	must(t, err)
	head, unheard := 0, 0
	for range kills {
		p := start(t, "write", dir)
		for range 1 + rand.IntN(4) {
			p.line(t)
		}
		<-time.After(rand.N(3 * time.Millisecond)) // where in its next write it is hit is left to chance
		must(t, p.Process.Kill())
		last := head
		for { // what it said up to its end
			if n, err := strconv.Atoi(p.out.Text()); err == nil {
				last = n
			}
			if !p.out.Scan() {
				break
			}
		}
		_ = p.Wait() // killed

		rev, err := s.Read(soon(t), name)
		must(t, err)
		head = number(t, rev.Value.Reveal())
		if head != last && head != last+1 {
			t.Fatalf("the head is write %d, the writer reported %d", head, last)
		}
		if head > last {
			unheard++
		}
		if g := rev.Witness.Generation; g != uint64(head) && g+1 != uint64(head) {
			t.Fatalf("the head is write %d, the witness knows of %d", head, g)
		}
		if _, err := s.History(soon(t), name); err != nil {
			t.Fatal(err)
		}
		checkOnly(t, dir, head)
	}
	t.Logf("%d writers killed in %d writes, %d of them with a write done that they had not told of yet; none left anything unreadable", kills, head, unheard)
}

// childWrites writes for ever and reports each write.
func childWrites(dir string) error {
	s, err := Config{Dir: dir}.Open(context.Background())
	if err != nil {
		return err
	}
	for {
		rev, err := s.Read(context.Background(), name)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(rev.Value.Reveal()[len("write-"):][:6]))
		if err != nil {
			return err
		}
		n++
		note := providers.Note{Lineage: "l", Generation: uint64(n)}
		if _, err := s.Write(context.Background(), name, providers.NewSecret([]byte(text(n))), rev.ID, note); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// A file-size limit cuts a write short. The head stands, and no part is left.
func TestShortWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	rev := write(t, s, name, text(0), "")
	out, err := command(t, "small files", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := s.Read(t.Context(), name); err != nil || got.ID != rev.ID {
		t.Errorf("the head is %q (%v), want %q", got.ID, err, rev.ID)
	}
	checkOnly(t, dir, 0)
}

func childSmallFiles(dir string) error {
	s, err := Config{Dir: dir}.Open(context.Background())
	if err != nil {
		return err
	}
	rev, err := s.Read(context.Background(), name)
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: 1000}); err != nil {
		return err
	}
	_, err = s.Write(context.Background(), name, providers.NewSecret([]byte(text(1))), rev.ID, providers.Note{})
	if !errors.Is(err, providers.ErrUnavailable) || !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("the write gives %w", err)
	}
	return nil
}

// text is what the n-th write stores: some kilobytes, so that it can be torn.
func text(n int) string { return strings.Repeat(fmt.Sprintf("write-%06d ", n), 250) }

// number checks that a text is whole and tells which write it is of.
func number(t testing.TB, b []byte) int {
	t.Helper()
	n, err := strconv.Atoi(string(bytes.TrimPrefix(b, []byte("write-"))[:6]))
	if err != nil || string(b) != text(n) {
		t.Fatalf("the head is torn, of %d bytes: %v", len(b), err)
	}
	return n
}

// checkOnly searches the directory for any text but that of the n-th write.
func checkOnly(t testing.TB, dir string, n int) {
	t.Helper()
	for _, found := range regexp.MustCompile(`write-(\d{6})`).FindAllString(contents(t, dir), -1) {
		if want := fmt.Sprintf("write-%06d", n); found != want {
			t.Fatalf("%s is on the disk, and the head is %s", found, want)
		}
	}
}

// contents is all that lies in a directory.
func contents(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		all.Write(b)
	}
	return all.String()
}

// grep lists the files in a directory that hold a text.
func grep(t testing.TB, dir string, what []byte) (where []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		if bytes.Contains(b, what) {
			where = append(where, e.Name())
		}
	}
	return where
}
