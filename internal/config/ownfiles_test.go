package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
)

// loadFiles loads a config of a file store, keys, with one output.
func loadFiles(t *testing.T, dir, store, output string) (*Config, error) {
	t.Helper()
	path := filepath.Join(dir, "rotate.yaml")
	text := fmt.Sprintf("environment: test\nstores: {disk: {type: file, dir: ./keys%s}}\nkeys: {one: {store: disk, outputs: [{%s}]}}\n", store, output)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, stores.Registry{"file": func() providers.Config { return &file.Config{} }})
}

// An output on a file that a store keeps is refused, by whatever path it is named.
func TestOutputsOnOwnFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("keys", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	const place, own = "has this place already", "is a file that rotate itself keeps beside a key"
	for path, want := range map[string]string{
		"./keys/test-one.json": place, "./keys/./test-one.json": place, "./link/test-one.json": place,
		"./keys/.test-one.json.lock": own, "./keys/.test-one.json.witness": own, "./keys/.test-one.json.tmp": own, "./link/.x.json.lock": own,
		"./app/.rotate/.env.note": own, "./app/.env.rotate-note": own, "./app/.app.json.rotate.lock": own,
		"./.env": "", "./keys/other.json": "", "./app/rotate.lock": "", "./package-lock.json": "",
	} {
		_, err := loadFiles(t, dir, "", "path: "+path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := loadFiles(t, dir, "", "store: disk, secret: a/./b"); err == nil || !strings.Contains(err.Error(), "is not a name for a secret") {
		t.Error(err)
	}
}

// Of what signs and is for every user of the host, people are told.
func TestKeysForEveryoneAreTold(t *testing.T) {
	for _, c := range []struct {
		store, output string
		want          []string // whose
	}{
		{"", "path: ./out", nil},
		{"", `path: ./out, mode: "0640"`, nil},
		{"", `path: ./out, format: value, mode: "0644"`, []string{"one: output "}},
		{`, mode: "0644"`, "path: ./out", []string{"one: store disk: "}},
	} {
		conf, err := loadFiles(t, t.TempDir(), c.store, c.output)
		if err != nil {
			t.Fatal(err)
		}
		told := slices.DeleteFunc(conf.Notes, func(n string) bool { return !strings.HasSuffix(n, signsForEveryone) })
		if !slices.EqualFunc(told, c.want, strings.HasPrefix) {
			t.Errorf("%s %s: %q", c.store, c.output, told)
		}
	}
}
