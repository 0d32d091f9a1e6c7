package say

import (
	"fmt"
	"strings"
)

// What cannot be served as it was asked for, each with what to do. Nothing was
// changed in any of these cases, and the old keys sign on.

// NothingToAccept is of a key that no place knows.
func NothingToAccept(key, place string) Words {
	return Words{
		fmt.Sprintf("key %s: there is nothing to accept: neither the store nor an output knows a keyset of this name", key),
		fmt.Sprintf("put a backup into %s, and look again; rotate now %s makes a new first key", place, key),
	}
}

// OnlyWhole is what to do about a document that accept does not take.
const OnlyWhole = "rotate accept takes only a whole document whose age is all that is wrong with it; docs/runbooks/lost-store.md has the other ways out"

// WhichGeneration asks for the generation to accept. given is what was named, 0 for
// nothing; at is what the store holds.
func WhichGeneration(key string, given, at uint64) Words {
	if given == 0 {
		return Words{"--generation is missing: the one that the alarm names", "rotate status " + key + " shows it"}
	}
	return Words{
		fmt.Sprintf("the store holds generation %d of key %s, not %d; nothing was changed", at, key, given),
		"look at it again: rotate status " + key,
	}
}

// NoKeyset is of a key that has none yet.
func NoKeyset(key, store string) Words {
	return Words{fmt.Sprintf("key %s, store %s: there is no keyset yet", key, store), "rotate now " + key + " makes the first key"}
}

// NothingToRevoke is the same for who wants to revoke a key.
func NothingToRevoke(key string) Words {
	return Words{What: fmt.Sprintf("key %s has no keyset yet: there is nothing to revoke", key)}
}

// StillAnOutput is of a place that forget is not for.
func StillAnOutput(key string) Words {
	return Words{
		fmt.Sprintf("key %s: the config still has this place as an output, and rotate would write it again", key),
		"take it out of the config first, and reload the daemons",
	}
}

// NeverWritten is of a place that rotate has not written a key to. known is where it has.
func NeverWritten(key string, known []string) Words {
	hint := "it has written to: " + strings.Join(known, "; ")
	if len(known) == 0 {
		hint = "it has written this key to no place but its own store"
	}
	return Words{fmt.Sprintf("key %s: rotate has written nothing there", key), hint}
}

// WhichKid is of a kid that is none, or of a beginning that several have. given is
// what was named, as far as it may be repeated; live are the kids that can be meant.
// least is how long it has to be, if it is shorter.
func WhichKid(key, given string, found, least int, live []string) Words {
	what := fmt.Sprintf("key %s has no kid %s", key, given)
	switch {
	case found > 1:
		what = fmt.Sprintf("key %s has %d kids that begin with %s", key, found, given)
	case least > 0:
		what += fmt.Sprintf("; the beginning of a kid has to be %d characters at least", least)
	}
	return Words{what + "; nothing was changed", "live are " + strings.Join(live, ", ")}
}

// Busy is of other writers that did not let a command come to its end.
func Busy(key, store string) Words {
	return Words{What: fmt.Sprintf("key %s, store %s: other writers kept getting in the way; the next call goes on from what is stored", key, store)}
}

// Hanging words that a command was told to end and does not, and which calls hold it.
func Hanging(within string, calls []string) Words {
	held := "a file or a program"
	if len(calls) > 0 {
		held = strings.Join(calls, "; ")
	}
	return Words{
		What: fmt.Sprintf("told to end %s ago and left without an answer: %s. What was begun is finished by the next command or the daemon; until a new key signs, the old one does", within, held),
		Hint: "see why that does not answer; rotate status tells what the store holds",
	}
}
