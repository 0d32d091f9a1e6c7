package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every manager has a page of the same form: the same headings in the same
// order, every option of its config, and how to prove it oneself.
func TestEveryManagerHasAPage(t *testing.T) {
	headings := []string{
		"Ten minutes to a rotated key", "How applications read", "What rotate writes", "What it costs", "What deletion means here", "What is proven where",
	}
	for typ, fresh := range registry() {
		if typ == "file" {
			continue // has no service, so its page has no commands of one
		}
		data, err := os.ReadFile("../../docs/providers/" + typ + ".md")
		if err != nil {
			t.Error(err)
			continue
		}
		page := string(data)
		var found []string
		for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1) {
			if slices.Contains(headings, m[1]) {
				found = append(found, m[1])
			}
		}
		if !slices.Equal(found, headings) {
			t.Errorf("%s: the headings are %q, want %q", typ, found, headings)
		}
		for _, word := range []string{"validate --probe", "Sign with current", "`TestOneLife`", "make live-" + typ + "|make conformance-" + typ} {
			if !regexp.MustCompile(word).MatchString(page) {
				t.Errorf("%s: nothing about %s", typ, word)
			}
		}
		config := reflect.TypeOf(fresh()).Elem()
		for i := range config.NumField() {
			name, _, _ := strings.Cut(config.Field(i).Tag.Get("yaml"), ",")
			if name != "" && !regexp.MustCompile(`\b`+name+`\b`).MatchString(page) {
				t.Errorf("%s: the option %s is not told of", typ, name)
			}
		}
	}
}
