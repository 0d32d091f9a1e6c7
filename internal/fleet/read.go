package fleet

import (
	"errors"
	"io/fs"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
)

// firstConfig is all that it takes to begin.
const firstConfig = `four lines are enough to begin with; save them as rotate.yaml.
rotate now then makes a key; rotate adopt takes in the one that you have

environment: development
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys: {auth-jwt: {}}
`

// Read reads the config at a path, or where config.Find has it if the path is "".
// It says where that was. The error is a usage.Error, or strictyaml.Problems.
func Read(path string, getenv func(string) string, types stores.Registry) (*config.Config, string, error) {
	path, err := config.Find(path, getenv)
	if err != nil {
		return nil, "", &usage.Error{Msg: err.Error(), Hint: firstConfig}
	}
	c, err := config.Load(path, types)
	var problems strictyaml.Problems
	switch {
	case errors.As(err, &problems):
		return nil, path, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, path, &usage.Error{Msg: "config: there is no file or folder " + path, Hint: "-c or $ROTATE_CONFIG names that path; is it right? If there is no config yet, " + firstConfig}
	case err != nil:
		return nil, path, &usage.Error{Msg: err.Error()}
	}
	return c, path, nil
}
