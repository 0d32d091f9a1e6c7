//go:build unix

package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// Files that rotate does not write: each is refused, with the cure, before
// anything is written (failure 37).
func TestOutputRefusesWhatItCouldNotKeep(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(t *testing.T, path string)
		root bool
		want string // in the error, and
		cure string // in its hint
	}{
		"a hard link":      {func(t *testing.T, path string) { must(t, os.Link(path, path+".other")) }, false, "2 names", "cp -p"},
		"UTF-16":           {holding("\xff\xfeA\x00=\x001\x00\n\x00"), false, "UTF-16", "iconv"},
		"UTF-16, no mark":  {holding("A\x00=\x001\x00\n\x00"), false, "UTF-16", "iconv"},
		"NUL":              {holding("A=1\nB=\x00\n"), false, "line 2: a NUL", "tr -d"},
		"CR only":          {holding("A=1\rB=2\r"), false, "carriage return", "tr"},
		"a last backslash": {holding("A=1\nB=2\\\n"), false, "backslash", "single quotes"},
		"not UTF-8":        {holding("A=\xe4\n"), false, "not UTF-8", "UTF-8"},
		"a stranger's":     {func(t *testing.T, path string) { must(t, os.Chown(path, stranger, -1)) }, true, "belongs to user", "user 4242"},
		"open to all":      {func(t *testing.T, path string) { must(t, os.Chmod(path, 0o644)) }, false, "mode 0644", "chmod"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root can give files away")
			}
			s, path := dotEnv(t, "A=1\n")
			c.set(t, path)
			before := content(t, path)
			_, err := s.Write(t.Context(), ".env", providers.NewSecret([]byte(lines("k"))), "", providers.Note{})
			fails(t, err, providers.ErrUnsafe)
			var e *providers.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint, c.cure) {
				t.Errorf("%v", err)
			}
			if content(t, path) != before {
				t.Error("it was written")
			}
			if _, err := os.Lstat(filepath.Join(s.dir, helpers, ".env.note")); err == nil {
				t.Error("a note was written")
			}
			fails(t, s.Probe(t.Context()), providers.ErrUnsafe)
		})
	}
}

func holding(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(text), 0o600)) }
}

// What the config does not name stays as it was.
func TestOutputKeepsModeAndGroup(t *testing.T) {
	s, path := dotEnv(t, "A=1\n")
	must(t, os.Chmod(path, 0o400))
	group := -1
	if os.Geteuid() == 0 {
		group = stranger
		must(t, os.Chown(path, -1, group))
	}
	write(t, s, ".env", lines("k"), "")
	info, err := os.Stat(path)
	must(t, err)
	if gid := int(info.Sys().(*syscall.Stat_t).Gid); info.Mode().Perm() != 0o400 || group >= 0 && gid != group {
		t.Errorf("mode %s, group %d", info.Mode(), gid)
	}
	must(t, s.Probe(t.Context()))
	if rest := leftovers(t, s.dir); len(rest) > 0 {
		t.Errorf("left behind: %q", rest)
	}
}

// leftovers is what lies in an output's folder beside .env and its helpers.
func leftovers(t *testing.T, dir string) (rest []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		switch d.Name() {
		case filepath.Base(dir), helpers, ".env", ".env.lock", ".env.note", ".gitignore":
		default:
			rest = append(rest, path)
		}
		return err
	}))
	return rest
}

// A variable that is set to nothing keeps its place for a value: it is no value
// of anyone's.
func TestEmptyVariableIsNoValue(t *testing.T) {
	for before, after := range map[string]string{
		"JWT_SECRET=\nA=1\n": "JWT_SECRET=k\nA=1\nJWT_SECRET_NEXT=k-next\nJWT_SECRET_PREVIOUS=k-previous\n",
		"JWT_SECRET=\"\"\n":  "JWT_SECRET=k\nJWT_SECRET_NEXT=k-next\nJWT_SECRET_PREVIOUS=k-previous\n",
		"JWT_SECRET=''\n":    "JWT_SECRET=k\nJWT_SECRET_NEXT=k-next\nJWT_SECRET_PREVIOUS=k-previous\n",
	} {
		s, path := dotEnv(t, before)
		_, err := s.Read(t.Context(), ".env")
		fails(t, err, providers.ErrNotFound)
		write(t, s, ".env", lines("k"), "")
		if got := content(t, path); got != after {
			t.Errorf("%q became %q", before, got)
		}
	}
}

// A PEM has several lines in a .env file, and is found, changed and taken away as
// a whole.
func TestEnvOfSeveralLines(t *testing.T) {
	pem := func(text string) string {
		one := func(name, end string) string {
			return name + "=\"-----BEGIN X-----\n" + text + end + "\n-----END X-----\n\"\n"
		}
		return one(shop[0], "") + one(shop[1], "next") + one(shop[2], "previous")
	}
	s, path := dotEnv(t, "A=1\n# c\n")
	rev := write(t, s, ".env", pem("one"), "")
	if got := content(t, path); got != "A=1\n# c\n"+pem("one") {
		t.Errorf("%q", got)
	}
	must(t, os.WriteFile(path, []byte(content(t, path)+"B=2\n"), 0o600))
	got, err := s.Read(t.Context(), ".env")
	if err != nil || got.ID != rev.ID || string(got.Value.Reveal()) != pem("one") {
		t.Errorf("after a change elsewhere: %v, the same revision %v", err, got.ID == rev.ID)
	}
	rev = write(t, s, ".env", pem("two"), got.ID)
	if got := content(t, path); got != "A=1\n# c\n"+pem("two")+"B=2\n" {
		t.Errorf("%q", got)
	}
	rev = write(t, s, ".env", lines("plain"), rev.ID)
	must(t, s.Remove(t.Context(), ".env", rev.ID))
	if got := content(t, path); got != "A=1\n# c\nB=2\n" {
		t.Errorf("%q", got)
	}
}

// A note of an earlier version, beside the file, goes on being the note.
func TestOutputFindsEarlierSidecars(t *testing.T) {
	for name, old := range map[string]string{".env": ".env.rotate-", "jwt": ".jwt.rotate."} {
		dir := t.TempDir()
		o := providers.Rendering{Name: name}
		first := openOutput(t, Config{Dir: dir}, o)
		rev := write(t, first, name, "one", "")
		for _, end := range []string{"note", "lock"} { // as the earlier version has them
			must(t, os.Rename(filepath.Join(dir, helpers, name+"."+end), filepath.Join(dir, old+end)))
		}
		must(t, os.RemoveAll(filepath.Join(dir, helpers)))
		s := openOutput(t, Config{Dir: dir}, o)
		got, err := s.Read(t.Context(), name)
		if err != nil || got.ID != rev.ID {
			t.Fatalf("%v, the same revision %v", err, got.ID == rev.ID)
		}
		write(t, s, name, "two", got.ID)
		if _, err := os.Lstat(filepath.Join(dir, helpers)); err == nil {
			t.Error("there are two notes")
		}
		if got, err := first.Read(t.Context(), name); err != nil || string(got.Value.Reveal()) != "two" || strings.HasPrefix(string(got.ID), "unwritten") {
			t.Errorf("%v, %s", err, got.ID)
		}
	}
}
