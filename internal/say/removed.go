package say

import (
	"cmp"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// removedAt says when a key was removed, and by whom.
func removedAt(r rotation.Reason, at Times) string {
	return fmt.Sprintf("removed at %s, by %s", at(r.At), cmp.Or(Clean(r.Whose), "someone"))
}

// Removed is of a key that was removed.
func Removed(key string, r rotation.Reason) Words {
	return Words{fmt.Sprintf("key %s was %s: there is no keyset", key, removedAt(r, Plain)), freshHint(r)}
}

// freshHint is how another key of the name begins.
func freshHint(r rotation.Reason) string {
	if r.Have > 0 {
		return "take the key out of the config. For another key of the name: `fresh: " + r.Is + "`; `fresh: true` has served already"
	}
	return "take the key out of the config. For another key of the name: `fresh: true`"
}

// RemovedTooSoon is of a removal that would come before tokens have run out.
func RemovedTooSoon(in, least time.Duration, told bool) Words {
	life := "the config's token_ttl"
	if !told {
		life = "as long as a token may live with this grace; set token_ttl if they live shorter"
	}
	return Words{
		fmt.Sprintf("--in: %s is shorter than tokens may live, %s (%s)", rotation.Duration(in), rotation.Duration(least), life),
		"--now erases everything at once, whoever still has a token",
	}
}

// NoWayBack is of a removal that has come to its end.
func NoWayBack(key string, r rotation.Reason) Words {
	return Words{fmt.Sprintf("key %s was %s: that cannot be taken back", key, removedAt(r, Plain)), freshHint(r)}
}

// SignerRevoked is of a removal in which the key that signed last was compromised.
func SignerRevoked(key string) Words {
	return Words{
		fmt.Sprintf("key %s: the key that signed last was revoked meanwhile, so no key is left to go back to", key),
		"rotate remove " + key + " --now erases the rest; after that `fresh: true` in the config begins another key of the name",
	}
}

// BeingRemoved is of a rotation of a key that is being removed.
func BeingRemoved(key string) Words {
	return Words{fmt.Sprintf("key %s is being removed: nothing is to sign with it any more", key), "rotate remove " + key + " --undo takes that back"}
}
