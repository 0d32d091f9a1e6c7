package format

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// Options name the variables of the format env. Empty ones are JWT_SECRET, and
// Current with _NEXT and _PREVIOUS after it.
type Options struct {
	Current, Next, Previous string
}

// variable is what every shell takes as a name (POSIX XBD 8.1, and lower case).
var variable = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsVariable reports whether a text can be the name of a variable.
func IsVariable(name string) bool { return variable().MatchString(name) }

// renderEnv writes one NAME=value a line. Where there is no next or previous
// key its variable repeats the current one, as in the document, since libraries
// take an empty text for a key; of a key pair they repeat the public half, since
// what only verifies is not to hold what signs. Of several previous keys only the youngest has
// a variable; list and keyset have them all.
func renderEnv(s *keyset.Set, o Options) (secret.Text, error) {
	current := s.Signing()
	next, previous := verifying(current), verifying(current)
	if k, ok := s.Next(); ok {
		next = verifying(k)
	}
	if p := s.Previous(); len(p) > 0 {
		previous = verifying(p[0])
	}
	names := o.Names()
	lines := []struct {
		name string
		text secret.Text
	}{
		{names[0], current.Text()},
		{names[1], next},
		{names[2], previous},
	}
	var b bytes.Buffer
	used := map[string]bool{}
	for _, line := range lines {
		if !IsVariable(line.name) || used[line.name] {
			return secret.Text{}, fmt.Errorf("%q cannot be the name of one of three variables: letters, digits and _ only, each name once", line.name)
		}
		used[line.name] = true
		value, err := quote(string(line.text.Reveal()))
		if err != nil {
			return secret.Text{}, fmt.Errorf("%s: %w", line.name, err)
		}
		fmt.Fprintf(&b, "%s=%s\n", line.name, value)
	}
	return secret.New(b.Bytes()), nil
}

// verifying is the text that verifies: of a key pair the public PEM.
func verifying(k keyset.Key) secret.Text {
	if k.Alg.Symmetric() {
		return k.Text()
	}
	return secret.New(k.PublicPEM())
}

// plain is what stands in an env file without quotes, the same to all readers.
// Everything that rotate makes for symmetric keys does.
var plain = lazy.Regexp(`^[A-Za-z0-9_./+=:@,-]+$`)

// quote writes a value as dotenv libraries (of Node, Python, Ruby and Go) and
// shells read it alike. Their rules part beyond this, so what would be read in
// more than one way is refused rather than guessed:
//
//   - Line ends are \n inside double quotes, as those libraries expand it.
//     docker --env-file, systemd and shells do not: give them a PEM as a file.
//   - Other texts stand in single quotes, where nothing is expanded, if they
//     have none, nor a backslash or a $, which some expand even there.
func quote(v string) (string, error) {
	control := func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }
	switch {
	case plain().MatchString(v):
		return v, nil
	case strings.ContainsFunc(v, control) || strings.ContainsAny(v, `\$`):
	case !strings.ContainsAny(v, "'\n"):
		return "'" + v + "'", nil
	case !strings.ContainsAny(v, "\"`"):
		return `"` + strings.ReplaceAll(v, "\n", `\n`) + `"`, nil
	}
	return "", errors.New(`the text has characters that readers of env files take in different ways (such as \, $ or both kinds of quotes): use the format value, list or keyset`)
}

// Names is the names of the three variables: of the current, the next and the
// previous key.
func (o Options) Names() []string {
	current := cmp.Or(o.Current, "JWT_SECRET")
	return []string{current, cmp.Or(o.Next, current+"_NEXT"), cmp.Or(o.Previous, current+"_PREVIOUS")}
}
