package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A report of a compromise is killed at a random moment. Then a retry of it, or a
// daemon that never heard of it, finishes what it began, and replaces nothing
// twice.
func TestPromise4AReportKilledAtAnyMoment(t *testing.T) {
	c := newConsole(t, `
environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys:
  auth-jwt:
    outputs: [{store: disk, secret: copy}, {format: env, path: ./.env}, {format: value, path: ./jwt}, {format: list, path: ./list.json}]
`)
	c.do("now")
	rotate := binary(t)
	w := &witness{t: t, dir: c.dir, texts: map[string][]byte{}}
	set := func() *keyset.Set {
		t.Helper()
		doc, err := os.ReadFile(filepath.Join(c.dir, "keys", "test-auth-jwt.json"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := keyset.Parse(doc)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	command := func(args ...string) *exec.Cmd {
		return exec.Command(rotate, append(args, "-c", filepath.Join(c.dir, "rotate.yaml"))...)
	}
	begun := time.Now()
	if out, err := command("revoke", "auth-jwt", set().Signing().Kid, "--dry-run").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := 2 * time.Since(begun) // about what a report takes
	by := map[string]int{}
	for n := range 12 {
		leaked := set().Signing()
		w.texts[leaked.Kid] = slices.Clone(leaked.Text().Reveal())
		report := []string{"revoke", "auth-jwt", leaked.Kid, "--yes"}
		cmd := command(report...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killer := time.AfterFunc(rand.N(whole), func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		killer.Stop()
		end := report
		if revoked := slices.Contains(set().Revoked, leaked.Kid); err != nil && revoked && n%2 == 0 {
			end = []string{"run", "--once"}
		}
		by[fmt.Sprintf("killed %v, finished by %s", err != nil, end[0])]++
		if out, err := command(end...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", end, err, out)
		}
		s := set()
		w.nowhere(s)
		if len(s.Revoked) != n+1 || len(s.Keys) != 1 {
			t.Fatalf("%d keys are revoked after %d reports, %d live", len(s.Revoked), n+1, len(s.Keys))
		}
	}
	t.Log(by)
}
