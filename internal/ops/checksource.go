package ops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/say"
)

// A CheckSource is what was read, to be judged.
type CheckSource struct {
	Read  intake.Source
	Field string // the variable or member that was named; "" for all there is
	Env   bool   // Read is the text of a .env file
	Place string // the path of the file, or STORE:NAME; "" for standard input
	Dir   string // the folder of the file; "" if it is none
}

// Where names the source for people.
func (s CheckSource) Where() string {
	if s.Place == "" {
		return say.StandardInput
	}
	return s.Place
}

// Parts is the names that may follow # of the source.
func (s CheckSource) Parts() (names []string) {
	if s.Env {
		return dotenv.Names(s.Read.Text)
	}
	for _, m := range intake.Members(s.Read) {
		names = append(names, m.Name)
	}
	return names
}

// A Checker reads what is to be checked.
type Checker struct {
	Stdin  func() ([]byte, error)
	Keys   []*fleet.Key                // of the config; none if there is no config
	Lookup func(string) (string, bool) // os.LookupEnv, for the names near a secret
}

// Read reads - (standard input), FILE, FILE#PART or STORE:NAME#PART. A file that
// exists comes before a store. Nothing of arg is in an error unless there is such a
// file or store: it may be a secret.
func (c *Checker) Read(ctx context.Context, arg string) (CheckSource, error) {
	if arg == "-" {
		return c.input()
	}
	if path, field := splitPath(arg); exists(path) {
		s, err := checkFile(ctx, path)
		s.Field, s.Env = field, isEnv(path)
		return s, err
	}
	place, field, _ := strings.Cut(arg, "#")
	store, name, ok := strings.Cut(place, ":")
	switch {
	case !ok || store == "" || name == "":
		return CheckSource{}, refuse(say.NoFile())
	case len(c.Keys) == 0:
		return CheckSource{}, refuse(say.NoStores())
	}
	read, err := readSecret(ctx, c.Keys[0].Stores, store, name)
	return CheckSource{Read: read, Field: field, Place: place}, err
}

// ReadEnv reads a .env file of any name, or - (standard input).
func (c *Checker) ReadEnv(ctx context.Context, path string) (s CheckSource, err error) {
	switch {
	case path == "-":
		s, err = c.input()
	case !exists(path):
		err = refuse(say.NoEnvFile())
	default:
		s, err = checkFile(ctx, path)
	}
	s.Env = true
	return s, err
}

func (c *Checker) input() (s CheckSource, err error) {
	s.Read.Text, err = c.Stdin()
	return s, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// checkFile reads a file that exists, so that its name is no secret.
func checkFile(ctx context.Context, path string) (CheckSource, error) {
	s := CheckSource{Place: path, Dir: filepath.Dir(path)}
	var err error
	s.Read.Text, err = readFile(ctx, path)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", path, failed.Err)
	}
	if err == nil && len(s.Read.Text) > intake.MaxSource {
		err = say.NoSecretIsSoLarge(path, intake.MaxSource)
	}
	return s, err
}

// isEnv reports whether a file is a .env by its name: .env, .env.local, prod.env.
func isEnv(path string) bool {
	name := filepath.Base(path)
	return name == ".env" || strings.HasPrefix(name, ".env.") || strings.HasSuffix(name, ".env")
}

// Names is the names that people make secrets from, near a source: its own variables
// come before those of the environment.
func (c *Checker) Names(s CheckSource) []judge.Name {
	return namesNear(s.Dir, func(variable string) (string, bool) {
		if s.Env {
			if read, err := dotenv.Read(s.Read.Text, variable, nil); err == nil {
				return string(read.Value.Reveal()), true
			}
		}
		return c.Lookup(variable)
	}, c.Keys...)
}
