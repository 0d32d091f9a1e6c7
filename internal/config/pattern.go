package config

import (
	"regexp"
	"sync"
)

// A pattern is a regular expression that is compiled when it is first used. To
// compile all of them took as long as everything else that a command does before
// it begins, and a config without mistakes needs three.
type pattern func() *regexp.Regexp

func compiled(text string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
