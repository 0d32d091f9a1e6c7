package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each kind of trouble is told, all at once; what is well is written once.
func TestCollect(t *testing.T) {
	mit, err := os.ReadFile("testdata/MIT")
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string, files map[string]string) *module {
		dir := t.TempDir()
		m := &module{Path: "example.com/" + name, Version: "v1.0.0", Dir: dir, folders: map[string]bool{dir: true}}
		for file, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			m.folders[filepath.Dir(filepath.Join(dir, file))] = true
		}
		return m
	}
	one, two := at("one", map[string]string{"LICENSE": string(mit), "NOTICE": "One, by its authors."}), at("two", map[string]string{"sub/LICENSE.txt": string(mit)})
	var out strings.Builder
	counts, err := collect(&out, map[string]*module{"1": one, "2": two})
	if err != nil || counts["MIT"] != 2 || len(counts) != 1 {
		t.Fatal(counts, err)
	}
	for _, want := range []string{"example.com/one v1.0.0 (LICENSE)\nexample.com/two v1.0.0 (sub/LICENSE.txt)\n\n", "One, by its authors."} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not there once in\n%s", want, out.String())
		}
	}

	_, err = collect(&out, map[string]*module{
		"1": one,
		"2": at("none", map[string]string{"README": "free as in beer"}),
		"3": at("own", map[string]string{"LICENSE": "You may use this on Tuesdays. " + strings.Repeat("Not on other days. ", 20)}),
		"4": at("evil", map[string]string{"COPYING": strings.Replace(string(mit), "THE SOFTWARE IS", "The Software shall be used for Good, not Evil.\n\nTHE SOFTWARE IS", 1)}),
	})
	for _, want := range []string{
		"example.com/none v1.0.0: no licence",
		"example.com/own v1.0.0: of LICENSE only 0 %",
		"example.com/evil v1.0.0: COPYING holds JSON",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not tell %q", err, want)
		}
	}
}
