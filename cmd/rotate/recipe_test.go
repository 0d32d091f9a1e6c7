package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The loop of docs/outputs.md, word for word: what reads its .env only at its
// start is started anew when the file changes, and not when nothing changed. Its
// sleep is one of the test's, which also makes things happen meanwhile.
func TestRestartRecipe(t *testing.T) {
	doc, err := os.ReadFile("../../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, loop, found := strings.Cut(string(doc), "```sh\nseen=")
	loop, _, ended := strings.Cut(loop, "\n```")
	if !found || !ended {
		t.Fatal("the loop is not in docs/outputs.md")
	}
	c := newConsole(t, `environment: test
stores: {disk: {type: file, dir: ./keys}}
keys: {k: {store: disk, propagation: 0s, outputs: [{format: env, path: ./.env}]}}
`)
	c.do("now")
	bin := binary(t)
	for name, text := range map[string]string{
		"restart": "echo restart >> restarts",
		"sleep":   "echo >> slept\ncase $(wc -l < slept | tr -d ' ') in 3) rotate run --once ;; 5) rotate now ;; 8) exit 1 ;; esac",
	} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", "seen="+loop)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PATH="+c.dir+":"+filepath.Dir(bin)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := c.read("restarts"); got != "restart\nrestart\n" {
		t.Errorf("want one start, and one more after the rotation: %q", got)
	}
}
