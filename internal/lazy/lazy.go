// Package lazy is for what most processes never need.
package lazy

import (
	"regexp"
	"sync"
)

// A Pattern is a regular expression that is compiled when it is first used, and
// once, whoever asks.
type Pattern func() *regexp.Regexp

// Regexp is the pattern of a text; a text that does not compile panics at its
// first use. To compile all of rotate's took as long as everything else that a
// command does before it begins.
func Regexp(text string) Pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
