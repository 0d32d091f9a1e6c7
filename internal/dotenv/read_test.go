package dotenv

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestReadAgrees(t *testing.T) {
	for file, want := range map[string]struct{ value, cannot string }{
		"K=abc\n":                      {"abc", ""},
		"K=abc":                        {"abc", ""},
		"# c\n\nK=a/b+c==\n":           {"a/b+c==", ""},
		"export K=abc\n":               {"abc", "docker --env-file, systemd EnvironmentFile"},
		"K=\"" + pemText + "\"\nL=1\n": {pemText, "docker --env-file"},
		"\ufeffL=1\nK=abc\n":           {"abc", "godotenv"},
		"L=a b\nK=abc\n":               {"abc", ""},
		"L=it's\nK=abc\n":              {"abc", "a POSIX shell"},
		"K=a/b-c_d.e:f,g@h\nL=\"\"\n":  {"a/b-c_d.e:f,g@h", ""},
	} {
		got, err := Read([]byte(file), "K", nil)
		var cannot []string
		for _, r := range got.Cannot {
			cannot = append(cannot, r.Name)
		}
		if err != nil || string(got.Value.Reveal()) != want.value || strings.Join(cannot, ", ") != want.cannot {
			t.Errorf("%q: %q, not by %q, %v", file, got.Value.Reveal(), cannot, err)
		}
	}
}

// The smallest inputs of failure 36, and the rest of its kind.
func TestReadRefusesWhatReadersDifferOn(t *testing.T) {
	for file, want := range map[string]string{
		"K=abc#q\n":       "npm dotenv 15 to 17 and node --env-file read 3 bytes (the first difference is byte 4)",
		"K=`abc`\n":       "npm dotenv 16",
		"K=a\\b\n":        "systemd EnvironmentFile and a POSIX shell read 2 bytes",
		"K=x #note\n":     "docker --env-file and systemd EnvironmentFile read 7 bytes",
		"K=\"x\"\n":       "docker --env-file reads 3 bytes",
		"K='x'\n":         "docker --env-file reads 3 bytes",
		"K=\"a\\nb\"\n":   "read 4 bytes",
		"K=a$B\n":         "put something else in place of a part of it",
		"K='a${B}c'\n":    "python-dotenv puts something else",
		"K= # none\n":     "read 0 bytes",
		"K=abc \n":        "docker --env-file reads 4 bytes",
		"K=$(echo abc)\n": "a POSIX shell",
		"K=abc\r\n":       "a POSIX shell reads 4 bytes (the first difference is byte 4)",
		"K=it's\n":        "systemd", // a shell gives up the file
	} {
		_, err := Read([]byte(file), "K", nil)
		var d *Disagreement
		if !errors.As(err, &d) {
			if file == "K=it's\n" && err == nil {
				continue
			}
			t.Errorf("%q: %v", file, err)
			continue
		}
		if !strings.Contains(err.Error(), want) || d.Hint() == "" {
			t.Errorf("%q:\n%s\nhint: %s", file, err, d.Hint())
		}
		if text := err.Error() + d.Hint(); strings.Contains(text, "abc") {
			t.Errorf("%q: the value is quoted: %s", file, text)
		}
	}
}

func TestReadWithFewerReaders(t *testing.T) {
	only := func(names ...string) (by []Reader) {
		for _, r := range Readers() {
			for _, n := range names {
				if r.Name == n {
					by = append(by, r)
				}
			}
		}
		return by
	}
	got, err := Read([]byte("K=\"a b\" # c\n"), "K", only("npm dotenv 16", "python-dotenv"))
	if err != nil || string(got.Value.Reveal()) != "a b" {
		t.Errorf("%q, %v", got.Value.Reveal(), err)
	}
	got, err = Read([]byte("K=\"a b\"\n"), "K", only(Docker))
	if err != nil || string(got.Value.Reveal()) != `"a b"` {
		t.Errorf("%q, %v", got.Value.Reveal(), err)
	}
}

func TestReadRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"L=1\n":                   ErrMissing.Error(),
		"K=\n":                    ErrEmpty.Error(),
		"K=''\nL=1\n":             "reads 2 bytes", // Docker sees the quotes
		"K=a\nL=1\nK=b\n":         "lines 1, 3",
		"\xff\xfeK\x00=\x00a\x00": "UTF-16",
		"K\x00=\x00a\x00b\x00":    "UTF-16",
		"L=1\nK=a\x00\n":          "line 2: a NUL",
		"L=\xe4\nK=a\n":           "line 1: a byte",
		"L=1\rK=a\r":              "carriage return alone",
		"L=1\nK=a\r":              "carriage return alone",
		"K=a\nL=b\\":              "line 2: the last line ends in a backslash",
		"K=a\nL=b\\\n\n":          "line 2: the last line ends in a backslash",
	} {
		_, err := Read([]byte(file), "K", nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", file, err, want)
		}
		var hinted interface{ Hint() string }
		if !errors.Is(err, ErrMissing) && !errors.Is(err, ErrEmpty) && (!errors.As(err, &hinted) || hinted.Hint() == "") {
			t.Errorf("%q: no cure", file)
		}
	}
	if _, err := Read(nil, "no name", nil); !errors.Is(err, ErrBadName) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	got := strings.Join(Names([]byte("\ufeffA=1\n# B=2\nexport C = x\nA=2\n1D=x\nnone\n E='f'\n")), ",")
	if got != "A,C,E" {
		t.Error(got)
	}
}

func TestWrite(t *testing.T) {
	for text, want := range map[string]string{
		"abc+/=_-.:@,": "abc+/=_-.:@,",
		"a b#c":        "'a b#c'",
		`say "hi"`:     `'say "hi"'`,
		"it's":         `"it's"`,
		"ümlaut":       "'ümlaut'",
		`a\b`:          `'a\b'`,
		"two\nlines":   "\"two\nlines\"",
		pemText:        "\"" + pemText + "\"",
		`it's "both"`:  "",
		"a$b":          "",
		"a\tb":         "",
		"a\rb":         "",
		"it's \\":      "",
		"a\\":          "",
		"\xff":         "",
		"say \"a\"\nb": "",
	} {
		w, err := Write([]byte(text))
		var no *Unwritable
		if w.Text != want || (want == "") != errors.As(err, &no) {
			t.Errorf("%q: %q, not by %v, %v", text, w.Text, w.Not, err)
		}
		if no != nil && (no.Hint() == "" || strings.Contains(no.Error(), text)) {
			t.Errorf("%q: %v", text, no)
		}
	}
}

// Whatever is written is read alike, and what is read alike can be written or
// says why not.
func TestWriteIsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	written := 0
	for range 3000 {
		text := somethingOdd(r)
		w, err := Write([]byte(text))
		if err != nil {
			continue
		}
		written++
		for _, reader := range Readers() {
			got := reader.Read([]byte("A='1'\nK="+w.Text+"\nB=2"), "K")
			if same := got.Set && got.Sure && string(got.Value.Reveal()) == text; same == containsReader(w.Not, reader) {
				t.Errorf("%q as %q: %s reads %q", text, w.Text, reader, got.Value.Reveal())
			}
		}
	}
	if written < 500 {
		t.Errorf("only %d texts were written", written)
	}
}

func containsReader(all []Reader, r Reader) bool {
	for _, o := range all {
		if o.Name == r.Name {
			return true
		}
	}
	return false
}

func FuzzRead(f *testing.F) {
	for _, file := range oddFiles() {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := Read(file, "K", nil)
		if err == nil && (got.Value.Len() == 0 || got.Value.Len() > len(file) || len(got.Cannot) == len(Readers())) {
			t.Errorf("%q was adopted by %d readers", file, len(Readers())-len(got.Cannot))
		}
	})
}
