package gitscan_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/gitscan"
	"github.com/keyrotate/rotate/internal/traces"
)

// A repo is a repository that a test works in.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "none"))
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &repo{t, dir}
	r.git("init", "-q", "-b", "main")
	r.commit("README.md", "nothing\n")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) commit(name, text string) string {
	r.t.Helper()
	r.write(name, text)
	r.git("add", "-f", name)
	r.git("commit", "-q", "-m", "change")
	return r.git("rev-parse", "HEAD")
}

// scan is what is found of a key of these bytes.
func (r *repo) scan(keys ...[]byte) gitscan.Report {
	r.t.Helper()
	var parts [][]traces.Part
	for _, k := range keys {
		parts = append(parts, []traces.Part{{Bytes: k}})
	}
	f, _, err := traces.New(parts)
	if err != nil {
		r.t.Fatal(err)
	}
	root, err := gitscan.Root(r.t.Context(), r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	report, err := gitscan.Scan(r.t.Context(), root, f, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// one is the only thing that is found, at its only place.
func (r *repo) one(key []byte) (gitscan.Found, gitscan.Place) {
	r.t.Helper()
	found := r.scan(key).Found
	if len(found) != 1 || len(found[0].Places) != 1 {
		r.t.Fatalf("found %+v", found)
	}
	return found[0], found[0].Places[0]
}

func fresh() (key []byte, text string) {
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	return key, base64.RawURLEncoding.EncodeToString(key)
}

// Wherever Git keeps a key it is found, with the commit, the path and the line. A key
// that differs in its last bits is not.
func TestEveryPlaceOfGit(t *testing.T) {
	const path = "config/app.env"
	env := func(text string) string { return "# settings\nJWT_SECRET=" + text + "\n" }
	for name, c := range map[string]struct {
		put  func(r *repo, text string)
		path string // "" for one that is in no commit
		ref  string
	}{
		"a branch": {func(r *repo, text string) { r.commit(path, env(text)) }, path, "refs/heads/main"},
		"removed again": {func(r *repo, text string) {
			r.commit(path, env(text))
			r.git("rm", "-q", path)
			r.git("commit", "-q", "-m", "gone")
		}, path, "refs/heads/main"},
		"a deleted branch": {func(r *repo, text string) {
			r.git("switch", "-q", "-c", "other")
			r.commit(path, env(text))
			r.git("switch", "-q", "main")
			r.git("branch", "-q", "-D", "other")
		}, path, gitscan.InReflog},
		"a deleted branch without a reflog": {func(r *repo, text string) {
			r.git("switch", "-q", "-c", "other")
			r.commit(path, env(text))
			r.git("switch", "-q", "main")
			r.git("branch", "-q", "-D", "other")
			r.git("reflog", "expire", "--expire=now", "--all")
		}, path, gitscan.Unreachable},
		"a stash": {func(r *repo, text string) {
			r.write("README.md", env(text))
			r.git("stash", "-q")
		}, "README.md", "refs/stash"},
		"a stash of an untracked file": {func(r *repo, text string) {
			r.write(path, env(text))
			r.git("stash", "-q", "--include-untracked")
		}, path, "refs/stash"},
		"a dropped stash": {func(r *repo, text string) {
			r.write("README.md", env(text))
			r.git("stash", "-q")
			r.git("stash", "drop", "-q")
		}, "README.md", gitscan.Unreachable},
		"an unreachable packed blob": {func(r *repo, text string) {
			r.commit("x", "1")
			r.write("loose", env(text))
			id := r.git("hash-object", "-w", "loose")
			pack := exec.Command("git", "pack-objects", "-q", ".git/objects/pack/pack")
			pack.Dir, pack.Stdin = r.dir, strings.NewReader(id+"\n")
			if out, err := pack.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			r.git("prune-packed", "-q")
			if _, err := os.Stat(filepath.Join(r.dir, ".git/objects", id[:2], id[2:])); err == nil {
				t.Fatal("the blob is still loose")
			}
		}, "", ""},
		"a note":          {func(r *repo, text string) { r.git("notes", "add", "-m", "settings\nJWT_SECRET="+text) }, "", "refs/notes/commits"},
		"a tag's message": {func(r *repo, text string) { r.git("tag", "-a", "v1", "-m", "x\n\nJWT_SECRET="+text) }, "", ""},
		"a commit's message": {func(r *repo, text string) {
			r.git("commit", "-q", "--allow-empty", "-m", "x\n\nJWT_SECRET="+text)
		}, "", "refs/heads/main"},
		"the name of a file": {func(r *repo, text string) { r.commit(text, "x") }, "", ""},
		"the index":          {func(r *repo, text string) { r.write(path, env(text)); r.git("add", "-f", path) }, path, gitscan.InIndex},
		"a linked work tree": {func(r *repo, text string) {
			r.git("worktree", "add", "-q", "--detach", filepath.Join(t.TempDir(), "linked"))
			linked := &repo{t, strings.TrimPrefix(strings.Split(r.git("worktree", "list", "--porcelain"), "worktree ")[2], "")}
			linked.dir, _, _ = strings.Cut(linked.dir, "\n")
			linked.commit(path, env(text))
		}, path, gitscan.InReflog},
		"the index of a linked work tree": {func(r *repo, text string) {
			r.git("worktree", "add", "-q", "--detach", filepath.Join(t.TempDir(), "linked"))
			linked := &repo{t, strings.Split(r.git("worktree", "list", "--porcelain"), "worktree ")[2]}
			linked.dir, _, _ = strings.Cut(linked.dir, "\n")
			linked.write(path, env(text))
			linked.git("add", "-f", path)
		}, path, gitscan.InIndex},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			key, text := fresh()
			c.put(r, text)
			report := r.scan(key)
			if len(report.Found) == 0 {
				t.Fatal("not found")
			}
			f := report.Found[0]
			if f.Key != 0 || f.Form != "base64" || f.Public {
				t.Errorf("%+v", f)
			}
			if f.Kind == "blob" && c.path != "" && f.Line != 2 && name != "the name of a file" {
				t.Errorf("line %d", f.Line)
			}
			if c.path == "" && c.ref == "" {
				if f.Kind == "blob" && len(f.Places) > 0 {
					t.Errorf("%+v", f.Places)
				}
			} else if len(f.Places) == 0 || c.path != "" && f.Places[0].Path != c.path || !slices.Contains(f.Places[0].Refs, c.ref) {
				t.Errorf("places: %+v", f.Places)
			}
			similar := slices.Clone(key)
			similar[31] ^= 1
			if found := r.scan(similar).Found; len(found) > 0 {
				t.Errorf("a similar key is found: %+v", found)
			}
		})
	}
}

// Forms of a key that are wrapped or encoded twice.
func TestForms(t *testing.T) {
	r := newRepo(t)
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	key, word := fresh()
	r.commit("crlf.pem", strings.ReplaceAll(text, "\n", "\r\n"))
	r.commit("k8s.yaml", "stringData:\n  key: |\n    "+word[:20]+"\n    "+word[20:]+"\n")
	r.commit("twice.txt", "x\n\n"+base64.StdEncoding.EncodeToString([]byte("a: "+base64.StdEncoding.EncodeToString(key))))
	r.commit("hex", hex.EncodeToString(key))
	var got []string
	for _, f := range r.scan(private.Seed(), key).Found {
		got = append(got, f.Places[0].Path+" "+f.Form)
	}
	slices.Sort(got)
	want := []string{"crlf.pem base64", "hex hex", "k8s.yaml base64", "twice.txt base64 in base64"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSubmodules(t *testing.T) {
	inner, outer := newRepo(t), newRepo(t)
	key, text := fresh()
	other, text2 := fresh()
	commit := inner.commit("app.env", "A="+text)
	outer.git("submodule", "add", "-q", inner.dir, "libs/inner")
	outer.git("commit", "-q", "-m", "inner")
	(&repo{t, filepath.Join(outer.dir, "libs/inner")}).commit("b.env", "\nA="+text2)
	f, at := outer.one(key)
	if f.Repository != "libs/inner" || at.Commit != commit || at.Path != "app.env" {
		t.Errorf("%+v", f)
	}
	if f, at = outer.one(other); f.Repository != "libs/inner" || at.Path != "b.env" || f.Line != 2 {
		t.Errorf("%+v", f)
	}
	outer.git("submodule", "deinit", "-q", "-f", "libs/inner")
	if f, _ = outer.one(key); f.Repository != "libs/inner" {
		t.Errorf("%+v", f)
	}
	clone := &repo{t, filepath.Join(t.TempDir(), "clone")}
	outer.git("clone", "-q", outer.dir, clone.dir)
	if report := clone.scan(key); len(report.Found) > 0 || !slices.Equal(report.Absent, []string{"libs/inner"}) {
		t.Errorf("%+v", report)
	}
}

// What was not read is named: files of LFS, and history that was not fetched.
func TestUnread(t *testing.T) {
	r := newRepo(t)
	key, text := fresh()
	r.commit("a.env", text)
	r.git("rm", "-q", "a.env")
	r.commit("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:"+strings.Repeat("0", 64)+"\nsize 12\n")
	report := r.scan(key)
	if len(report.Found) != 1 || len(report.Pointers) != 1 || report.Pointers[0].Path != "big.bin" || report.Repositories[0].Shallow {
		t.Errorf("%+v", report)
	}
	clone := &repo{t, filepath.Join(t.TempDir(), "clone")}
	r.git("clone", "-q", "--depth=1", "file://"+r.dir, clone.dir)
	if report := clone.scan(key); len(report.Found) > 0 || !report.Repositories[0].Shallow {
		t.Errorf("%+v", report)
	}
}

// A blob larger than what is looked at as one, with a key across the border.
func TestLargeBlob(t *testing.T) {
	r := newRepo(t)
	key, text := fresh()
	line := strings.Repeat("x", 1023) + "\n"
	lines := 8<<10 - 1 // the border is in the line after the next
	r.commit("large", strings.Repeat(line, lines)+strings.Repeat("y ", 500)+text+"\n"+strings.Repeat(line, 9000)+text+"\n")
	var got []int
	for _, f := range r.scan(key).Found {
		got = append(got, f.Line)
	}
	if !slices.Equal(got, []int{lines + 1, lines + 1 + 9001}) {
		t.Errorf("lines %v", got)
	}
}

// A repository names no program that runs here, and none of its replacements hides an
// object.
func TestHostileRepository(t *testing.T) {
	r := newRepo(t)
	key, text := fresh()
	r.commit("a.env", text)
	bad := r.git("rev-parse", "HEAD:a.env")
	r.write("good", "nothing\n")
	r.git("replace", bad, r.git("hash-object", "-w", "good"))
	touched := filepath.Join(t.TempDir(), "touched")
	r.write("run", "#!/bin/sh\ntouch "+touched+"\nexit 1\n")
	if err := os.Chmod(filepath.Join(r.dir, "run"), 0o700); err != nil { //nolint:gosec // it has to run, if it does
		t.Fatal(err)
	}
	program := filepath.Join(r.dir, "run")
	for _, name := range []string{"core.fsmonitor", "core.pager", "diff.external", "diff.x.textconv", "diff.x.command", "gpg.program", "core.sshCommand", "credential.helper"} {
		r.git("config", name, program)
	}
	r.git("config", "log.showSignature", "true")
	r.write(".git/info/attributes", "* diff=x\n")
	f, at := r.one(key)
	if f.Object != bad || at.Path != "a.env" {
		t.Errorf("%+v", f)
	}
	if _, err := gitscan.Guard(t.Context(), r.dir, nil); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("a program of the repository's ran")
	}
}

func TestGuard(t *testing.T) {
	r := newRepo(t)
	r.commit("old/.env", "A=1\n")
	r.commit(".env.example", "A=\n")
	r.commit("cert.pem", "-----BEGIN CERTIFICATE-----\n")
	r.commit("tls.pem", "-----BEGIN PRIVATE KEY-----\n")
	r.write("new.env", "A=1\n")
	r.write("keys/a.json", "{}")
	r.write("hidden/.env", "A=1\n")
	r.write(".gitignore", "hidden/\n*.pem\nsafe/\n")
	all, err := gitscan.Guard(t.Context(), r.dir, []string{filepath.Join(r.dir, "keys"), filepath.Join(r.dir, "safe"), t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := []gitscan.Guarded{
		{Path: "old/.env", Tracked: true, Exists: true}, {Path: "tls.pem", Tracked: true, Exists: true}, {Path: "new.env", Exists: true},
		{Path: ".env"}, {Path: "*.pem", Ignored: true}, {Path: "keys/", Exists: true}, {Path: "safe/", Ignored: true, Exists: true},
	}
	if !slices.Equal(all, want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
}

func TestNoRepository(t *testing.T) {
	if _, err := gitscan.Root(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Error(err)
	}
}
