// Package config reads what rotate is told to do: environment, stores, keys.
//
// A config is one YAML file, or a folder of them that add up. It is read
// strictly, and every mistake is reported at once, with its line and what to do
// about it. It holds no credentials.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/notify"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
)

// A Config is a whole, valid config. It is not to be changed.
type Config struct {
	Environment string
	Listen      []endpoint.Endpoint // where the daemon answers; nil for nowhere
	AuditFile   string              // absolute path of the audit file; "" for none
	Notify      notify.Settings
	Stores      map[string]Store
	Keys        []Key                // by name
	Warnings    []strictyaml.Problem // what is accepted but not advised
	Notes       []string             // what follows from the config and is good to know
}

// A Store is one of the places under stores.
type Store struct {
	Type   string // key of the Registry
	Config providers.Config
}

// A Key is one key to rotate, with all defaults filled in.
type Key struct {
	Name   string
	Store  string // key of Config.Stores
	Secret string // the keyset's name in the store
	Spec   keygen.Spec
	Chosen bool            // the config names the algorithm; it is not the default
	Policy rotation.Policy // Jitter is this key's own share
	Sync   time.Duration   // how often to look when nothing is due

	Purpose string   // what it is for; "" if nothing is said
	Owner   string   // who answers for it; the same
	Was     []string // earlier names of the key
	Fresh   string   // the key begins where another one of its name was removed; see rotation.MayBegin
	Outputs []Output

	// Schedule is the cron text as it was written, for grouping: keys of the
	// same text have equal schedules. "" if Every says when.
	Schedule string
	Every    time.Duration // anchored to the stored time of the last rotation; 0 if Schedule says when, or if nobody but a person does
	Window   string        // Policy.Window as it was written; "" if it is always open
}

// An Output is a further place that gets the key.
type Output struct {
	Name    string // where it is: "STORE SECRET", "STORE SECRET#FIELD", or the path of the file
	Store   string // key of Config.Stores; "" for a file by its path
	Secret  string // the name in the store; of a file by its path the last part
	Field   string // the one data key of the secret that it has; "" if it has more, or all
	Format  format.Format
	Options format.Options
	Marks   providers.Marks  // of its own, on the secret in the store
	Config  providers.Config // of the store, or of the file's folder
	After   after.Settings   // how readers are made to read; zero if they do so by themselves
}

// Load reads the config at path, a file or a folder of *.yaml files. The error
// is Problems if the files can be read but not taken.
func Load(path string, types stores.Registry) (*Config, error) {
	files, err := filesAt(path)
	if err != nil {
		return nil, err
	}
	d := strictyaml.NewDecoder(formOf(types))
	var doc document
	whole := true // every file was read to its end
	for _, file := range files {
		ok, err := d.File(file, &doc)
		if err != nil {
			return nil, err
		}
		whole = whole && ok
	}
	c := &Config{}
	switch {
	case whole && d.IsEmpty() && d.Failed() == 0:
		d.Fail(d.Start(), example+" shows one", "the config is empty")
	case whole:
		c = resolve(d, &doc)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	c.Warnings = append(changeable(files), d.Accepted()...)
	return c, nil
}

// filesAt lists the config's files in the order of their names. Hidden ones
// are left out: Kubernetes keeps the versions of a mounted folder in them.
func filesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var files []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("config: the folder %s has no *.yaml file", path)
	}
	slices.Sort(files)
	return files, nil
}
