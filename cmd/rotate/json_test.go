package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/status"
)

// A described form is a document that a command prints with -o json.
type described struct {
	name    string // its schema
	command string
	of      any // the document
	answer  any // what stands in its member keys; nil if of says it
}

// documents are all of them, in the order of the page.
var documents = []described{
	{form.Now, "rotate now -o json", form.Changes{}, form.Rotated{}},
	{form.Revoke, "rotate revoke KEY KID… -o json, rotate now --compromised -o json", form.Changes{}, form.Revoked{}},
	{form.Adopt, "rotate adopt KEY … -o json", form.Changes{}, form.Adopted{}},
	{form.Accept, "rotate accept KEY --generation N -o json", form.Changes{}, form.Accepted{}},
	{form.Remove, "rotate remove KEY -o json", form.Changes{}, form.Removed{}},
	{form.Forget, "rotate forget KEY PLACE -o json", form.Changes{}, form.Forgotten{}},
	{form.Pause, "rotate pause KEY … -o json", form.Changes{}, form.Held{}},
	{form.Resume, "rotate resume KEY -o json", form.Changes{}, form.Held{}},
	{form.Get, "rotate get KEY -o json", form.Material{}, nil},
	{form.Validate, "rotate validate -o json", form.Config{}, nil},
	{form.Version, "rotate version -o json", form.Build{}, nil},
	{status.Schema, "rotate status -o json", status.Report{}, nil},
	{answer.PlanSchema, "rotate plan -o json", answer.Plan{}, nil},
	{audit.Schema, "rotate audit [KEY…] -o json", audit.Report{}, nil},
	{report.Schema, "rotate check … -o json", report.Document{}, nil},
	{ops.GitSchema, "rotate check --git -o json", ops.GitChecked{}, nil},
	{ops.ReuseSchema, "rotate check --reuse -o json", ops.Reused{}, nil},
	{ops.InspectSchema, "rotate inspect FILE -o json", ops.Inspected{}, nil},
	{ops.ListSchema, "rotate list STORE -o json", ops.Listing{}, nil},
	{ops.InventorySchema, "rotate inventory -o json", ops.Inventory{}, nil},
	{policy.Schema, "rotate policy -o json", policy.Report{}, nil},
	{audit.VerifiedSchema, "rotate audit --verify -o json", audit.Verified{}, nil},
	{form.Failure, "status, plan, list, check, audit, if they fail before a report", form.Failed{}, nil},
}

// printed holds what a command printed against its schema, with no member too many.
func printed(t *testing.T, stdout string) {
	t.Helper()
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(stdout))
	for n := 0; ; n++ {
		if err := dec.Decode(&doc); err != nil {
			if n == 0 {
				t.Fatalf("no document: %v\n%s", err, stdout)
			}
			return
		}
		i := slices.IndexFunc(documents, func(f described) bool { return f.name == doc["schema"] })
		if i < 0 {
			t.Fatalf("no form %v is described", doc["schema"])
		}
		d := &describer{meanings: map[string]string{}, tables: map[string]string{}}
		resolved, err := d.schemaOf(documents[i], true).Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(doc); err != nil {
			t.Errorf("%s: %v\n%s", doc["schema"], err, stdout)
		}
		clear(doc)
	}
}

// A desk runs commands for a program, and holds what they print against their forms.
type desk struct {
	*console
	seen map[string]bool // forms
}

// run wants an exit code and one document or more.
func (d *desk) run(code int, args ...string) {
	d.t.Helper()
	got, stdout, stderr := d.try("", append(args, "-o", "json")...)
	if got != code {
		d.t.Errorf("%q: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
	}
	printed(d.t, stdout)
	onExitPage(d.t, code, args)
	var head struct {
		Schema   string
		ExitCode *int `json:"exit_code"`
	}
	if err := json.NewDecoder(strings.NewReader(stdout)).Decode(&head); err != nil || head.ExitCode != nil && *head.ExitCode != code {
		d.t.Errorf("%q: exit_code %v, %v", args, head.ExitCode, err)
	}
	d.seen[head.Schema] = true
}

// kid is the one that signs.
func (d *desk) kid(key string) string {
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(d.read("keys/test-"+key+".json")), &set); err != nil {
		d.t.Fatal(err)
	}
	return set.Keys[0].Kid
}

// Every document has its form, whatever the exit code, and nothing else is on standard
// output. None but get's has key material in it.
func TestDocuments(t *testing.T) {
	d := &desk{newConsole(t, "environment: test\naudit: {file: audit.jsonl}\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\n"+
		"keys: {a: {outputs: [{format: env, path: ./a.env}]}, b: {algorithm: ES256}, c: {}, d: {}}\n"), map[string]bool{}}
	d.write("in.env", "JWT_SECRET=hunter2hunter2hunter2hunter2x\n")
	d.rotates()
	d.adopts()
	d.finds()
	d.revokes()
	d.accepts()
	d.forgets()
	for _, f := range documents {
		if !d.seen[f.name] {
			t.Errorf("no document of the form %s was printed", f.name)
		}
	}
	if bytes.Contains(d.all.Bytes(), []byte("hunter2")) {
		t.Error("a document that is not of get has a secret in it")
	}
}

// Whatever has -o json prints a document as well where the config is wrong, or there is none.
func TestEveryMistakeIsADocument(t *testing.T) {
	rest := map[string][]string{
		"revoke": {"a", "2345"}, "accept": {"a", "--generation", "1"}, "adopt": {"a", "--from", "x"}, "forget": {"a", "x"}, "check": {"x"},
		"pause": {"a", "--until", "1d", "--reason", "x"}, "resume": {"a"}, "list": {"--all"}, "version": nil,
	}
	for name, config := range map[string]string{"wrong": "environment: test\nkeys: {a: {grase: 1h}}\n", "none": ""} {
		c := newConsole(t, config)
		if config == "" {
			if err := os.Remove(filepath.Join(c.dir, "rotate.yaml")); err != nil {
				t.Fatal(err)
			}
		}
		tried := 0
		for _, cmd := range c.app(nil, nil, nil).Root().Commands() {
			if flag := cmd.Flag("output"); flag == nil || cmd.Name() == "version" {
				continue
			}
			tried++
			code, stdout, stderr := c.try("", append(append([]string{cmd.Name()}, rest[cmd.Name()]...), "-o", "json")...)
			var doc form.Head
			if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code == cli.Done || doc.ExitCode != code || doc.Error == nil || doc.Error.Message == "" || stderr == "" {
				t.Errorf("%s, config %s: exit code %d, %v\n%s\n%s", cmd.Name(), name, code, err, stdout, stderr)
				continue
			}
			if config != "" && (code != cli.Usage || doc.Error.Kind != form.ConfigError || len(doc.Error.Mistakes) == 0) {
				t.Errorf("%s: exit code %d, error %+v", cmd.Name(), code, doc.Error)
			}
			printed(t, stdout)
		}
		if tried < 14 {
			t.Errorf("only %d commands have -o json", tried)
		}
	}
}

func (d *desk) rotates() {
	d.run(0, "version")
	d.run(0, "validate")
	d.run(0, "validate", "--probe")
	d.run(0, "policy")
	d.run(0, "inventory", "--principals")
	d.run(0, "now", "a", "--dry-run")
	d.run(0, "now", "a", "b")
	d.run(0, "now", "a", "--request", "INC-1")
	d.run(0, "now", "a", "--request", "INC-1")
	d.run(3, "now", "a", "--strict")
	d.run(2, "now", "nope")
	d.run(2, "get", "a", "--format", "jwks")
	d.run(0, "get", "a", "--format", "env")
	d.run(0, "get", "b", "--format", "jwks")
	d.run(1, "get", "c")
	d.run(2, "status", "nope")
	d.run(0, "pause", "a", "--until", "14d", "--reason", "release 4.2", "--dry-run")
	d.run(0, "pause", "a", "--until", "14d", "--reason", "release 4.2")
	d.run(0, "resume", "a")
	d.run(0, "resume", "a")
	d.run(1, "pause", "c", "--until", "14d", "--reason", "release 4.2")
}

func (d *desk) adopts() {
	source := filepath.Join(d.dir, "in.env")
	d.run(3, "check", source)
	d.run(0, "adopt", "c", "--from-env", source+":JWT_SECRET", "--dry-run")
	d.run(0, "adopt", "c", "--from-env", source+":JWT_SECRET")
	d.run(0, "adopt", "c", "--from-env", source+":JWT_SECRET")
	d.run(2, "adopt", "d", "--from-env", source+":NONE")
}

func (d *desk) revokes() {
	d.run(2, "revoke", "b", d.kid("b")[:4])
	d.run(0, "revoke", "b", d.kid("b")[:4], "--dry-run")
	d.run(0, "revoke", "b", d.kid("b")[:4], "--yes")
	d.run(0, "now", "--compromised", "b", "--yes")
	output := filepath.Join(d.dir, "a.env")
	if err := errors.Join(os.Remove(output), os.Mkdir(output, 0o700)); err != nil {
		d.t.Fatal(err)
	}
	d.run(1, "revoke", "a", d.kid("a")[:4], "--yes") // the output may still hold it
	if err := os.Remove(output); err != nil {
		d.t.Fatal(err)
	}
	d.do("run", "--once", "a")
}

// finds looks at keys in a repository, at shared keys, and at tokens.
func (d *desk) finds() {
	config := filepath.Join(d.dir, "rotate.yaml")
	d.run(0, "check", "--reuse", config)
	d.write("staging.yaml", strings.ReplaceAll(strings.Replace(d.read("rotate.yaml"), "environment: test", "environment: staging", 1), "audit.jsonl", "audit2.jsonl"))
	d.write("keys/staging-b.json", d.read("keys/test-b.json"))
	d.run(3, "check", "--reuse", config, filepath.Join(d.dir, "staging.yaml"))
	if err := os.Remove(filepath.Join(d.dir, "keys/staging-b.json")); err != nil {
		d.t.Fatal(err)
	}
	d.write("token", "eyJhbGciOiJub25lIn0.e30.")
	d.run(3, "inspect", filepath.Join(d.dir, "token"), "--claims")
	repository := filepath.Join(d.t.TempDir(), "repository")
	if out, err := exec.Command("git", "init", "-q", repository).CombinedOutput(); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	d.run(0, "check", "--git", repository)
	if err := os.WriteFile(filepath.Join(repository, ".env"), []byte("K="+d.signing("a")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if out, err := exec.Command("git", "-C", repository, "add", ".env").CombinedOutput(); err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
	d.run(3, "check", "--git", repository)
}

// signing is the text of the key that signs.
func (d *desk) signing(key string) string {
	code, stdout, stderr := d.try("", "get", key)
	if code != 0 {
		d.t.Fatal(stderr)
	}
	return stdout
}

// accepts puts an old document back.
func (d *desk) accepts() {
	var old struct{ Generation int }
	text := d.read("keys/test-a.json")
	if err := json.Unmarshal([]byte(text), &old); err != nil {
		d.t.Fatal(err)
	}
	at := fmt.Sprint(old.Generation)
	d.run(0, "accept", "a", "--generation", at)
	d.do("now", "a")
	d.write("keys/test-a.json", text)
	d.run(1, "now", "a")
	d.run(3, "status")
	d.run(3, "plan")
	d.run(2, "accept", "a", "--generation", "99")
	d.run(0, "accept", "a", "--generation", at, "--none-revoked", "--dry-run")
	d.run(0, "accept", "a", "--generation", at, "--none-revoked", "--yes")
	d.run(3, "audit")
	d.run(0, "audit", "--verify")
	d.run(0, "list", "disk")
}

// forgets takes an output out of the config, and then spoils the config.
func (d *desk) forgets() {
	output := filepath.Join(d.dir, "a.env")
	d.run(2, "forget", "a", output)
	d.write("rotate.yaml", strings.Replace(d.read("rotate.yaml"), "{outputs: [{format: env, path: ./a.env}]}", "{}", 1))
	d.run(0, "forget", "a", output, "--dry-run")
	d.run(0, "forget", "a", output, "--yes")
	d.write("rotate.yaml", "environment: test\nkeys: {a: {grase: 1h}}\n")
	d.run(2, "validate")
	d.run(2, "now", "a")
}
