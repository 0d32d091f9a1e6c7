package dotenv

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// An answer is what a real reader made of a file.
type answer struct {
	Vars  map[string][]byte
	Error string
}

// TestModelsAgainstReaders holds each model against the reader itself. Readers are
// found through ROTATE_DOTENV, which e2e/dotenv.sh sets: a JSON object from each
// name of the table to the command that reads files with it.
func TestModelsAgainstReaders(t *testing.T) {
	commands := realReaders(t)
	files := oddFiles()
	odd := len(files)
	n := randomCount()
	files = append(files, randomFiles(n, randomSeed())...)
	for _, r := range Readers() {
		t.Run(r.Name, func(t *testing.T) {
			answers := ask(t, commands[r.Name], files)
			compared, unsure, wrong := 0, 0, 0
			for i, file := range files {
				switch same, sure := agrees(r, file, answers[i]); {
				case !sure:
					unsure++
				case same:
					compared++
				default:
					if wrong++; wrong <= 12 {
						vars, err := r.model(file)
						t.Errorf("%s\nreader %q %s\n model %+v %v", shown(file), answers[i].Vars, answers[i].Error, vars, err)
					}
				}
			}
			t.Logf("%d odd and %d random files: %d read alike, %d depend on more than the file, %d disagreements", odd, n, compared, unsure, wrong)
		})
	}
}

// TestWritesAgainstReaders holds that each reader sees what Write has for it, in
// the midst of a file, and that those which Write names do not.
func TestWritesAgainstReaders(t *testing.T) {
	commands := realReaders(t)
	texts := []string{
		"abc", "a/b+c==", "q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs", "django-insecure-#x(b)=y", "a b", "a'b", `a"b`, `a\nb`, `a\b`, "a#b", " a", "a ", "#a", "=a", "~a", "a!b", "a`b", "a&b;c|d", "<a>", "(a)", "{a}",
		`["a","b"]`, `{"a":"b"}`, "\u00e4\u65e5\U0001f511", pemText, strings.TrimSuffix(pemText, "\n"), "two\nlines", "it's\ntwo", "-----BEGIN PUBLIC KEY-----\nMC4=\n-----END PUBLIC KEY-----\n",
	}
	r := rand.New(rand.NewPCG(randomSeed(), 15))
	for range randomCount() {
		texts = append(texts, somethingOdd(r))
	}
	var files, kept []string
	var written []Written
	for _, text := range texts {
		if w, err := Write([]byte(text)); err == nil {
			kept, written = append(kept, text), append(written, w)
			files = append(files, "# before\nA='1'\nK="+w.Text+"\nL=after\n")
		}
	}
	for _, r := range Readers() {
		t.Run(r.Name, func(t *testing.T) {
			wrong, told := 0, 0
			for i, a := range ask(t, commands[r.Name], files) {
				sees := string(a.Vars["K"]) == kept[i] && string(a.Vars["L"]) == "after"
				if not := containsReader(written[i].Not, r); sees == not {
					wrong++
					t.Errorf("%q, written as %q: %q %s", kept[i], written[i].Text, a.Vars, a.Error)
				} else if not {
					told++
				}
			}
			t.Logf("%d texts written (of %d): %d cannot be read, as was told, %d disagreements", len(kept), len(texts), told, wrong)
		})
	}
}

func randomCount() int {
	n, err := strconv.Atoi(os.Getenv("ROTATE_DOTENV_RANDOM"))
	if err != nil {
		return 300
	}
	return n
}

func randomSeed() uint64 {
	seed, _ := strconv.ParseUint(os.Getenv("ROTATE_DOTENV_SEED"), 10, 64)
	return seed
}

// agrees compares K and L. What the model does not know for sure is no subject
// of adoption.
func agrees(r Reader, file string, real answer) (same, sure bool) {
	same, sure = true, true
	for _, name := range []string{"K", "L"} {
		model := r.Read([]byte(file), name)
		if model.Set && !model.Sure {
			sure = false
			continue
		}
		value, set := real.Vars[name]
		same = same && model.Set == set && string(model.Value.Reveal()) == string(value)
	}
	return same, sure || !same
}

func realReaders(t *testing.T) map[string][]string {
	text := os.Getenv("ROTATE_DOTENV")
	if text == "" {
		t.Skip("ROTATE_DOTENV is not set; e2e/dotenv.sh runs this")
	}
	var commands map[string][]string
	if err := json.Unmarshal([]byte(text), &commands); err != nil {
		t.Fatal(err)
	}
	for _, r := range Readers() {
		if commands[r.Name] == nil {
			t.Errorf("there is no command for %s", r.Name)
		}
	}
	return commands
}

// ask runs one reader over all files.
func ask(t *testing.T, command []string, files []string) []answer {
	t.Helper()
	raw := make([][]byte, len(files))
	for i, f := range files {
		raw[i] = []byte(f)
	}
	in, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(command, err)
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(files) {
		t.Fatalf("%v: %d answers to %d files, %v", command, len(answers), len(files), err)
	}
	return answers
}
