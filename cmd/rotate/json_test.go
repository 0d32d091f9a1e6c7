package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/judge/report"
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
	{audit.Schema, "rotate audit [KEY…] -o json", audit.Report{}, nil},
	{report.Schema, "rotate check … -o json", report.Document{}, nil},
}

// meanings are the comments on the members of the forms, by type and field.
func meanings(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range []string{"internal/form", "internal/status", "internal/audit", "internal/judge", "internal/judge/report"} {
		files, err := filepath.Glob("../../" + dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, path := range files {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				if s, ok := spec.Type.(*ast.StructType); ok {
					for _, f := range s.Fields.List {
						for _, name := range f.Names {
							text := f.Comment.Text()
							if text == "" {
								text = f.Doc.Text()
							}
							found[dir[strings.LastIndex(dir, "/")+1:]+"."+spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
						}
					}
				}
				return false
			})
		}
	}
	return found
}

// A describer makes the JSON Schema and the tables of a form from its Go types.
type describer struct {
	meanings map[string]string
	answer   reflect.Type // what stands for a form.Answer
	defs     map[string]*jsonschema.Schema
	tables   map[string]string
	order    []string // of defs
}

// object describes a struct.
func (d *describer) object(of reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	var table strings.Builder
	table.WriteString("| member | what | meaning |\n|---|---|---|\n")
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		owner := of
		if len(f.Index) > 1 {
			owner = of.FieldByIndex(f.Index[:len(f.Index)-1]).Type
		}
		one, what := d.value(f.Type)
		one.Description = d.meanings[owner.String()+"."+f.Name]
		if list := f.Tag.Get("enum"); list != "" {
			for _, v := range strings.Split(list, ",") {
				one.Enum = append(one.Enum, v)
			}
			what = "`" + strings.ReplaceAll(list, ",", "`, `") + "`"
		}
		s.Properties[name] = one
		s.PropertyOrder = append(s.PropertyOrder, name)
		shown := name
		if !strings.Contains(options, "omitempty") {
			s.Required = append(s.Required, name)
			shown = "**" + name + "**"
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", shown, what, strings.ReplaceAll(one.Description, "|", "\\|"))
	}
	d.tables[of.String()] = table.String()
	return s
}

// value describes a type, for programs and for people.
func (d *describer) value(of reflect.Type) (*jsonschema.Schema, string) {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}, "time"
	case of == reflect.TypeFor[form.Answer]():
		return d.value(d.answer)
	}
	switch of.Kind() {
	case reflect.Pointer:
		return d.value(of.Elem())
	case reflect.Slice:
		items, what := d.value(of.Elem())
		return &jsonschema.Schema{Type: "array", Items: items}, "list: " + what
	case reflect.Struct:
		name := strings.ToLower(of.Name())
		if _, known := d.defs[of.String()]; !known {
			d.defs[of.String()] = nil // it may contain itself
			d.defs[of.String()] = d.object(of)
			d.order = append(d.order, of.String())
		}
		return &jsonschema.Schema{Ref: "#/$defs/" + of.String()}, "[" + name + "](#" + anchor(of.String()) + ")"
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}, "true or false"
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}, "text"
	case reflect.Float64:
		return &jsonschema.Schema{Type: "number"}, "number"
	}
	return &jsonschema.Schema{Type: "integer"}, "number"
}

func anchor(name string) string { return strings.ToLower(strings.ReplaceAll(name, ".", "")) }

// schemaOf is the JSON Schema of a form. closed refuses members that it does not tell of.
func (d *describer) schemaOf(f described, closed bool) *jsonschema.Schema {
	d.defs, d.answer = map[string]*jsonschema.Schema{}, reflect.TypeOf(f.answer)
	s := d.object(reflect.TypeOf(f.of))
	s.Schema, s.Title, s.Defs = "https://json-schema.org/draft/2020-12/schema", f.command, d.defs
	name := any(f.name)
	s.Properties["schema"].Const = &name
	for _, def := range append([]*jsonschema.Schema{s}, mapValues(d.defs)...) {
		if closed {
			def.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
		}
	}
	return s
}

func mapValues(m map[string]*jsonschema.Schema) (all []*jsonschema.Schema) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// schemaFile is where the schema of a form is: docs/schemas/now.v1.json.
func schemaFile(f described) string {
	return "schemas/" + strings.ReplaceAll(strings.TrimPrefix(f.name, "rotate/"), "/", ".") + ".json"
}

// generated begins the part of docs/json.md that is made from the types.
const generated = "<!-- What follows is made from the types: go test ./cmd/rotate -run TestJSONPage -update -->\n"

// The page and the schemas are those of the types. With -update they are written anew.
func TestJSONPage(t *testing.T) {
	d := &describer{meanings: meanings(t), tables: map[string]string{}}
	var page strings.Builder
	page.WriteString(generated)
	check := func(path, want string) {
		t.Helper()
		if *update {
			if err := os.WriteFile("../../docs/"+path, []byte(want), 0o644); err != nil { //nolint:gosec // a page of the repository
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile("../../docs/" + path); err != nil || string(got) != want {
			t.Errorf("docs/%s is not current: go test ./cmd/rotate -run TestJSONPage -update (%v)", path, err)
		}
	}
	var parts []string
	for _, f := range documents {
		text, err := json.MarshalIndent(d.schemaOf(f, false), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		check(schemaFile(f), string(text)+"\n")
		fmt.Fprintf(&page, "\n## %s\n\n`%s` · [JSON Schema](%s)\n\n", f.name, strings.ReplaceAll(f.command, ", ", "`, `"), schemaFile(f))
		if of := reflect.TypeOf(f.answer); of != nil { // all of them are form.Changes
			fmt.Fprintf(&page, "The document has the members of [changes](#formchanges); each of its `keys` has those of [%s](#%s).\n", strings.ToLower(of.Name()), anchor(of.String()))
			d.order = append(d.order, reflect.TypeOf(f.of).String())
		} else {
			page.WriteString(d.tables[reflect.TypeOf(f.of).String()])
		}
		for _, part := range d.order {
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
		d.order = nil
	}
	page.WriteString("\n## Parts\n")
	slices.Sort(parts)
	for _, part := range parts {
		fmt.Fprintf(&page, "\n### %s\n\n%s", part, d.tables[part])
	}
	written, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(written), generated)
	check("json.md", head+page.String())
	if i := strings.Index(page.String(), "|  |\n"); i >= 0 {
		t.Errorf("a member has no comment that says what it means: %s", page.String()[max(0, i-100):i])
	}
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
	run(0, "accept", "a", "--generation", fmt.Sprint(at.Generation), "--none-revoked", "--dry-run")
	run(0, "accept", "a", "--generation", fmt.Sprint(at.Generation), "--none-revoked", "--yes")
	run(3, "audit")
	run(3, "check", filepath.Join(c.dir, "in.env"))
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
