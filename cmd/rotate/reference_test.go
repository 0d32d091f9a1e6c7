package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyrotate/rotate/internal/config"
)

// The reference pages are made from the program: docs/commands.md from the help of
// its commands, docs/config.md from the schema of its config. -update writes them
// anew.
func TestReferenceIsCurrent(t *testing.T) {
	schema, err := config.Schema(registry())
	if err != nil {
		t.Fatal(err)
	}
	var form schemaNode
	if err := json.Unmarshal(schema, &form); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"commands.md": commandsPage(newConsole(t, "").app(nil, nil, nil).Root()),
		"config.md":   configPage(form),
	} {
		path := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the program says (%v); go test ./cmd/rotate -run %s -update writes it anew", path, err, t.Name())
		}
	}
}

// row is a line of a table. Nothing in a cell ends the cell or begins a tag.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(c)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// commandsPage has a section for each command, as --help has it.
func commandsPage(root *cobra.Command) string {
	var b, details strings.Builder
	b.WriteString("# Commands\n\nA test makes this page from the help of the program.\n\n| command | what it does |\n|---|---|\n")
	for _, c := range root.Commands() {
		b.WriteString(row(fmt.Sprintf("[`%s`](#%s)", c.Name(), c.Name()), c.Short))
		fmt.Fprintf(&details, "\n## %s\n\n```text\n%s\n\n%s\n```\n", c.Name(), c.UseLine(), strings.TrimRight(c.Long, "\n"))
		flagsTable(&details, c.LocalNonPersistentFlags())
		if c.Example != "" {
			fmt.Fprintf(&details, "\n```text\n%s\n```\n", strings.TrimRight(c.Example, "\n"))
		}
	}
	b.WriteString("\nEvery command takes:\n")
	flagsTable(&b, root.PersistentFlags())
	return b.String() + details.String()
}

func flagsTable(b *strings.Builder, flags *pflag.FlagSet) {
	head := "\n| flag | meaning |\n|---|---|\n"
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		word, meaning := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			meaning += "; `" + f.DefValue + "` if not set"
		}
		b.WriteString(head + row("`"+strings.TrimSpace(name+" "+word)+"`", meaning))
		head = ""
	})
}

// A schemaNode is a node of the config's JSON schema.
type schemaNode struct {
	Title, Description, Default string
	Enum                        []string
	Properties                  nodes
	Items                       *schemaNode
	AnyOf                       []schemaNode
	AdditionalProperties        *member
}

// member is the schema of what has names of the user's own, or false.
type member struct{ schemaNode }

func (m *member) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil
	}
	return json.Unmarshal(data, &m.schemaNode)
}

// nodes keep the order of the schema.
type nodes []struct {
	name string
	schemaNode
}

func (o *nodes) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		*o = append(*o, struct {
			name string
			schemaNode
		}{name: name.(string)})
		if err := d.Decode(&(*o)[len(*o)-1].schemaNode); err != nil {
			return err
		}
	}
	return nil
}

// of is the option of a name.
func (o schemaNode) of(name string) schemaNode {
	for _, p := range o.Properties {
		if p.name == name {
			return p.schemaNode
		}
	}
	return schemaNode{}
}

func configPage(form schemaNode) string {
	var b strings.Builder
	b.WriteString("# The config\n\nA test makes this page from the schema that `rotate schema` prints. " +
		"`rotate validate` tells every mistake of a\nconfig at once. [`config.example.yaml`](../config.example.yaml) shows each option at work.\n\n" +
		"The config is one YAML file, or a folder of files that add up. A time is written like `90d`, `36h` or `1h30m`; a path\n" +
		"counts from the folder of its file. No credential ever stands in the config.\n")
	key := form.of("keys").AdditionalProperties.schemaNode
	section := func(title, about string, o schemaNode) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| option | default | meaning |\n|---|---|---|\n", title, about)
		o.rows(&b, "")
	}
	section("The whole", "`stores:` and `keys:` take names of your own. The sections below have what each entry takes.", form)
	section("An address", "`listen:` is an address, one with these options, or a list of both.\n"+
		"[Where the daemon answers](endpoints.md) explains them.", form.of("listen").AnyOf[1])
	section("A key", "`keys:` has an entry for each key. All but `secret` and `outputs` may stand under `defaults:`, too.", key)
	section("An output", "`outputs:` of a key is a list of these. [Outputs](outputs.md) explains them.", *key.of("outputs").Items)
	section("A receiver", "`to:` of `notify:` has an entry for each. [Tell people](notify.md) explains them.", form.of("notify").of("to").AdditionalProperties.schemaNode)
	for _, store := range form.of("stores").AdditionalProperties.AnyOf {
		typ := store.Title[strings.LastIndexByte(store.Title, ' ')+1:]
		section("A store: `type: "+typ+"`", "[How to use it](providers/"+typ+".md).", store)
	}
	return b.String()
}

// rows has a line for each option, with dots for those within others. What has a
// section of its own is not gone into.
func (o schemaNode) rows(b *strings.Builder, within string) {
	for _, p := range o.Properties {
		name := within + p.name
		if p.name == "type" && p.Description == "" {
			continue // the heading says it
		}
		if p.Description != "" {
			meaning := p.Description
			if len(p.Enum) > 0 {
				meaning += " One of `" + strings.Join(p.Enum, "`, `") + "`."
			}
			if p.Items != nil && len(p.Items.Enum) > 0 {
				meaning += " Any of `" + strings.Join(p.Items.Enum, "`, `") + "`."
			}
			b.WriteString(row("`"+name+"`", p.Default, meaning))
		}
		if name != "defaults" {
			p.rows(b, name+".")
		}
	}
}
