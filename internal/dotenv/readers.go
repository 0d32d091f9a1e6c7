package dotenv

import (
	"errors"

	"github.com/keyrotate/rotate/secret"
)

// A Reader is a program or library that reads .env files. Its model is what
// this package knows of it: e2e/dotenv.sh runs the reader itself and holds the
// model against it.
type Reader struct {
	Name    string // as its users call it
	Version string // that the model was held against
	model   model
}

// String is the name.
func (r Reader) String() string { return r.Name }

// A model reads a whole file, as its reader does. The error says that the
// reader takes nothing of the file. A model never returns what the file says in
// an error.
type model func(file string) (variables, error)

// variables is what a reader makes of a file.
type variables map[string]reading

// A reading is the value of one variable. It is unsure where it depends on more
// than the file: on other variables, or on what a command prints.
type reading struct {
	text   string
	unsure bool
}

// errRefused says that a reader takes nothing of a file.
var errRefused = errors.New("this reader refuses the file")

// Readers is the table of readers, in the order in which messages name them.
func Readers() []Reader {
	return []Reader{
		{"npm dotenv 15", "15.0.1", npm15},
		{"npm dotenv 16", "16.6.1", npm16},
		{"npm dotenv 17", "17.4.2", npm16}, // its parser is that of 16
		{"node --env-file", "24.21.0", node},
		{"python-dotenv", "1.2.4", python},
		{"godotenv", "1.5.1", godotenv},
		{"docker compose", "compose-go 2.16.2", compose},
		{"docker --env-file", "cli 29.9.3", docker},
		{"systemd EnvironmentFile", "252", systemd},
		{"a POSIX shell", "dash 0.5.12", shell},
	}
}

// Docker is the one reader that knows no quotes: where a text needs them, it
// cannot be served together with the others.
const Docker = "docker --env-file"

// What is what a reader makes of one variable.
type What struct {
	Value secret.Text
	Sure  bool // it depends on the file alone
	Set   bool // the reader takes the file, and the variable is in it
}

// Read is what the reader makes of the variable called name.
func (r Reader) Read(file []byte, name string) What {
	vars, err := r.model(string(file))
	if err != nil {
		return What{}
	}
	v, ok := vars[name]
	if !ok {
		return What{}
	}
	return What{Value: secret.New([]byte(v.text)), Sure: !v.unsure, Set: true}
}
