package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/judge/report"
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
	{form.Forget, "rotate forget KEY PLACE -o json", form.Changes{}, form.Forgotten{}},
	{form.Get, "rotate get KEY -o json", form.Material{}, nil},
	{form.Validate, "rotate validate -o json", form.Config{}, nil},
	{form.Version, "rotate version -o json", form.Build{}, nil},
	{status.Schema, "rotate status -o json", status.Report{}, nil},
	{answer.PlanSchema, "rotate plan -o json", answer.Plan{}, nil},
	{audit.Schema, "rotate audit [KEY…] -o json", audit.Report{}, nil},
	{report.Schema, "rotate check … -o json", report.Document{}, nil},
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

// Every document has its form, whatever the exit code, and nothing else is on standard
// output.
func TestDocuments(t *testing.T) {
	c := newConsole(t, "environment: test\naudit: {file: audit.jsonl}\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\n"+
		"keys: {a: {outputs: [{format: env, path: ./a.env}]}, b: {algorithm: ES256}, c: {}, d: {}}\n")
	c.write("in.env", "JWT_SECRET=hunter2hunter2hunter2hunter2x\n")
	c.write("broken.yaml", "environment: test\nkeys: {a: {grase: 1h}}\n")
	kid := func(key string) string {
		var set struct{ Keys []struct{ Kid string } }
		if err := json.Unmarshal([]byte(c.read("keys/test-"+key+".json")), &set); err != nil {
			t.Fatal(err)
		}
		return set.Keys[0].Kid
	}
	seen := map[string]bool{}
	run := func(code int, args ...string) {
		t.Helper()
		got, stdout, stderr := c.try("", append(args, "-o", "json")...)
		if got != code {
			t.Errorf("%q: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
		}
		printed(t, stdout)
		onExitPage(t, code, args)
		var head struct {
			Schema   string
			ExitCode *int `json:"exit_code"`
		}
		if err := json.NewDecoder(strings.NewReader(stdout)).Decode(&head); err != nil || head.ExitCode != nil && *head.ExitCode != code {
			t.Errorf("%q: exit_code %v, %v", args, head.ExitCode, err)
		}
		seen[head.Schema] = true
	}
	run(0, "version")
	run(0, "validate")
	run(0, "validate", "--probe")
	run(0, "now", "a", "--dry-run")
	run(0, "now", "a", "b")
	run(0, "now", "a", "--request", "INC-1")
	run(0, "now", "a", "--request", "INC-1")
	run(3, "now", "a", "--strict")
	run(2, "now", "nope")
	run(2, "get", "a", "--format", "jwks")
	run(0, "get", "a", "--format", "env")
	run(0, "get", "b", "--format", "jwks")
	run(1, "get", "c")
	run(0, "adopt", "c", "--from-env", filepath.Join(c.dir, "in.env")+":JWT_SECRET", "--dry-run")
	run(0, "adopt", "c", "--from-env", filepath.Join(c.dir, "in.env")+":JWT_SECRET")
	run(0, "adopt", "c", "--from-env", filepath.Join(c.dir, "in.env")+":JWT_SECRET")
	run(2, "revoke", "b", kid("b")[:4])
	run(0, "revoke", "b", kid("b")[:4], "--dry-run")
	run(0, "revoke", "b", kid("b")[:4], "--yes")
	run(3, "now", "--compromised", "b", "--yes")
	run(2, "forget", "a", filepath.Join(c.dir, "a.env"))
	run(0, "accept", "a", "--generation", "1")
	old := c.read("keys/test-a.json")
	c.do("now", "a")
	c.write("keys/test-a.json", old)
	run(2, "accept", "a", "--generation", "99")
	at := struct{ Generation int }{}
	if err := json.Unmarshal([]byte(old), &at); err != nil {
		t.Fatal(err)
	}
	run(1, "now", "a")
	run(3, "status")
	run(3, "plan")
	run(0, "accept", "a", "--generation", fmt.Sprint(at.Generation), "--none-revoked", "--dry-run")
	run(0, "accept", "a", "--generation", fmt.Sprint(at.Generation), "--none-revoked", "--yes")
	run(3, "audit")
	run(3, "check", filepath.Join(c.dir, "in.env"))
	output := filepath.Join(c.dir, "a.env")
	if err := errors.Join(os.Remove(output), os.Mkdir(output, 0o700)); err != nil {
		t.Fatal(err)
	}
	run(1, "revoke", "a", kid("a")[:4], "--yes") // a place may still hold it
	if err := os.Remove(output); err != nil {
		t.Fatal(err)
	}
	c.do("run", "--once", "a")
	c.write("rotate.yaml", strings.Replace(c.read("rotate.yaml"), "{outputs: [{format: env, path: ./a.env}]}", "{}", 1))
	run(0, "forget", "a", filepath.Join(c.dir, "a.env"), "--dry-run")
	run(0, "forget", "a", filepath.Join(c.dir, "a.env"), "--yes")
	c.write("rotate.yaml", c.read("broken.yaml"))
	run(2, "validate")
	run(2, "now", "a")
	for _, f := range documents {
		if !seen[f.name] {
			t.Errorf("no document of the form %s was printed", f.name)
		}
	}
	if bytes.Contains(c.all.Bytes(), []byte("hunter2")) {
		t.Error("a document that is not of get has a secret in it")
	}
}
