package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	inlineCode = regexp.MustCompile("`(rotate [^`]+)`")
	// A call of rotate in a line of a shell, up to what ends it there.
	rotateCall = regexp.MustCompile(`(?:^|[|;(]\s*|\$ |&& |-- |/bin/)rotate (.*?)(?:\s+[|;>)]|\s+&&|\s+2>|\s{2,}|\s#|$)`)
	shellWord  = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
)

// calls is every call of rotate that a page shows. whole tells that it stands in a
// block, to be typed as it is; one within a sentence may leave arguments out.
func calls(page string, tell func(call string, whole bool)) {
	for _, block := range codeBlock.FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", " ")) {
			if block[1] != "sh" && (block[1] != "console" || !strings.HasPrefix(line, "$ ")) {
				continue // no shell, or what a command prints
			}
			for _, m := range rotateCall.FindAllStringSubmatch(strings.TrimSpace(line), -1) {
				tell(m[1], true)
			}
		}
	}
	for _, m := range inlineCode.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		if call := rotateCall.FindStringSubmatch(m[1]); call != nil {
			tell(call[1], false)
		}
	}
}

// Every call of rotate that the README and the docs show is one that the command
// line understands, with its flags, whether or not a test runs it.
func TestPagesCallRotateAsItIs(t *testing.T) {
	seen := 0
	check := func(path string) {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		calls(string(page), func(call string, whole bool) {
			seen++
			if why := misunderstood(t, call, whole); why != "" {
				t.Errorf("%s: rotate %s: %s", path, call, why)
			}
		})
	}
	check("../../README.md")
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			check(path)
		}
		return err
	})
	if err != nil || seen < 120 {
		t.Errorf("%d calls were found (%v): is the pattern right?", seen, err)
	}
}

// misunderstood says why a call is none; "" if it is one.
func misunderstood(t *testing.T, call string, whole bool) string {
	t.Helper()
	var words []string
	for _, w := range shellWord.FindAllString(call, -1) {
		switch w = strings.Trim(w, `'"`); w {
		case "N":
			w = "1" // a number to fill in
		case "…":
			continue
		}
		words = append(words, w)
	}
	root := newConsole(t, "").app(strings.NewReader(""), io.Discard, io.Discard).Root()
	root.InitDefaultCompletionCmd(words...)
	root.InitDefaultHelpCmd()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err.Error()
	}
	if cmd == root && (len(rest) == 0 || !strings.HasPrefix(rest[0], "-")) {
		return "there is no such command"
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil && (whole || !strings.Contains(err.Error(), "needs an argument")) {
		return err.Error()
	}
	if whole {
		if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			return err.Error()
		}
	}
	return ""
}
