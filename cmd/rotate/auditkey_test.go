package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// life rotates a key away until the first one is deleted, and returns the kids.
func life(t *testing.T, c *console) (first, second string) {
	t.Helper()
	c.do("now")
	first = signing(t, c)
	time.Sleep(time.Minute)
	c.do("now", "--request", "INC-42")
	second = signing(t, c)
	time.Sleep(49 * time.Hour)
	c.do("run", "--once")
	return first, second
}

func signing(t *testing.T, c *console) string {
	t.Helper()
	var report struct {
		Keys []struct{ Current struct{ Kid string } }
	}
	if err := json.Unmarshal([]byte(c.do("status", "-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	return report.Keys[0].Current.Kid
}

func evidence(t *testing.T, c *console, args ...string) audit.Report {
	t.Helper()
	var r audit.Report
	if err := json.Unmarshal([]byte(c.do(append([]string{"audit", "one", "-o", "json"}, args...)...)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func saidOf(k audit.Kid) (said []string) {
	for _, e := range k.Life {
		said = append(said, e.Source+": "+e.What)
	}
	return said
}

const audited = `environment: test
audit: {file: audit.jsonl}
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {one: {}}
`

// TestAuditShowsAWholeLife: from the file who made, used and deleted a kid and
// when; from the document alone what it still attests.
func TestAuditShowsAWholeLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, audited)
		first, second := life(t, c)
		r := evidence(t, c)
		if len(r.Kids) != 2 || r.Kids[0].Kid != second || r.Kids[1].Kid != first || r.Kids[0].Status != "current" || r.Kids[1].Status != "gone" {
			t.Fatalf("%+v", r.Kids)
		}
		want := []string{
			"file: create: the first key; it signs", "file: promote: it stops signing, and goes on verifying", "document: a rotation away from it was asked for",
			"file: retire: taken out of the document, where it was previous", "document: removed; what held it is unlinked",
		}
		if got := saidOf(r.Kids[1]); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q, want %q", got, want)
		}
		for _, e := range r.Kids[1].Life {
			if e.At == nil || e.By == "" && e.Source == audit.Trail {
				t.Errorf("undated, or by nobody: %+v", e)
			}
		}
		var commands []string
		for _, e := range r.Others {
			commands = append(commands, e.What+" "+e.Why)
		}
		if len(commands) != 2 || commands[0] != "command rotate now" || !strings.HasPrefix(commands[1], "command rotate now --request, id ") || strings.Contains(commands[1], "INC-42") {
			t.Errorf("%q", commands)
		}

		if err := os.Remove(filepath.Join(c.dir, "audit.jsonl")); err != nil {
			t.Fatal(err)
		}
		r = evidence(t, c)
		if got, want := saidOf(r.Kids[1]), []string{"document: a rotation away from it was asked for", "document: removed; what held it is unlinked"}; strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("from the document alone %q, want %q", got, want)
		}
		if !strings.Contains(strings.Join(r.Worth, "\n"), "snapshot and backup") {
			t.Errorf("it is not said what remains: %q", r.Worth)
		}
	})
}

// TestAuditCommand is the text, and what is said where evidence is bad.
func TestAuditCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, audited)
		first, _ := life(t, c)
		text := c.do("audit", "one")
		for _, want := range []string{"kid " + first + "  gone\n", "promote: it begins to sign, generation 3", "what this is worth\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing:\n%s", want, text)
			}
		}
		c.write("audit.jsonl", c.read("audit.jsonl")+"{\"time\":\"20")
		if code, out, _ := c.try("", "audit", "one"); code != cli.Attention || !strings.Contains(out, "1 of its lines are no events") {
			t.Errorf("%d %s", code, out)
		}
		c.do("run", "--once")
		c.do("now")
		if r := strings.Count(c.read("audit.jsonl"), "\n{\"time\":\"20\n"); r != 1 {
			t.Errorf("what follows a torn line is spoilt:\n%s", c.read("audit.jsonl"))
		}
		if code, _, stderr := c.try("", "audit", "one", "--file", c.dir+"/none"); code != cli.Failed || !strings.Contains(stderr, "no such file") {
			t.Errorf("%d %s", code, stderr)
		}
		if code, _, _ := c.try("", "audit", "one", "-o", "xml"); code != cli.Usage {
			t.Error(code)
		}
	})
}

// TestAuditOfADocumentNobodyCanRead: what is not read is not called gone, for the
// keys in it may live.
func TestAuditOfADocumentNobodyCanRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, audited)
		first, second := life(t, c)
		c.write("keys/test-one.json", strings.Replace(c.read("keys/test-one.json"), `"generation":`, `"generation":1`, 1))
		code, out, _ := c.try("", "audit", "one")
		for _, want := range []string{"kid " + first + "  unknown\n", "kid " + second + "  unknown\n", "the document could not be read or trusted"} {
			if code != cli.Attention || !strings.Contains(out, want) {
				t.Errorf("%d, %q is missing:\n%s", code, want, out)
			}
		}
	})
}

// TestAcceptRecallsWhatWasRevoked: a compromised key that a backup brings back
// stays out, though no output knows it and a person says that there was none.
func TestAcceptRecallsWhatWasRevoked(t *testing.T) {
	c := newConsole(t, audited)
	c.do("now")
	backup, leaked := c.read("keys/test-one.json"), signing(t, c)
	c.do("now", "--compromised", "one", "--yes")
	c.write("keys/test-one.json", backup)
	if out := c.do("accept", "one", "--generation", "1", "--dry-run"); !strings.Contains(out, "revoked, as the audit file says: it does not come back") {
		t.Error(out)
	}
	c.do("accept", "one", "--generation", "1", "--none-revoked", "--yes")
	set := c.set()
	if _, live := set.Key(leaked); live || !slices.Contains(set.Revoked, leaked) {
		t.Errorf("%s is back: revoked are %v", leaked, set.Revoked)
	}
}

// TestAuditFileFails: a rotation happens all the same; that it is not on record
// is said, and the exit code is 3.
func TestAuditFileFails(t *testing.T) {
	c := newConsole(t, audited)
	if err := os.Mkdir(filepath.Join(c.dir, "audit.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := c.try("", "now")
	if code != cli.Attention || !strings.Contains(out, "one: created") || strings.Count(stderr, "the audit file does not have this event") != 1 {
		t.Errorf("%d\n%s%s", code, out, stderr)
	}
}

// TestAuditHasEveryKind: each transition, mark, refusal, erasure and command of a
// person is a line of the audit file, with who and why.
func TestAuditHasEveryKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, `environment: test
audit: {file: audit.jsonl}
stores: {disk: {type: file, dir: ./keys}, versions: {type: guarded}}
defaults: {store: versions, propagation: 0s}
keys: {a: {}, b: {store: disk}, d: {}}
`)
		g := &guarded{Store: memory.New()}
		c.stores = registry()
		c.stores["guarded"] = func() providers.Config { return g }
		c.write("app.env", "V=a-long-secret-of-somebody-else-0123456789\n")
		for _, args := range []string{
			"adopt d --from-env " + c.dir + "/app.env:V", "now a", "now a", "now a --request INC-1", "now --compromised a --yes", "now b",
		} {
			c.try("", strings.Fields(args)...)
		}
		backup := c.read("keys/test-b.json")
		c.do("now", "b")
		c.write("keys/test-b.json", backup)
		c.try("", "accept", "b", "--generation", "1", "--none-revoked", "--yes")
		time.Sleep(50 * time.Hour)
		c.try("", "run", "--once")
		c.write("keys/test-b.json", "{}")
		c.try("", "run", "--once")
		kinds, commands := map[string]int{}, ""
		for line := range strings.Lines(c.read("audit.jsonl")) {
			var ev struct{ Action, Actor, Reason, Key, Store, Time string }
			if err := json.Unmarshal([]byte(line), &ev); err != nil {
				t.Fatal(err)
			}
			kinds[ev.Action]++
			if ev.Action == "command" {
				commands += ev.Key + ": " + ev.Reason + "\n"
			}
			if ev.Actor == "" || ev.Key == "" || ev.Store == "" || ev.Time == "" || ev.Reason == "" {
				t.Errorf("it does not say who, what or why: %s", line)
			}
		}
		for _, kind := range []string{"create", "publish", "ready", "promote", "settled", "retire", "revoke", "erase", "refuse"} {
			if kinds[kind] == 0 {
				t.Errorf("%s is on no line: %v", kind, kinds)
			}
		}
		for _, command := range []string{"d: rotate adopt", "a: rotate now", "b: rotate now", "a: report of a compromise", "b: rotate accept"} {
			if !strings.Contains(commands, command) {
				t.Errorf("%s is on no line:\n%s", command, commands)
			}
		}
	})
}
