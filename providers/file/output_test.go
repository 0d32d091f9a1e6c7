//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

var shop = []string{"JWT_SECRET", "JWT_SECRET_NEXT", "JWT_SECRET_PREVIOUS"}

func lines(text string) string {
	return fmt.Sprintf("JWT_SECRET=%s\nJWT_SECRET_NEXT=%s-next\nJWT_SECRET_PREVIOUS=%s-previous\n", text, text, text)
}

func openOutput(t testing.TB, c Config, o providers.Rendering) *output {
	t.Helper()
	s, err := c.OpenOutput(context.Background(), o)
	must(t, err)
	return s.(*output)
}

// dotEnv is an output in a .env file with this text.
func dotEnv(t testing.TB, text string) (s *output, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), ".env")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return openOutput(t, Config{Dir: filepath.Dir(path)}, providers.Rendering{Name: ".env", Variables: shop}), path
}

func content(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// Lose and Restore are left out: what was lost is written anew, and what comes
// back is rotate's to mend. The tests below hold that.
func TestOutputContract(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		New: func(t testing.TB) providers.Store {
			return openOutput(t, Config{Dir: filepath.Join(t.TempDir(), "out")}, providers.Rendering{})
		},
		Reopen: func(t testing.TB, s providers.Store) providers.Store {
			return openOutput(t, Config{Dir: s.(*output).dir}, providers.Rendering{})
		},
		BadNames: []string{".", "..", "../up", "/abs", "a//b"},
	})
}

// A value that comes back is another revision: whoever saw the first one saw
// not this one.
func TestOutputRevisionsNeverComeBack(t *testing.T) {
	s := openOutput(t, Config{Dir: filepath.Join(t.TempDir(), "out")}, providers.Rendering{})
	ours := providers.Note{Lineage: "l", Generation: 2, Digest: "d"}
	a := write(t, s, name, "a", "")
	b := write(t, s, name, "b", a.ID)
	again := write(t, s, name, "a", b.ID)
	if again.ID == a.ID {
		t.Error("the same value has the same id")
	}
	rev, err := s.Write(t.Context(), name, providers.NewSecret([]byte("c")), again.ID, ours)
	must(t, err)
	p := s.place(name)
	must(t, os.WriteFile(p.head, []byte("by hand"), 0o600))
	got, err := s.Read(t.Context(), name)
	if err != nil || got.ID == rev.ID || got.Note != ours {
		t.Errorf("a value of another hand: %v, id changed %v, note %v", err, got.ID != rev.ID, got.Note)
	}
	if strings.Contains(string(got.ID), idHex("by hand")) {
		t.Error("the id can be guessed from the value")
	}
}

func idHex(text string) string { return string(idOf([]byte(text))) }

// Deleted by hand, it is written anew; the keyset's own store never is.
func TestOutputIsWrittenAnew(t *testing.T) {
	s, path := dotEnv(t, "A=1\n")
	rev := write(t, s, ".env", lines("one"), "")
	must(t, os.Remove(path))
	_, err := s.Read(t.Context(), ".env")
	fails(t, err, providers.ErrNotFound)
	again := write(t, s, ".env", lines("one"), "")
	if again.ID == rev.ID || content(t, path) != lines("one") {
		t.Errorf("written anew: %q", content(t, path))
	}
}

func TestEnvChangesOnlyItsVariables(t *testing.T) {
	long := "X='many\nlines JWT_SECRET\n'\n"
	for _, c := range []struct{ name, before, after string }{
		{"empty", "", lines("k")},
		{"others", "A=1\n# c\n", "A=1\n# c\n" + lines("k")},
		{"no last line end", "A=1", "A=1\n" + strings.TrimSuffix(lines("k"), "\n")},
		{"CRLF", "A=1\r\nJWT_SECRET=old\r\n", "A=1\r\nJWT_SECRET=k\r\nJWT_SECRET_NEXT=k-next\r\nJWT_SECRET_PREVIOUS=k-previous\r\n"},
		{"in place", "JWT_SECRET_PREVIOUS='p'\n  export JWT_SECRET=\"old\" # why\nJWT_SECRET_NEXT=n", "JWT_SECRET_PREVIOUS=k-previous\n  export JWT_SECRET=k # why\nJWT_SECRET_NEXT=k-next"},
		{"set twice", "JWT_SECRET=a\nB=2\nJWT_SECRET=b\n", "JWT_SECRET=k\nB=2\nJWT_SECRET=k\nJWT_SECRET_NEXT=k-next\nJWT_SECRET_PREVIOUS=k-previous\n"},
		{"no value", "JWT_SECRET= # none yet\n", "JWT_SECRET= k # none yet\nJWT_SECRET_NEXT=k-next\nJWT_SECRET_PREVIOUS=k-previous\n"},
		{"quotes", long, long + lines("k")},
		{"alike", "MY_JWT_SECRET=1\n#JWT_SECRET=x\nJWT_SECRETS=2\n", "MY_JWT_SECRET=1\n#JWT_SECRET=x\nJWT_SECRETS=2\n" + lines("k")},
	} {
		s, path := dotEnv(t, c.before)
		head, err := s.Read(t.Context(), ".env")
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		write(t, s, ".env", lines("k"), head.ID)
		if got := content(t, path); got != c.after {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.after)
		}
		rev, err := s.Read(t.Context(), ".env")
		if err != nil || string(rev.Value.Reveal()) != lines("k") {
			t.Errorf("%s: it is not read back: %v", c.name, err)
		}
		must(t, s.Remove(t.Context(), ".env", rev.ID))
		if _, err := os.ReadFile(path); c.name == "others" && (err != nil || content(t, path) != c.before) {
			t.Errorf("%s: after Remove %v", c.name, err)
		}
	}
}

// What would not be read is not written.
func TestEnvRefusesWhatHidesIt(t *testing.T) {
	before := "A='never closed\n"
	s, path := dotEnv(t, before+"JWT_SECRET=x\n")
	_, err := s.Read(t.Context(), ".env")
	fails(t, err, providers.ErrUnsafe)
	if !strings.Contains(err.Error(), path+":1") || strings.Contains(err.Error(), "never closed") {
		t.Errorf("%v", err)
	}
}

// A .env of 200 odd lines comes through 100 rotations with nothing changed but
// the three values.
func TestEnvSurvivesRotations(t *testing.T) {
	odd := []string{
		"", "   ", "# comment", "#JWT_SECRET=commented out", "A=1", "A=2", "export B='x y'", "\texport  C = \"q \\\" q\"  # c",
		"D=it's", "E=\"two\nlines\"", "F='JWT_SECRET inside'", "not an assignment", "G=a#b", "H=$HOME", "I=\"$HOME\"", "=x", "J=", "K='x'y",
		"L=\u00fc\u00df", "M=`tick`", "JWT_SECRET_OLD=z", "N=\\", "O=a=b=c",
	}
	rapid.Check(t, func(rt *rapid.T) {
		ends := rapid.SampledFrom([]string{"\n", "\r\n"})
		var before []string // our variables are %s
		for range 200 {
			before = append(before, rapid.SampledFrom(odd).Draw(rt, "line")+ends.Draw(rt, "end"))
		}
		for _, n := range shop {
			if rapid.Bool().Draw(rt, "there") {
				form := rapid.SampledFrom([]string{"%s=\x00", "export %s=\x00", " %s = \x00 # c"}).Draw(rt, "form")
				at := rapid.IntRange(0, len(before)).Draw(rt, "at")
				line := fmt.Sprintf(form, n) + ends.Draw(rt, "end")
				before = append(before[:at], append([]string{line}, before[at:]...)...)
			}
		}
		text := strings.Join(before, "")
		if rapid.Bool().Draw(rt, "cut") {
			text = strings.TrimRight(text, "\r\n")
		}
		file, shape := []byte(strings.ReplaceAll(text, "\x00", "'a stranger'")), ""
		for i := range 100 {
			key := fmt.Sprintf("key-%d.%d", i, i*i)
			var err error
			if file, err = withVariables(file, shop, []byte(lines(key))); err != nil {
				rt.Fatal(err)
			}
			after := string(file)
			for _, end := range []string{"-next", "-previous", ""} {
				after = strings.ReplaceAll(after, key+end, "\x00")
			}
			if i == 0 {
				shape = after
				if !strings.HasPrefix(after, text) {
					rt.Fatalf("the first write changed\n%q\ninto\n%q", text, after)
				}
			}
			if after != shape {
				rt.Fatalf("rotation %d changed\n%q\ninto\n%q", i, shape, after)
			}
		}
	})
}

// Modes are as declared, and a file that is open to more people than that is
// not written.
func TestOutputModes(t *testing.T) {
	_, path := dotEnv(t, "A=1\n")
	s := openOutput(t, Config{Dir: filepath.Dir(path), Mode: "0640"}, providers.Rendering{Name: ".env", Variables: shop})
	rev := write(t, s, ".env", lines("k"), "")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	must(t, os.Chmod(path, 0o644))
	_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("l"))), rev.ID, providers.Note{})
	fails(t, err, providers.ErrUnsafe)
	must(t, os.Remove(path))
	must(t, os.Symlink("/dev/null", path))
	_, err = s.Read(t.Context(), ".env")
	fails(t, err, providers.ErrUnsafe)
}

func TestOutputStaysOutOfGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	s, path := dotEnv(t, "A=1\n")
	must(t, exec.Command("git", "init", "-q", s.dir).Run())
	_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("k"))), "", providers.Note{})
	fails(t, err, providers.ErrUnsafe)
	if content(t, path) != "A=1\n" {
		t.Error("it was written")
	}
	if _, err := os.Lstat(filepath.Join(s.dir, helpers)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made for nothing")
	}
	must(t, os.WriteFile(filepath.Join(s.dir, ".gitignore"), []byte(".env\n"), 0o600))
	write(t, s, ".env", lines("k"), "")
	if out := inGit(t, s.dir, "status", "--porcelain", "--untracked-files=all"); out != "?? .gitignore\n" {
		t.Errorf("git sees %q", out)
	}
}

// A crash between the sidecar and the file leaves rotate's place, with a value
// to be mended.
func TestOutputCrashBetweenItsTwoFiles(t *testing.T) {
	s, path := dotEnv(t, "")
	rev := write(t, s, ".env", lines("one"), "")
	next := providers.Note{Lineage: "l", Generation: 2}
	before := content(t, path)
	_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("two"))), rev.ID, next)
	must(t, err)
	must(t, os.WriteFile(path, []byte(before), 0o600)) // as if the second rename had not happened
	got, err := s.Read(t.Context(), ".env")
	if err != nil || got.ID == rev.ID || got.Note != next {
		t.Fatalf("%v, %v", got.Note, err)
	}
	write(t, s, ".env", lines("two"), got.ID)
}

// part is an output in a .env file with other variables.
func part(t testing.TB, path, name string) *output {
	t.Helper()
	return openOutput(t, Config{Dir: filepath.Dir(path)}, providers.Rendering{Name: ".env", Variables: []string{name, name + "_NEXT", name + "_PREVIOUS"}})
}

func partLines(name, text string) string { return strings.ReplaceAll(lines(text), "JWT_SECRET", name) }

// Outputs that share a .env file have revisions of their own: what one writes, and
// what a person writes elsewhere in the file, changes no other's.
func TestPartsOfOneFile(t *testing.T) {
	usual, path := dotEnv(t, "PORT=1\n")
	other := part(t, path, "MAIL_SECRET")
	first := write(t, usual, ".env", lines("one"), "")
	second := write(t, other, ".env", partLines("MAIL_SECRET", "two"), "")
	must(t, os.WriteFile(path, []byte(strings.Replace(content(t, path), "PORT=1", "# mine\nPORT=2", 1)), 0o600))
	for _, s := range []struct {
		*output
		want providers.RevisionID
	}{{usual, first.ID}, {other, second.ID}, {part(t, path, "MAIL_SECRET"), second.ID}} {
		if got, err := s.Read(t.Context(), ".env"); err != nil || got.ID != s.want {
			t.Errorf("%s: another's change made a revision of it: %v", s.vars[0], err)
		}
	}
	third := write(t, other, ".env", partLines("MAIL_SECRET", "three"), second.ID)
	must(t, usual.Remove(t.Context(), ".env", first.ID))
	if got, err := other.Read(t.Context(), ".env"); err != nil || got.ID != third.ID {
		t.Errorf("it is gone with another output: %v", err)
	}
	if got, want := content(t, path), "# mine\nPORT=2\n"+partLines("MAIL_SECRET", "three"); got != want {
		t.Errorf("the file is %q, want %q", got, want)
	}
}

// The note of other variables than the usual ones was once where the note of those
// is. It goes on counting for what it was written with, for nothing else, and moves
// with the next write.
func TestPartFindsItsFormerNote(t *testing.T) {
	usual, path := dotEnv(t, "")
	s := part(t, path, "MAIL_SECRET")
	p := s.place(".env")
	rev := write(t, s, ".env", partLines("MAIL_SECRET", "one"), "")
	must(t, os.Rename(p.witness, p.former))
	if got, err := s.Read(t.Context(), ".env"); err != nil || got.ID != rev.ID || got.Note != rev.Note {
		t.Errorf("its former note does not count: %v", err)
	}
	write(t, s, ".env", partLines("MAIL_SECRET", "two"), rev.ID)
	if exists(p.former) || !exists(p.witness) {
		t.Error("the note did not move")
	}
	must(t, os.Remove(p.witness))
	write(t, usual, ".env", lines("mine"), "")
	if got, err := s.Read(t.Context(), ".env"); err != nil || got.Note != (providers.Note{}) {
		t.Errorf("it takes the note of another output for its own: %v", err)
	}
}

// Who edits the file while rotate makes its successor loses nothing: the write is a
// lost race, and leaves the revision that was there.
func TestAnEditDuringAWriteIsKept(t *testing.T) {
	s, path := dotEnv(t, "A=1\n")
	rev := write(t, s, ".env", lines("one"), "")
	p := s.place(".env")
	for name, change := range map[string]func(){
		"edited":  func() { must(t, os.WriteFile(path, []byte("A=2\n"+lines("one")), 0o600)) },
		"deleted": func() { must(t, os.Remove(path)) },
	} {
		head, err := s.find(p)
		must(t, err)
		change()
		_, err = s.put(t.Context(), p, head, providers.NewSecret([]byte(lines("two"))), providers.Note{})
		fails(t, err, providers.ErrConflict)
		got, err := s.Read(t.Context(), ".env")
		if name == "edited" && (err != nil || got.ID != rev.ID || content(t, path) != "A=2\n"+lines("one")) {
			t.Errorf("%s: the file is %q, its revision changed, or %v", name, content(t, path), err)
		}
		if name == "deleted" && (!errors.Is(err, providers.ErrNotFound) || exists(path)) {
			t.Errorf("%s: it is back: %v", name, err)
		}
		if exists(p.temp) || exists(p.sideTemp()) {
			t.Errorf("%s: it leaves a text behind", name)
		}
		must(t, os.WriteFile(path, []byte("A=1\n"+lines("one")), 0o600))
	}
}

// A folder that cannot be synced after a change is told as unclear: a power cut may
// bring back what was there.
func TestAFolderThatCannotBeSynced(t *testing.T) {
	for _, variables := range [][]string{nil, {"A"}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "app")
		s, err := Config{Dir: dir}.OpenOutput(t.Context(), providers.Rendering{Name: "app", Variables: variables})
		must(t, err)
		failing := func(call func() error) error {
			before, _ := os.ReadFile(path)
			defer func(sync func(*os.File) error) { fsync = sync }(fsync)
			fsync = func(f *os.File) error {
				if now, _ := os.ReadFile(path); f.Name() == dir && string(now) != string(before) {
					return errors.New("the disk is gone")
				}
				return f.Sync()
			}
			return call()
		}
		fails(t, failing(func() error {
			_, err := s.Write(t.Context(), "app", providers.NewSecret([]byte("A=x\n")), "", providers.Note{})
			return err
		}), providers.ErrUnclear)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString("B=1\n") // so that something of a .env file stays
		must(t, errors.Join(err, f.Close()))
		now, err := s.Read(t.Context(), "app")
		must(t, err)
		r, ok := s.(providers.Remover)
		if !ok {
			t.Fatal("no Remover")
		}
		fails(t, failing(func() error { return r.Remove(t.Context(), "app", now.ID) }), providers.ErrUnclear)
	}
}
