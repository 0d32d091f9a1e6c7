package say

import (
	"fmt"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// What is said of a source: what adopt takes a key from, and check judges.

// StandardInput names the source that is no file.
const StandardInput = "standard input"

// WhichVariable is of --from-env without its variable.
func WhichVariable() Words { return Words{What: "--from-env: not of the form FILE:VAR"} }

// WhichSource is of --from with what is neither a file nor a secret of a store.
func WhichSource() Words {
	return Words{"--from: not of the form STORE:NAME, and no file of that name is there",
		"a file of variables is --from-env FILE:VAR; standard input is -, as in: rotate adopt KEY - < key.pem"}
}

// WhichSecret is of --from with a store and nothing after it.
func WhichSecret() Words { return Words{What: "--from: not of the form STORE:NAME"} }

// OwnPlace is of a source that is the key's own place.
func OwnPlace(from, key string) Words {
	return Words{fmt.Sprintf("--from %s: that is where key %s is to live, and nothing is overwritten there", from, key),
		"give the key another `secret:` in the config; applications move over to it"}
}

// BadVariable is of what no variable can be called.
const BadVariable = "--from-env: what follows the last colon is not the name of a variable"

// EmptyVariable is of a variable without a value.
func EmptyVariable(path, name string) string {
	return fmt.Sprintf("%s: %s is set to nothing, so there is nothing to adopt; nothing was changed", path, name)
}

// Unchanged is another's error about a source.
func Unchanged(source string, err error) error {
	return fmt.Errorf("%s: %w; nothing was changed", source, err)
}

// FileOf names a file whose name may be a secret by the flag that names it.
func FileOf(flag string) string { return "the file that " + flag + " names" }

// NotAdopted is why a source is not taken in. refusal is in the words of package intake.
func NotAdopted(key, source string, refusal error) string {
	return fmt.Sprintf("key %s: %s cannot be adopted: %v; nothing was changed", key, source, refusal)
}

// LongUntil is of an --until that lets keys verify for too long.
func LongUntil() Words {
	return Words{"--until: keys that only verify do so for " + rotation.Duration(keyset.MaxUntil).String() + " at most",
		"choose how long tokens that they signed may still come, or leave --until out: then it is the grace"}
}

// AdoptAnother is what to do where the key has another keyset already; shows is what rotate status tells of it.
func AdoptAnother(key, shows string) string {
	return "rotate status " + key + " shows " + shows + ", use a new key name, or another `secret:` in the config"
}

// NoFile is of a source of check that is no file, and may be a secret.
func NoFile() Words {
	return Words{"there is no file of the name given, which is not repeated here since it may be a secret",
		"name a file, FILE#MEMBER or STORE:NAME; a secret does not belong on a command line: rotate check - reads it from standard input"}
}

// NoStores is the same of one that may be a secret of a store.
func NoStores() Words {
	return Words{"there is no file of the name given, and no config that has a store", "-c FILE names the config that has the store"}
}

// NoEnvFile is of --env.
func NoEnvFile() Words { return Words{What: "--env: there is no file of the name given"} }

// NoSecretIsSoLarge is of a file that is larger than any source.
func NoSecretIsSoLarge(path string, most int) error {
	return fmt.Errorf("%s: it is larger than %d bytes, and no secret is", path, most)
}
