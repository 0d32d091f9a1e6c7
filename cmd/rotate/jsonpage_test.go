package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/keyrotate/rotate/internal/form"
)

// meanings are the comments on the members of the forms, by type and field.
func meanings(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, dir := range []string{"internal/form", "internal/status", "internal/audit", "internal/judge", "internal/judge/report", "internal/say/answer", "internal/ops", "internal/policy"} {
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
	if closed {
		for _, one := range append(slices.Collect(maps.Values(d.defs)), s) {
			one.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
		}
	}
	return s
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
