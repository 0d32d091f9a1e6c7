package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/around"
	"github.com/keyrotate/rotate/internal/usage"
)

// A CheckSource is what was read, to be judged.
type CheckSource struct {
	Data  []byte
	Field string // the variable or member that was named; "" for all there is
	Env   bool   // Data is a .env file
	Place string // the path of the file, or STORE:NAME; "" for standard input
	Dir   string // the folder of the file; "" if it is none
}

// Where names the source for people.
func (s CheckSource) Where() string {
	if s.Place == "" {
		return "standard input"
	}
	return s.Place
}

// A Checker reads what is to be checked.
type Checker struct {
	Stdin func() ([]byte, error)
	Keys  []*fleet.Key // of the config; none if there is no config
	// Host and Lookup are os.Hostname's answer and os.LookupEnv, for the names near
	// a secret.
	Host   string
	Lookup func(string) (string, bool)
}

// Read reads - (standard input), FILE, FILE#PART or STORE:NAME#PART. A file that
// exists comes before a store. Nothing of arg is in an error unless there is such a
// file or store: it may be a secret.
func (c *Checker) Read(ctx context.Context, arg string) (CheckSource, error) {
	if arg == "-" {
		data, err := c.Stdin()
		return CheckSource{Data: data}, err
	}
	path, field := fileAndPart(arg)
	if path != "" {
		s, err := c.readFile(path)
		s.Field, s.Env = field, isEnv(path)
		return s, err
	}
	place, field, _ := strings.Cut(arg, "#")
	store, name, ok := strings.Cut(place, ":")
	switch {
	case !ok || store == "" || name == "":
		return CheckSource{}, usage.New("there is no file of the name given, which is not repeated here since it may be a secret",
			"name a file, FILE#MEMBER or STORE:NAME; a secret does not belong on a command line: rotate check - reads it from standard input")
	case len(c.Keys) == 0:
		return CheckSource{}, usage.New("there is no file of the name given, and no config that has a store", "-c FILE names the config that has the store")
	}
	opened, err := c.Keys[0].Stores.Open(ctx, store)
	if err != nil {
		return CheckSource{}, err
	}
	rev, err := opened.Read(ctx, name)
	if err != nil {
		return CheckSource{}, fmt.Errorf("store %s: %w", store, err)
	}
	return CheckSource{Data: rev.Value.Reveal(), Field: field, Place: place}, nil
}

// ReadEnv reads a .env file of any name, or - (standard input).
func (c *Checker) ReadEnv(path string) (s CheckSource, err error) {
	if path == "-" {
		s.Data, err = c.Stdin()
	} else if _, err = os.Stat(path); err != nil {
		err = usage.New("--env: there is no file of the name given")
	} else {
		s, err = c.readFile(path)
	}
	s.Env = true
	return s, err
}

// readFile reads a file that exists, one byte more than is judged at most.
func (c *Checker) readFile(path string) (CheckSource, error) {
	s := CheckSource{Place: path, Dir: filepath.Dir(path)}
	f, err := os.Open(path) //nolint:gosec // the path is the caller's
	if err == nil {
		defer f.Close()
		s.Data, err = io.ReadAll(io.LimitReader(f, intake.MaxSource+1))
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", path, failed.Err)
	}
	if err == nil && len(s.Data) > intake.MaxSource {
		err = fmt.Errorf("%s: it is larger than %d bytes, and no secret is", path, intake.MaxSource)
	}
	return s, err
}

// fileAndPart parts FILE#PART. The path is "" where no such file exists. One whose
// name has a # comes first.
func fileAndPart(arg string) (path, part string) {
	if _, err := os.Stat(arg); err == nil {
		return arg, ""
	}
	for i := range arg {
		if arg[i] != '#' {
			continue
		}
		if _, err := os.Stat(arg[:i]); err == nil && i > 0 {
			return arg[:i], arg[i+1:]
		}
	}
	return "", ""
}

// isEnv reports whether a file is a .env by its name: .env, .env.local, prod.env.
func isEnv(path string) bool {
	name := filepath.Base(path)
	return name == ".env" || strings.HasPrefix(name, ".env.") || strings.HasSuffix(name, ".env")
}

// Names is the names that people make secrets from: of the host, of the project that
// a source lies in, of its own variables, and of the config.
func (c *Checker) Names(s CheckSource) []judge.Name {
	dir, err := filepath.Abs(s.Dir) // of "" the working folder
	if err != nil {
		dir = "/"
	}
	names := around.Names(dir, c.Host, func(variable string) (string, bool) {
		if s.Env {
			if read, err := dotenv.Read(s.Data, variable, nil); err == nil {
				return string(read.Value.Reveal()), true
			}
		}
		return c.Lookup(variable)
	})
	for _, k := range c.Keys {
		names = append(names,
			judge.Name{Text: k.Environment, From: "environment in the config"},
			judge.Name{Text: k.Name, From: "name of a key in the config"},
			judge.Name{Text: k.Secret, From: "name of a secret in the config"})
	}
	return names
}
