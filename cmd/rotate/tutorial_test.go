package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/cli"
)

// A block of code of a page, and what a shown command ends with if not with 0.
var (
	codeBlock = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	exitCode  = regexp.MustCompile(`(?m)^\(exit code (\d)\)\n`)
)

// TestTutorial does what docs/tutorial.md tells a reader to do.
func TestTutorial(t *testing.T) {
	r := follow(t, "tutorial.md", nil)
	if r.daemons != 1 || r.commands < 10 {
		t.Errorf("%d daemons and %d commands were found: is the pattern right?", r.daemons, r.commands)
	}
}

// What docs/judge.md shows of `rotate check` is what it answers.
func TestJudgePage(t *testing.T) {
	follow(t, "judge.md", map[string]string{".env": "JWT_SECRET=mysecretkey\nSESSION_KEY=" + rand.Text() + rand.Text() + "\n"})
}

// What docs/check.md shows of keys in Git, shared keys and tokens is what they answer.
func TestCheckPage(t *testing.T) {
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	follow(t, "check.md", nil)
}

// What README.md shows of its first command is what it prints.
func TestReadmePrintsWhatItShows(t *testing.T) {
	config, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	follow(t, "../README.md", map[string]string{"config.example.yaml": string(config)})
}

// follow does what a page tells a reader to do, in the order of the page and in
// virtual time, in a folder with these files, and compares what rotate prints with
// what the page shows. A command under which nothing is shown only has to succeed.
// -update writes the page anew.
func follow(t *testing.T, name string, files map[string]string) (r *reader) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)))
		r = &reader{console: newConsole(t, "")}
		t.Chdir(r.dir)
		if err := os.Remove("rotate.yaml"); err != nil { // the page has its own, or needs none
			t.Fatal(err)
		}
		for name, text := range files {
			r.write(name, text)
		}
		got := codeBlock.ReplaceAllStringFunc(string(page), func(block string) string {
			m := codeBlock.FindStringSubmatch(block)
			switch m[1] {
			case "yaml":
				r.write("rotate.yaml", m[2])
			case "ini":
				r.write(".env", m[2])
			case "console":
				return "```console\n" + r.session(m[2]) + "```"
			}
			return block
		})
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

// A terminal shows standard output and standard error in one, as they come.
type terminal struct {
	mu sync.Mutex
	bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Buffer.Write(p)
}

func (t *terminal) WriteString(s string) (int, error) { return t.Write([]byte(s)) }

// A reader follows a page.
type reader struct {
	*console
	commands, daemons int
}

// session runs the commands of a block, and returns the block as it should be.
func (r *reader) session(block string) string {
	r.t.Helper()
	var right strings.Builder
	for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
		command, shown, _ := strings.Cut(part, "\n")
		r.commands++
		code, said := r.shell(command)
		want := 0
		if m := exitCode.FindStringSubmatch(shown + "\n"); m != nil {
			want, _ = strconv.Atoi(m[1])
		}
		if code != 0 {
			said += fmt.Sprintf("(exit code %d)\n", code)
		}
		said = strings.NewReplacer(r.dir, "/home/you/rotate", "tester@host pid 1", "you@host pid 4711").Replace(said)
		fmt.Fprintf(&right, "$ %s\n", command)
		if shown = strings.TrimRight(shown, "\n"); shown != "" || code != want {
			if g, w := norm(said, dropTimes), norm(shown+"\n", dropTimes); g != w && !*update {
				r.t.Errorf("$ %s\nprints\n%s\nand the page shows\n%s\n(go test -run %s -update writes it anew)", command, said, shown, r.t.Name())
			} else if g == w {
				said = shown + "\n"
			}
			right.WriteString(said)
		}
	}
	return right.String()
}

// shell runs one command. Time is virtual, so no command but rotate may take any.
func (r *reader) shell(command string) (code int, said string) {
	r.t.Helper()
	words := strings.Fields(strings.TrimPrefix(command, "go run ./cmd/"))
	switch words[0] {
	case "go":
		return 0, "" // .ci/run runs it
	case "rotate":
		return r.rotate(words[1:])
	case "sleep":
		seconds, err := strconv.Atoi(words[1])
		if err != nil {
			r.t.Fatal(err)
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		return 0, ""
	}
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	if err != nil {
		r.t.Errorf("%s: %v", command, err)
	}
	return 0, string(out)
}

// rotate runs a command in this process. A daemon is watched for three minutes and
// then stopped, as by Ctrl-C.
func (r *reader) rotate(args []string) (code int, said string) {
	r.t.Helper()
	if args[0] == "run" && len(args) == 1 {
		r.daemons++
		r.daemon(3 * time.Minute)
		return 0, ""
	}
	var out terminal
	code = r.app(strings.NewReader(""), &out, &out).Run(r.t.Context(), args)
	if code == cli.Usage {
		r.t.Errorf("rotate %s is not understood:\n%s", strings.Join(args, " "), out.String())
	}
	return code, out.String()
}
