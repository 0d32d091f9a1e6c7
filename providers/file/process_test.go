//go:build unix

package file

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// The test binary starts itself as another process: these name the job and the
// store's directory.
const (
	jobVar = "ROTATE_FILE_TEST_JOB"
	dirVar = "ROTATE_FILE_TEST_DIR"
)

// child does a job and returns the exit code.
func child(job string) int {
	jobs := map[string]func(dir string) error{
		"attempt": childAttempt, "write": childWrites, "hold": childHolds, "small files": childSmallFiles, "full disk": childFullDisk,
	}
	if err := jobs[job](os.Getenv(dirVar)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", job, err)
		return 1
	}
	return 0
}

// A process is a child with its pipes.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// command prepares a child, which dies with the test.
func command(t testing.TB, job, dir string) *exec.Cmd {
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), jobVar+"="+job, dirVar+"="+dir)
	return cmd
}

func start(t testing.TB, job, dir string) *process {
	t.Helper()
	cmd := command(t, job, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return &process{Cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

// line is the next line that the child printed.
func (p *process) line(t testing.TB) string {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("the child ended: %v", p.out.Err())
	}
	return p.out.Text()
}

// attempt and outcome are what travels through the pipes. Their values are the
// suite's canaries, not keys.
type attempt struct {
	Name  string
	Value []byte
	After providers.RevisionID
	Note  providers.Note
}

type outcome struct {
	ID   providers.RevisionID
	Kind string
	Text string
}

// raceProcesses gives each attempt a process of its own, and lets them go when
// all are ready.
func raceProcesses(t testing.TB, s providers.Store, attempts []providertest.Attempt) []providertest.Outcome {
	var children []*process
	for _, a := range attempts {
		p := start(t, "attempt", s.(*store).dir)
		text, err := json.Marshal(attempt{a.Name, a.Value.Reveal(), a.After, a.Note})
		must(t, err)
		fmt.Fprintf(p.in, "%s\n", text)
		children = append(children, p)
	}
	for _, p := range children {
		if got := p.line(t); got != "ready" {
			t.Fatalf("the child says %q", got)
		}
	}
	for _, p := range children {
		fmt.Fprintln(p.in, "go")
	}
	var outcomes []providertest.Outcome
	for i, p := range children {
		var o outcome
		must(t, json.Unmarshal([]byte(p.line(t)), &o))
		must(t, p.Wait())
		outcomes = append(outcomes, providertest.Outcome{ID: o.ID, Err: o.err(attempts[i].Name)})
	}
	return outcomes
}

func childAttempt(dir string) error {
	s, err := Config{Dir: dir}.Open(context.Background())
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	var a attempt
	if err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(&a); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := in.ReadString('o'); err != nil { // of "go"
		return err
	}
	rev, err := s.Write(context.Background(), a.Name, providers.NewSecret(a.Value), a.After, a.Note)
	o := outcome{ID: rev.ID}
	if whole := (*providers.Error)(nil); errors.As(err, &whole) {
		o.Kind, o.Text = whole.Kind.Error(), strings.TrimSpace(err.Error())
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// err makes the child's error again.
func (o outcome) err(name string) error {
	if o.Kind == "" {
		return nil
	}
	kinds := []error{providers.ErrConflict, providers.ErrUnclear, providers.ErrUnreadable, providers.ErrUnavailable, providers.ErrUnsafe, providers.ErrDenied}
	i := slices.IndexFunc(kinds, func(k error) bool { return k.Error() == o.Kind })
	if i < 0 {
		return errors.New(o.Text)
	}
	return &providers.Error{Op: "write", Name: name, Kind: kinds[i], Err: errors.New(o.Text)}
}
