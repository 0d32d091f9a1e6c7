package main

import (
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/lazy"
)

// nameable is what may be repeated of a command line. Secrets are pasted into
// the wrong place, and standard error goes to CI logs; so what is longer, or has
// other characters than names of keys, is not quoted.
var nameable = lazy.Regexp(`^[a-z0-9._-]{1,24}$`)

// shown quotes an argument, or only calls it what it is.
func shown(arg, what string) string {
	if nameable().MatchString(arg) {
		return strconv.Quote(arg)
	}
	return what
}

// scrub takes the arguments that may be secrets out of a message that was worded
// by someone else. A flag's name stays.
func scrub(msg string, args []string) string {
	for _, arg := range args {
		name, value, isFlag := strings.Cut(arg, "=")
		if isFlag = isFlag && strings.HasPrefix(arg, "-"); isFlag {
			if arg = value; arg == "" {
				continue
			}
		} else if strings.HasPrefix(arg, "--") && nameable().MatchString(name) {
			continue
		}
		if nameable().MatchString(arg) || arg == "" {
			continue
		}
		msg = strings.ReplaceAll(msg, strconv.Quote(arg), "(not repeated here)")
		if len(arg) > 3 { // less is no secret, and part of words
			msg = strings.ReplaceAll(msg, arg, "(not repeated here)")
		}
	}
	return msg
}
