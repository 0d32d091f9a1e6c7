package format

import (
	"bytes"
	"cmp"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// Options name the variables of the format env, and hold the template of the
// format template. Empty names are JWT_SECRET, and Current with _NEXT and
// _PREVIOUS after it.
type Options struct {
	Current, Next, Previous string
	Template                *Template
}

// variable is what every shell takes as a name (POSIX XBD 8.1, and lower case).
var variable = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsVariable reports whether a text can be the name of a variable.
func IsVariable(name string) bool { return variable().MatchString(name) }

// A line is one variable of the format env.
type line struct {
	name string
	text secret.Text
}

// envLines are the variables of the three keys. Where there is no next or
// previous key its variable repeats the current one, as in the document, since
// libraries take an empty text for a key; of a key pair they repeat the public
// half, since what only verifies is not to hold what signs. Of several previous
// keys only the youngest has a variable; list and keyset have them all.
func envLines(s *keyset.Set, o Options) []line {
	current := s.Signing()
	next, previous := verifying(current), verifying(current)
	if k, ok := s.Next(); ok {
		next = verifying(k)
	}
	if p := s.Previous(); len(p) > 0 {
		previous = verifying(p[0])
	}
	names := o.Names()
	return []line{{names[0], current.Text()}, {names[1], next}, {names[2], previous}}
}

// renderEnv writes NAME=value for each variable, in the form that all readers of
// .env files take alike (dotenv.Write).
func renderEnv(s *keyset.Set, o Options) (secret.Text, error) {
	var b bytes.Buffer
	used := map[string]bool{}
	for _, l := range envLines(s, o) {
		if !IsVariable(l.name) || used[l.name] {
			return secret.Text{}, fmt.Errorf("%q cannot be the name of one of three variables: letters, digits and _ only, each name once", l.name)
		}
		used[l.name] = true
		w, err := dotenv.Write(l.text.Reveal())
		if err != nil {
			return secret.Text{}, fmt.Errorf("%s: %w", l.name, err)
		}
		fmt.Fprintf(&b, "%s=%s\n", l.name, w.Text)
	}
	return secret.New(b.Bytes()), nil
}

// EnvBlind is the readers that do not see the keys of a set as the format env
// writes them: docker's --env-file, where a text needs quotes or, as a PEM does,
// several lines. The error is that of rendering.
func EnvBlind(s *keyset.Set, o Options) (blind []dotenv.Reader, err error) {
	for _, l := range envLines(s, o) {
		w, err := dotenv.Write(l.text.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		for _, r := range w.Not {
			if !slices.ContainsFunc(blind, func(o dotenv.Reader) bool { return o.Name == r.Name }) {
				blind = append(blind, r)
			}
		}
	}
	return blind, nil
}

// PairBlind is what EnvBlind says of every key pair, before there is one.
func PairBlind() []dotenv.Reader {
	w, err := dotenv.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: make([]byte, 64)}))
	if err != nil {
		return nil // not reached: a PEM can be written
	}
	return w.Not
}

// verifying is the text that verifies: of a key pair the public PEM.
func verifying(k keyset.Key) secret.Text {
	if k.Alg.Symmetric() {
		return k.Text()
	}
	return secret.New(k.PublicPEM())
}

// Names is the names of the three variables: of the current, the next and the
// previous key.
func (o Options) Names() []string {
	current := cmp.Or(o.Current, "JWT_SECRET")
	return []string{current, cmp.Or(o.Next, current+"_NEXT"), cmp.Or(o.Previous, current+"_PREVIOUS")}
}
