package around_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/around"
)

func TestNames(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(".git/config", "[remote \"origin\"]\n\turl = https://someone:token@git.example.com/brightwave/billing.git\n[remote \"two\"]\n\turl = git@git.example.org:brightwave/other.git\n")
	put("api/go.mod", "module example.com/brightwave/payments\n\ngo 1.26\n")
	put("api/package.json", `{"name": "@brightwave/web"}`)
	put("api/pyproject.toml", "[project]\nname = \"lantern\"\n")
	env := map[string]string{"APP_NAME": "Kestrel Shop", "USER": "deployer", "SECRET": "not a name"}
	got := around.Names(filepath.Join(root, "api"), "box-17.example.net", func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	for _, want := range []judge.Name{
		{Text: "box-17.example.net", From: "host name"},
		{Text: "Kestrel Shop", From: "environment: APP_NAME"},
		{Text: "deployer", From: "user name"},
		{Text: "@brightwave/web", From: "module path"},
		{Text: "example.com/brightwave/payments", From: "module path"},
		{Text: "lantern", From: "module path"},
		{Text: "git.example.com/brightwave/billing", From: "Git remote"},
		{Text: "git.example.org:brightwave/other", From: "Git remote"},
		{Text: filepath.Base(root), From: "name of the folder"},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%+v is missing in %+v", want, got)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d names, want 9: %+v", len(got), got)
	}
	text := []byte("Br1ghtwave-Lantern-2026")
	if r := judge.Text(text, judge.Context{Names: got}); !r.Has(judge.Named) {
		t.Errorf("no name was found in a text made of two: %+v", r)
	}
}

func TestNothingToRead(t *testing.T) {
	got := around.Names(t.TempDir(), "", func(string) (string, bool) { return "", false })
	if len(got) == 0 {
		t.Error("not even the folder has a name")
	}
}
