package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Source is a value that may be adopted.
type Source struct {
	Value    []byte
	Where    string // for people
	IsOutput bool   // rotate itself writes the key there from now on
}

// FromEnv reads a variable of a .env file, given as FILE:VAR.
func FromEnv(k *fleet.Key, from string) (Source, error) {
	i := strings.LastIndex(from, ":")
	if i < 1 || i == len(from)-1 {
		return Source{}, usage.New("--from-env: not of the form FILE:VAR")
	}
	file, name := from[:i], from[i+1:]
	data, err := os.ReadFile(file)
	if err != nil {
		return Source{}, notRead(file, err)
	}
	value, err := dotenv.Lookup(data, name)
	var line *dotenv.Error
	switch {
	case errors.As(err, &line):
		return Source{}, fmt.Errorf("%s:%w; nothing was changed", file, err)
	case errors.Is(err, dotenv.ErrMissing):
		return Source{}, fmt.Errorf("%s: %w: %s", file, dotenv.ErrMissing, shownVariable(name))
	case err != nil:
		return Source{}, usage.New("--from-env: what follows the last colon is not the name of a variable")
	}
	s := Source{Value: value.Reveal(), Where: fmt.Sprintf("%s of %s", name, file)}
	if path, err := filepath.Abs(file); err == nil {
		s.IsOutput = k.Writes(path)
	}
	return s, nil
}

// notRead is an error on a file that may be a secret: one with a colon in it, say.
func notRead(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w; nothing was changed", usage.Quote(file, "the file that --from-env names"), err)
}

// shownVariable is usage.Quote for the names of variables.
func shownVariable(name string) string {
	if len(name) <= 24 || strings.Count(name, "_") > 1 && strings.ToUpper(name) == name && len(name) <= 40 {
		return name
	}
	return "the one given"
}

// FromStore reads a value of one of the config's stores, given as STORE:NAME.
func FromStore(ctx context.Context, k *fleet.Key, from string) (Source, error) {
	store, name, ok := strings.Cut(from, ":")
	if !ok || store == "" || name == "" {
		return Source{}, usage.New("--from: not of the form STORE:NAME", "a file of variables is --from-env FILE:VAR; standard input is -, as in: rotate adopt KEY - < key.pem")
	}
	if store == k.StoreName && name == k.Secret {
		return Source{}, usage.New(
			fmt.Sprintf("--from %s: that is where key %s is to live, and nothing is overwritten there", from, k.Name),
			"give the key another `secret:` in the config; applications move over to it",
		)
	}
	s, err := k.Stores.Open(ctx, store)
	if err != nil {
		return Source{}, err
	}
	rev, err := s.Read(ctx, name)
	if err != nil {
		return Source{}, fmt.Errorf("key %s: store %s: %w; nothing was changed", k.Name, store, err)
	}
	value := rev.Value.Reveal()
	if set, err := keyset.Parse(bytes.TrimSpace(value)); err == nil {
		return Source{}, fmt.Errorf("key %s: %s holds a keyset of rotate already, of key %s; nothing was changed", k.Name, from, set.Name)
	}
	return Source{Value: value, Where: from, IsOutput: k.Writes(store + " " + name)}, nil
}
