package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tab is what bash does at a Tab, after the script that rotate prints was read. Of
// the package bash-completion the script takes one function, which stands here in its
// shortest form, so that the package need not be there.
const tab = `
_get_comp_words_by_ref() {
	cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cword=$COMP_CWORD
	words=("${COMP_WORDS[@]}")
}
source <(rotate completion bash) || exit 1
COMP_WORDS=(rotate "$@") COMP_CWORD=$# COMP_TYPE=9 COMP_LINE="rotate $*" COMP_POINT=${#COMP_LINE}
__start_rotate 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
`

// A real bash completes names of keys, kids, formats, stores, places and values of
// flags. Zsh and fish read their scripts in e2e/packages.sh.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this host")
	}
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\n"+
		"keys: {auth: {outputs: [{format: env, path: ./auth.env}]}, mobile: {algorithm: ES256}}\n")
	c.do("now", "--all")
	c.do("now", "mobile")
	c.write("rotate.yaml", strings.Replace(c.read("rotate.yaml"), "{outputs: [{format: env, path: ./auth.env}]}", "{}", 1))
	current, place := signing(t, c), filepath.Join(c.dir, "auth.env")
	press := func(words ...string) []string {
		t.Helper()
		cmd := exec.Command(bash, append([]string{"--norc", "-c", tab, "bash"}, words...)...)
		cmd.Dir = c.dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary(t))+":"+os.Getenv("PATH"), "ROTATE_CONFIG=")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", words, err, out)
		}
		return strings.Fields(string(out))
	}
	for _, c := range []struct{ words, want string }{
		{"n", "now"},
		{"now ", "auth mobile"},
		{"now mobile ", "auth"},
		{"status m", "mobile"},
		{"plan a", "auth"},
		{"run --once ", "auth mobile"},
		{"audit auth ", "mobile"},
		{"get auth ", ""},
		{"get --format k", "keyset"},
		{"get -o j", "json"},
		{"check -o s", "sarif"},
		{"revoke auth " + current[:4], current},
		{"now --compromised auth --kid " + current[:6], current},
		{"accept auth --revoke " + current[:6], current},
		{"forget auth /", place},
		{"adopt mobile --from d", "disk:"},
		{"adopt mobile --algorithm ES25", "ES256"},
		{"generate --encoding h", "hex"},
		{"run --log-format a", "auto"},
		{"validate ", ""}, // files, which bash itself offers
		{"version ", ""},
	} {
		got := press(strings.Split(c.words, " ")...)
		if strings.Join(got, " ") != c.want {
			t.Errorf("rotate %s<Tab>: %q, want %q", c.words, got, c.want)
		}
	}
}
