// Package usage is for what cannot be served as it was asked for, and for what may
// be repeated of a command line.
package usage

import (
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/lazy"
)

// An Error is a command line or a config that cannot be served. Nothing was tried.
type Error struct {
	Msg  string
	Hint string // what to do; "" if the message says it
	Err  error  // what the message was made of; nil if nothing
}

func (e *Error) Error() string { return e.Msg }

// Unwrap lets errors.As see what was refused.
func (e *Error) Unwrap() error { return e.Err }

// Todo is the hint, for package say.
func (e *Error) Todo() string { return e.Hint }

// New is an Error with hints on what to do, each on a line of its own.
func New(msg string, hints ...string) *Error {
	return &Error{Msg: msg, Hint: strings.Join(hints, "\n")}
}

// Name quotes an argument that names a key, a store, a format or a time, as it was
// typed. Only a text that is longer than any name is called what it is.
func Name(arg, what string) string {
	const longest = 63
	if len(arg) <= longest {
		return strconv.Quote(arg)
	}
	return what
}

// nameable is what may be repeated of a command line. Secrets are pasted into
// the wrong place, and standard error goes to CI logs; so what is longer, or has
// other characters than kids and plain paths, is not quoted.
var nameable = lazy.Regexp(`^[a-z0-9._*?-]{1,24}$`)

// Quote quotes an argument that can be a secret, such as a source of adopt or a kid,
// or only calls it what it is.
func Quote(arg, what string) string {
	if nameable().MatchString(arg) {
		return strconv.Quote(arg)
	}
	return what
}

// Scrub takes the arguments that may be secrets out of a message that was worded
// by someone else. A flag's name stays.
func Scrub(msg string, args []string) string {
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
