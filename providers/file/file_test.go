//go:build unix

package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

const name = "production-auth-jwt"

func TestMain(m *testing.M) {
	if job := os.Getenv(jobVar); job != "" {
		os.Exit(child(job))
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	providertest.Run(t, providertest.Harness{
		New: func(t testing.TB) providers.Store { return open(t, filepath.Join(t.TempDir(), "keys")) },
		Reopen: func(t testing.TB, s providers.Store) providers.Store {
			return open(t, s.(*store).dir)
		},
		Race: raceProcesses,
		Lose: func(t testing.TB, s providers.Store, name string) {
			must(t, os.Remove(files(t, s, name).head))
		},
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) {
			must(t, os.WriteFile(files(t, s, name).head, value, 0o600))
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			must(t, os.WriteFile(files(t, s, name).head, old.Value.Reveal(), 0o600))
		},
		BadNames: []string{
			".", "..", ".hidden", "../up", "a/../b", "a/.b", "/abs", "a/", "a//b", "a b", "a\\b", "schlüssel", "a:b",
			strings.Repeat("a", maxName+1),
		},
	})
}

func TestNamesMakeDirectories(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	for _, n := range []string{"a/b/c", "a/b", "a", "a.json-b", strings.Repeat("x", maxName), "A_b.c-9"} {
		if _, err := s.Read(t.Context(), n); !errors.Is(err, providers.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", n, err)
		}
		rev := write(t, s, n, "value of "+n, "")
		if got, err := s.Read(t.Context(), n); err != nil || got.ID != rev.ID {
			t.Errorf("%s: reads %q (%v), want %q", n, got.ID, err, rev.ID)
		}
	}
	for _, dir := range []string{"", "a", "a/b"} {
		if got := perm(t, filepath.Join(s.dir, dir)); got != 0o700 {
			t.Errorf("the directory %q has mode %04o, want 0700", dir, got)
		}
	}
	// A name whose directory is another's file is refused, not mixed up.
	_, err := s.Write(t.Context(), "a.json/b", providers.NewSecret([]byte("v")), "", providers.Note{})
	fails(t, err, providers.ErrUnsafe)
}

// Whatever the name, its files lie in the store's directory, and no two names
// share one.
func FuzzNames(f *testing.F) {
	for _, n := range []string{name, "a/b", "a.json", "..", "a/../b", "a.json.lock", ".a.json.tmp", "/", "a\x00"} {
		f.Add(n, "a")
	}
	s := &store{dir: "/keys"}
	f.Fuzz(func(t *testing.T, one, two string) {
		if !takesName(one) {
			return
		}
		p, q := s.place(one), place{}
		if takesName(two) {
			q = s.place(two)
		}
		mine := []string{p.head, p.lock, p.temp, p.witness}
		for i, path := range mine {
			if !strings.HasPrefix(path, "/keys/") || filepath.Clean(path) != path || slices.Index(mine, path) != i {
				t.Errorf("%q has the file %q", one, path)
			}
			if one != two && slices.Contains([]string{q.head, q.lock, q.temp, q.witness}, path) {
				t.Errorf("%q and %q share the file %q", one, two, path)
			}
		}
	})
}

func TestModeAndGroup(t *testing.T) {
	gid := os.Getgid()
	group, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		mode, group string
		file, dir   fs.FileMode
	}{
		{"", "", 0o600, 0o700},
		{"0600", "", 0o600, 0o700},
		{"0640", group.Name, 0o640, 0o710},
		{"640", strconv.Itoa(gid), 0o640, 0o710},
		{"0644", "", 0o644, 0o711},
	} {
		above := filepath.Join(t.TempDir(), "above")
		dir := filepath.Join(above, "keys")
		s, err := Config{Dir: dir, Mode: c.mode, Group: c.group}.Open(t.Context())
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		first := write(t, s, name, "first", "")
		write(t, s, name, "second", first.ID)
		p := files(t, s, name)
		if got := perm(t, p.head); got != c.file {
			t.Errorf("%+v: the file has mode %04o", c, got)
		}
		for _, made := range []string{dir, above} { // no one gets to the files if not through both
			if got := perm(t, made); got != c.dir {
				t.Errorf("%+v: %s has mode %04o", c, made, got)
			}
		}
		if lock, side := perm(t, p.lock), perm(t, p.witness); lock != 0o600 || side != 0o600 {
			t.Errorf("%+v: the lock has mode %04o, the witness %04o", c, lock, side)
		}
	}
}

func TestConfigIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	for _, c := range []Config{
		{}, {Dir: "keys"}, {Dir: dir, Mode: "0660"}, {Dir: dir, Mode: "0602"}, {Dir: dir, Mode: "0700"}, {Dir: dir, Mode: "0400"},
		{Dir: dir, Mode: "04600"}, {Dir: dir, Mode: "rw"}, {Dir: dir, Mode: "-600"}, {Dir: dir, Group: "no such group"}, {Dir: dir, Group: "-1"},
	} {
		_, err := c.Open(t.Context())
		fails(t, err, providers.ErrUnsafe)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused config made the directory: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("the operator gave up")
	cancel(gaveUp)
	_, err := Config{Dir: dir}.Open(ctx)
	fails(t, err, gaveUp)
}

// A directory that goes away under a running process is not a new store.
func TestDirectoryGone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	write(t, s, name, "value", "")
	must(t, os.Rename(s.dir, s.dir+"-elsewhere"))
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrUnavailable)
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("v")), "", providers.Note{})
	fails(t, err, providers.ErrUnavailable)
	_, err = s.History(t.Context(), name)
	fails(t, err, providers.ErrUnavailable)
}

// Several keys of one store are created at the first start of a daemon: whoever
// looked before the directory was made is not told that it is gone.
func TestDirectoryIsMadeByMany(t *testing.T) {
	above := t.TempDir()
	for i := range 200 {
		s, begin := open(t, filepath.Join(above, strconv.Itoa(i))), make(chan struct{})
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				<-begin
				if _, err := s.enter(t.Context(), name, true); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
	}
}

func TestTooLargeToRead(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	rev := write(t, s, name, "value", "")
	must(t, os.WriteFile(files(t, s, name).head, make([]byte, maxValue+1), 0o600))
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrUnreadable)
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("v")), rev.ID, providers.Note{})
	fails(t, err, providers.ErrUnreadable)
}

func TestErrorsTellWhatToDo(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	write(t, s, name, "value", "")
	must(t, os.Remove(files(t, s, name).head))
	_, err := s.Read(t.Context(), name)
	want := `read production-auth-jwt: there is a stored value, but it cannot be read: DIR/production-auth-jwt.json was there and is not any more
hint: put it back from a backup; without one, rm -f DIR/production-auth-jwt.json DIR/.production-auth-jwt.json.witness, and rotate begins anew: everyone with a token of the lost key is logged out`
	says(t, s, err, want)

	must(t, os.Symlink("elsewhere", files(t, s, name).head))
	_, err = s.Read(t.Context(), name)
	says(t, s, err, `read production-auth-jwt: the store is set up in a way that would expose or lose keys: DIR/production-auth-jwt.json: it is a symbolic link
hint: put a plain file in place of the symbolic link`)

	err = &fs.PathError{Op: "open", Path: s.dir + "/x.json", Err: syscall.EACCES}
	dress(&err, "read", "x")
	says(t, s, err, `read x: permission denied: open DIR/x.json
hint: run rotate as the user that the directory belongs to`)
	if !errors.Is(err, syscall.EACCES) {
		t.Error("the errno is out of reach")
	}
}

func says(t *testing.T, s *store, err error, want string) {
	t.Helper()
	if err == nil || strings.ReplaceAll(say.Error(err).String(), s.dir, "DIR") != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

// What only reads leaves no trace; the first write makes what it needs.
func TestReadingMakesNothing(t *testing.T) {
	tree := workTree(t)
	dir := filepath.Join(tree, "more", "keys")
	s := open(t, dir)
	if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	if _, err := s.Erase(t.Context(), name, "a", "b"); err == nil {
		t.Error("erased what never was")
	}
	revs, err := s.History(t.Context(), name)
	must(t, err)
	if len(revs) > 0 {
		t.Error("a history of nothing")
	}
	must(t, s.Probe(t.Context()))
	if entries, err := os.ReadDir(tree); err != nil || len(entries) != 1 {
		t.Errorf("reading made %v (%v)", entries, err)
	}

	must(t, os.MkdirAll(dir, 0o700))
	open(t, dir) // an empty one is left empty, too
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("opening made %v (%v)", entries, err)
	}
	write(t, s, name, "value", "")
	if _, err := os.Lstat(filepath.Join(dir, ".gitignore")); err != nil {
		t.Error(err)
	}
	must(t, s.Probe(t.Context()))
	left, err := filepath.Glob(filepath.Join(dir, ".rotate-probe*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the probe left %v (%v)", left, err)
	}
}

func TestProbeRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	write(t, s, name, "value", "")
	must(t, os.Chmod(s.dir, 0o770))
	fails(t, s.Probe(t.Context()), providers.ErrUnsafe)
	must(t, os.RemoveAll(s.dir))
	if err := s.Probe(t.Context()); err == nil {
		t.Error("a directory that went away can be written")
	}
}

func TestOpenRefusesALinkToNowhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, os.Symlink("nowhere", dir))
	_, err := Config{Dir: dir}.Open(t.Context())
	fails(t, err, providers.ErrUnsafe)
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		config Config
		option string
	}{
		{Config{Dir: "keys"}, ""},
		{Config{Dir: "./a/../keys", Mode: "0640", Group: "0"}, ""},
		{Config{Dir: "/srv/$keys"}, ""},
		{Config{}, "dir"},
		{Config{Dir: "~/keys"}, "dir"},
		{Config{Dir: "$HOME/k"}, "dir"},
		{Config{Dir: "/srv/${USER}/k"}, "dir"},
		{Config{Dir: "keys", Mode: "0777"}, "mode"},
		{Config{Dir: "keys", Mode: "9999"}, "mode"},
		{Config{Dir: "keys", Mode: "u+r"}, "mode"},
		{Config{Dir: "keys", Group: "no such group"}, "group"},
	} {
		c.config.Relative("/etc/rotate")
		err := c.config.Validate()
		var o *optionError
		if errors.As(err, &o); (err == nil) != (c.option == "") || o != nil && (o.option != c.option || o.hint == "") {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	c := Config{Dir: "./kk"}
	d := Config{Dir: "kk/../kk"}
	c.Relative("/etc")
	d.Relative("/etc")
	if got := c.Where("shop/a"); got != "/etc/kk/shop/a.json" || got != d.Where("shop/a") {
		t.Errorf("%s and %s", got, d.Where("shop/a"))
	}
}

func open(t testing.TB, dir string) *store {
	t.Helper()
	s, err := Config{Dir: dir}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.(*store)
}

func files(t testing.TB, s providers.Store, name string) place {
	t.Helper()
	return s.(*store).place(name)
}

func write(t testing.TB, s providers.Store, name, v string, after providers.RevisionID) providers.Revision {
	t.Helper()
	rev, err := s.Write(t.Context(), name, providers.NewSecret([]byte(v)), after, providers.Note{Lineage: "l", Generation: 1})
	must(t, err)
	return rev
}

func perm(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	must(t, err)
	return info.Mode().Perm()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t testing.TB, err error, kinds ...error) {
	t.Helper()
	for _, k := range kinds {
		if errors.Is(err, k) {
			return
		}
	}
	t.Errorf("the error is %v, want one of %v", err, kinds)
}

// soon is a deadline for what must not block: long enough for a slow machine.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
