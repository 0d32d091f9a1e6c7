package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/trust"
)

// Find is the path of the config: the flag's, that of $ROTATE_CONFIG, or the
// first of ./rotate.yaml and /etc/rotate/rotate.yaml that exists. The error is that
// there is none, or a *trust.Error: a file that nobody named has to be the user's
// or root's, as it says where tokens are sent.
func Find(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if path := getenv("ROTATE_CONFIG"); path != "" {
		return path, nil
	}
	const here, installed = "rotate.yaml", "/etc/rotate/rotate.yaml"
	if found(here) {
		return here, trustFound(here)
	}
	if found(installed) {
		return installed, nil
	}
	return "", fmt.Errorf("no config: neither -c nor $ROTATE_CONFIG is set, and there is no %s nor %s", here, installed)
}

// found takes a path that cannot be read, too: that is for Load to report.
func found(path string) bool {
	_, err := os.Stat(path)
	return !os.IsNotExist(err)
}

// trustFound refuses the config of the working directory if somebody else could
// have put it there. What cannot be looked at is for Load to report.
func trustFound(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &trust.Error{Why: path + " is not a plain file, and was found by its name alone", Hint: "if it is the config, say so: -c " + path}
	}
	var foreign *trust.Error
	if !errors.As(trust.Check(path), &foreign) {
		return nil
	}
	return &trust.Error{
		Why:  fmt.Sprintf("%s was found by its name alone, and somebody else can change it: %s", path, foreign.Why),
		Hint: fmt.Sprintf("a config says where tokens are sent. If you trust this one, name it: -c %s; or else: %s", path, foreign.Hint),
	}
}

// changeable warns of files that somebody else can change. A pipe is whoever's
// program writes to it.
func changeable(files []string) (warnings []strictyaml.Problem) {
	for _, file := range files {
		var foreign *trust.Error
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || !errors.As(trust.Check(file), &foreign) {
			continue
		}
		warnings = append(warnings, strictyaml.Problem{File: file, Msg: "somebody else can change the config: " + foreign.Why, Hint: foreign.Hint})
	}
	return warnings
}
