package strictyaml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// shop is a config that has nothing to do with rotate.
type shop struct {
	Name  Option[string]        `yaml:"name" doc:"What it is called."`
	Open  Option[time.Duration] `yaml:"open" default:"8h"`
	Tills Option[int]           `yaml:"tills"`
	Goods map[string]good       `yaml:"goods"`
}

type good struct {
	Price  Option[int]    `yaml:"price"`
	Colour Option[colour] `yaml:"colour"`
	Note   Option[string] `yaml:"note" masked:"true"`
}

type colour string

func shopForm() *Form {
	return &Form{
		Program: "shop", Document: new(shop),
		NamePattern: "^[a-z]+$", Example: "shop.example.yaml", WhereShare: "goods have nothing to share",
		Choices: func(t reflect.Type) []string {
			if t == reflect.TypeFor[colour]() {
				return []string{"red", "blue"}
			}
			return nil
		},
		Unknown: func(name string) (msg, hint string) {
			if name == "cost" {
				return "a cost is called price", "write price:"
			}
			return "", ""
		},
	}
}

// read reads files into a shop, and returns the error of what is wrong with them.
func read(t *testing.T, texts ...string) (s shop, err error) {
	t.Helper()
	d, dir := NewDecoder(shopForm()), t.TempDir()
	for i, text := range texts {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.File(path, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s, d.Err()
}

func TestFilesAddUp(t *testing.T) {
	s, err := read(t, "name: corner\ngoods: {pear: {price: 3}}\n", "open: 1d\ngoods: {plum: {colour: blue}}\n")
	if err != nil || s.Name.Value != "corner" || s.Open.Value != 24*time.Hour || s.Goods["pear"].Price.Value != 3 || s.Goods["plum"].Colour.Value != "blue" {
		t.Errorf("%+v %v", s, err)
	}
	if s.Name.At.Line != 1 || s.Tills.At.Known() {
		t.Errorf("%+v %+v", s.Name.At, s.Tills.At)
	}
}

// Each mistake has its place and what to do, in one go; free text is not shown.
func TestEveryMistakeAtOnce(t *testing.T) {
	_, err := read(t, "name: [a]\nopen: 90\ngoods:\n  pear: {price: cheap, cost: 3, note: 5}\n  plum: {colour: rde}\n", "name: again\n")
	var found Problems
	if !errors.As(err, &found) {
		t.Fatal(err)
	}
	var said []string
	for _, p := range found {
		said = append(said, fmt.Sprintf("%s:%d %s: %s (%s)", filepath.Base(p.File), p.Line, p.Path, p.Msg, p.Hint))
	}
	want := []string{
		`0.yaml:1 name: wants a text, not a list ()`,
		`0.yaml:2 open: "90" is not a duration (a number needs its unit: 90s, 90m, 90h or 90d)`,
		`0.yaml:4 goods.pear.price: wants a whole number, not a text ()`,
		`0.yaml:4 goods.pear.cost: a cost is called price (write price:)`,
		`0.yaml:4 goods.pear.note: wants a text, not a number (put it in quotes)`,
		`0.yaml:5 goods.plum.colour: unknown value "rde" (did you mean red?)`,
	}
	got := strings.Join(said, "\n")
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s\nis not in\n%s", w, got)
		}
	}
	if last := found[len(found)-1]; filepath.Base(last.File) != "1.yaml" || !strings.HasPrefix(last.Msg, "is set already, in ") {
		t.Errorf("%+v", last)
	}
}

// A file of something else is refused as a whole, and nothing of it is shown.
func TestAnotherKindOfFile(t *testing.T) {
	_, err := read(t, "password: hunter2hunter2\n")
	if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "shop.example.yaml") {
		t.Error(err)
	}
}

func TestPrintedSchema(t *testing.T) {
	text, err := shopForm().Printed("shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"title": "shop"`, `"description": "What it is called."`, `"default": "8h"`, `"pattern": "^[a-z]+$"`, "\"red\",\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
