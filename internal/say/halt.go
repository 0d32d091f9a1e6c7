package say

import (
	"cmp"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// Halt says why a key has halted, that what was found is left as it is, and what to do.
func Halt(r rotation.Reason, about Subject) Words {
	w := Found(r, about)
	w.What = "key " + about.Key + ", " + w.What
	return w
}

// Found is Halt where the key was named already. Without a secret it is of several keys.
func Found(r rotation.Reason, about Subject) Words {
	w := speaker{about, Plain}.halt(r)
	place := "store " + about.Store
	if about.Secret != "" {
		place += ", secret " + about.Secret
	}
	w.What = fmt.Sprintf("%s: %s. Nothing was overwritten; this key is not rotated until that is settled, the others are", place, w.What)
	return w
}

// halt words what was found.
func (s speaker) halt(r rotation.Reason) Words {
	who := Witness(r)
	switch r.Code {
	case rotation.OtherName:
		return Words{
			fmt.Sprintf("it holds the keyset of %q", r.Is),
			fmt.Sprintf("give every key a secret of its own. If the key was renamed, say so in the config: `was: [{name: %s}]`", r.Is),
		}
	case rotation.OtherEnvironment:
		return Words{
			fmt.Sprintf("it holds a keyset of environment %q, this is %q", r.Is, r.Whose),
			"environments never share keys: check `environment:` and which account the store belongs to",
		}
	case rotation.NewerWriter:
		return Words{r.Cause, "run the newest rotate everywhere; this one only reads"}
	case rotation.OtherLineage:
		return Words{
			"it holds a keyset of another lineage than " + who,
			"someone made a new one or copied it from elsewhere; put the right one back. `rotate accept` does not take it: it is another key, which belongs under a name and `secret:` of its own",
		}
	case rotation.OlderDocument:
		return Words{
			fmt.Sprintf("it is at generation %d, but %s is of generation %d and is not among its ancestors: a restored backup, or a fork", r.Have, who, r.Want),
			fmt.Sprintf("put the newest document back. Where it cannot be had: rotate accept %s --generation %d --dry-run tells which keys would be lost, and which deleted ones would verify again", s.Key, r.Have),
		}
	case rotation.RemovedBack:
		return Words{
			fmt.Sprintf("the key was removed, as %s remembers, and a backup of it stands here, at generation %d", who, r.Have),
			fmt.Sprintf("put the marker back, or delete the backup and everything it holds. If the removal was a mistake: rotate accept %s --generation %d --dry-run tells what it means to go on from the backup", s.Key, r.Have),
		}
	case rotation.OlderNote:
		return Words{
			fmt.Sprintf("it is at generation %d, and so is %s, but it is not the same document: an earlier one was put back. At one generation the keys are the same, so what is lost is a note of what was seen everywhere; after a fork it may be more", r.Have, who),
			fmt.Sprintf("put the newest document back, or go on from this one: rotate accept %s --generation %d --dry-run says what that means", s.Key, r.Have),
		}
	case rotation.KeyLost:
		return s.lost(r)
	case rotation.PlaceShared:
		return Words{
			fmt.Sprintf("the store has nothing under this name, and %s belongs to key %q of environment %q, which wrote %s there", who, r.Of.Key, r.Of.Environment, lineage(r)),
			"give the output a place of its own" + restart,
		}
	case rotation.Renamed:
		return s.renamed(r)
	case rotation.Spoilt:
		return Words{
			"what is stored there is not a keyset that can be trusted: " + r.Cause,
			"put back the document that rotate wrote last, from the store's own history or a backup. If there is none: docs/runbooks/lost-store.md",
		}
	case rotation.ForeignValue:
		return Words{
			"the secret holds a value that is not a keyset, and rotate has never written there: " + r.Cause,
			fmt.Sprintf("give the key another `secret:`. If applications use that value, take it in from there: rotate adopt %s --from %s:%s", s.Key, s.Store, cmp.Or(s.Secret, "SECRET")),
		}
	}
	return Words{r.Cause, r.Hint}
}

// restart is for whoever removes what a daemon remembers.
const restart = ". Then restart the daemon, if one runs: it remembers what it has read"

func lineage(r rotation.Reason) string {
	return fmt.Sprintf("generation %d of the lineage %s", r.Want, r.Is)
}

// lost words an empty store of which someone remembers a key.
func (s speaker) lost(r rotation.Reason) Words {
	who := Witness(r)
	if r.Whose == rotation.ThisProcess {
		return Words{
			fmt.Sprintf("the store has nothing under this name, but %s is of generation %d: the key was lost", who, r.Want),
			"restore it; to begin anew on purpose, restart rotate",
		}
	}
	return Words{
		fmt.Sprintf("the store has nothing under this name, but %s was written from %s: the key was lost, or another key writes to that place, too", who, lineage(r)),
		"if the key is new, give the output a place of its own: `rotate status -o json`, with the config of the other key, shows whose lineage that is. If it was in use, restore it. " +
			"To begin anew on purpose, remove what " + who + " holds, too: everyone with a token of the lost key is logged out" + restart,
	}
}

// renamed words an empty store while an output belongs to a keyset that no key of the config has.
func (s speaker) renamed(r rotation.Reason) Words {
	what := fmt.Sprintf("the store has nothing under this name, and %s was written for the key %q of this environment", Witness(r), r.Of.Key)
	same := r.Of.Key == s.Key && r.Of.Secret != ""
	if same {
		what = fmt.Sprintf("the store has nothing under this name, and %s was written for this key", Witness(r))
	}
	if r.Of.Secret != "" {
		what += fmt.Sprintf(", whose keyset stands in secret %s of store %s", r.Of.Secret, r.Of.Store)
	}
	what += ". No key of this config has that keyset: the key was renamed. A fresh key would log everyone out"
	if same {
		return Words{what, "give the key `secret: " + r.Of.Secret + "` again" + restart}
	}
	todo := fmt.Sprintf("call the key %s again in the config", r.Of.Key)
	if r.Of.Secret != "" && r.Of.Store == s.Store {
		todo += fmt.Sprintf(", or keep its secret and say what it was called: `secret: %s` and `was: [{name: %s}]`", r.Of.Secret, r.Of.Key)
	}
	return Words{what, todo + ". If this is another key, give it an output of its own" + restart}
}

// Unclear says that nobody can tell yet what a store holds, and when to ask again.
func Unclear(step rotation.Step, about Subject, now time.Time) Words {
	return Words{
		fmt.Sprintf("key %s, store %s, secret %s: %s", about.Key, about.Store, about.Secret, speaker{}.stale(step.Why)),
		"ask again at " + When(now, step.At),
	}
}
