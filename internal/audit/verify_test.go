package audit_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/internal/audit"
)

// written appends n events by a writer of its own, and returns it.
func written(t *testing.T, path string, n int) *audit.File {
	t.Helper()
	f := &audit.File{}
	f.Use(path)
	more(t, f, n)
	return f
}

func more(t *testing.T, f *audit.File, n int) {
	t.Helper()
	for i := range n {
		if err := f.Write(event(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// kinds are those of the findings, each with the file's last part and its line.
func kinds(t *testing.T, path string) (found []string) {
	t.Helper()
	v, err := audit.Verify(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Findings {
		found = append(found, fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, f.Kind))
	}
	return found
}

// What happens to a file of two chains, of four lines and three, and what shows.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(lines []string) []string
		want   []string
	}{
		{"nothing", func(l []string) []string { return l }, nil},
		{"the first line is gone", func(l []string) []string { return l[1:] }, []string{"a:1 missing"}},
		{"a line in the middle is gone", func(l []string) []string { return slices.Delete(l, 1, 2) }, []string{"a:2 missing"}},
		{"the last line before another chain is gone", func(l []string) []string { return slices.Delete(l, 3, 4) }, []string{"a:4 missing"}},
		{"a whole chain is gone", func(l []string) []string { return l[4:] }, []string{"a:1 missing"}},
		{"a line was changed", func(l []string) []string {
			l[2] = strings.Replace(l[2], "kid-2", "kid-3", 1)
			return l
		}, []string{"a:3 changed"}},
		{"the last line was changed", func(l []string) []string {
			l[6] = strings.Replace(l[6], "publish", "promote", 1)
			return l
		}, []string{"a:7 changed"}},
		{"a line's chain was taken off", func(l []string) []string {
			l[2] = l[2][:strings.Index(l[2], `,"writer"`)] + "}\n"
			return l
		}, []string{"a:3 unchained", "a:4 missing"}},
		{"a line's digest was taken off", func(l []string) []string {
			l[6] = l[6][:strings.Index(l[6], `,"digest"`)] + "}\n"
			return l
		}, []string{"a:7 changed"}},
		{"two lines changed places", func(l []string) []string {
			l[1], l[2] = l[2], l[1]
			return l
		}, []string{"a:2 missing", "a:3 misplaced"}},
		{"a line stands twice", func(l []string) []string { return slices.Insert(l, 2, l[1]) }, []string{"a:3 misplaced"}},
		{"a line was cut", func(l []string) []string {
			l[1] = l[1][:40] + "\n"
			return l
		}, []string{"a:2 spoilt", "a:3 missing"}},
		{"the last line was cut off: that shows in the log alone", func(l []string) []string { return l[:6] }, nil},
	} {
		path := filepath.Join(t.TempDir(), "a")
		written(t, path, 4)
		written(t, path, 3)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := c.change(slices.Collect(strings.Lines(string(text))))
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, path); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Every byte of a line counts, that of the last line too.
func TestVerifyEveryByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var f audit.File
	f.Use(path)
	ev := event(0)
	ev.Reason = "why"
	if err := f.Write(ev); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text[:len(text)-1] {
		if err := os.WriteFile(path, bytes.Join([][]byte{text[:i], {text[i] ^ 1}, text[i+1:]}, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		if len(kinds(t, path)) == 0 {
			t.Fatalf("byte %d, %q, was changed unseen", i, text[i])
		}
	}
}

// A chain goes on over files that logrotate moves away, whatever it calls them,
// and the beginning of the oldest may have been deleted with those before it.
func TestVerifyMovedFiles(t *testing.T) {
	for _, names := range [][]string{{".1", ".2", ".10"}, {"-20260301", "-20260201", "-20260101"}, {".1", ".2.gz", ".3.gz"}} {
		path := filepath.Join(t.TempDir(), "a")
		f := written(t, path, 3)
		for i := len(names) - 1; i >= 0; i-- {
			move(t, path, path+names[i])
			f.Reopen()
			more(t, f, 3)
		}
		if v, err := audit.Verify(path); err != nil || len(v.Findings) != 0 || v.Lines != 12 || len(v.Chains) != 1 || v.Chains[0].Last != 12 {
			t.Errorf("%s: %+v, %v", names, v, err)
		}
		if events, _, err := audit.Read(path, []string{"k"}, "m", "s"); len(events) != 12 || err != nil {
			t.Errorf("%s: %d events, %v", names, len(events), err)
		}
		if err := os.Remove(path + names[2]); err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, path); len(got) != 0 {
			t.Errorf("%s: the oldest is deleted: %q", names, got)
		}
		if err := os.Remove(path + names[0]); err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, path); !slices.Equal(got, []string{"a:1 missing"}) {
			t.Errorf("%s: one in the middle is deleted: %q", names, got)
		}
	}
}

// move moves a file away, and compresses it if its new name says so.
func move(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if strings.HasSuffix(to, ".gz") {
		z := gzip.NewWriter(&b)
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	} else {
		b.Write(text)
	}
	if err := errors.Join(err, os.WriteFile(to, b.Bytes(), 0o600), os.Remove(from)); err != nil {
		t.Fatal(err)
	}
}

// logrotate's copytruncate goes on in the same file. A line that was written
// between the copy and the cut is lost, and that shows.
func TestVerifyCopyTruncate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	f := written(t, path, 3)
	rotate := func(between func()) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		between()
		if err := errors.Join(os.WriteFile(path+".1", text, 0o600), os.Truncate(path, 0)); err != nil {
			t.Fatal(err)
		}
	}
	rotate(func() {})
	more(t, f, 2)
	if got := kinds(t, path); len(got) != 0 {
		t.Errorf("%q", got)
	}
	rotate(func() { more(t, f, 1) })
	more(t, f, 1)
	if got := kinds(t, path); !slices.Equal(got, []string{"a:1 missing"}) {
		t.Errorf("%q", got)
	}
}

// Lines of older versions are told of, and are a finding only after newer ones.
func TestVerifyLinesOfBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	old, err := json.Marshal(event(0))
	if err != nil {
		t.Fatal(err)
	}
	old = append(old, '\n')
	if err := os.WriteFile(path, slices.Concat(old, old), 0o600); err != nil {
		t.Fatal(err)
	}
	written(t, path, 2)
	v, err := audit.Verify(path)
	if err != nil || len(v.Findings) != 0 || v.Older != 2 || v.Lines != 4 {
		t.Errorf("%+v, %v", v, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, slices.Concat(text, old, old), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, path); !slices.Equal(got, []string{"a:5 unchained"}) {
		t.Errorf("%q", got)
	}
	if _, err := audit.Verify(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is whole")
	}
}

// Writers that share a file break no chain, whoever begins when.
func TestVerifyManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { written(t, path, 20) })
	}
	all.Wait()
	if v, err := audit.Verify(path); err != nil || len(v.Findings) != 0 || len(v.Chains) != 8 || v.Lines != 160 {
		t.Errorf("%+v, %v", v, err)
	}
}
