//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Config is the store's part of the config file.
type Config struct {
	Dir   string `yaml:"dir" doc:"Folder of the files, made with mode 0700 if it is not there."`
	Mode  string `yaml:"mode" doc:"Mode of the files in octal digits, such as \"0640\"; 0600 if not set. Only read bits may be added."`
	Group string `yaml:"group" doc:"Group of the files, by name or number; left alone if not set."`
}

// An optionError is an option that cannot be taken, and what to do about it.
type optionError struct{ option, msg, hint string }

func (e *optionError) Error() string { return e.msg }

// Option tells where to look.
func (e *optionError) Option() (name, hint string) { return e.option, e.hint }

// hintOf is the hint of the first of joined errors.
func hintOf(err error) string {
	if e := (*optionError)(nil); errors.As(err, &e) {
		return e.hint
	}
	return ""
}

// Relative takes the directory from the config's folder.
func (c *Config) Relative(base string) {
	if c.Dir != "" && !filepath.IsAbs(c.Dir) && !forShells(c.Dir) {
		c.Dir = filepath.Join(base, c.Dir)
	}
}

// Validate refuses what Open would, whatever the directory holds. It joins an
// error for each option.
func (c Config) Validate() error {
	var dir error
	switch {
	case c.Dir == "":
		dir = &optionError{"dir", "dir is not set", "such as: {type: file, dir: ./keys}"}
	case forShells(c.Dir):
		dir = &optionError{"dir", "dir has a ~ or $ that only a shell would replace, and none reads this file", "write the whole path, or one that begins at this file's folder: ./keys"}
	case !filepath.IsAbs(c.Dir):
		dir = &optionError{"dir", "dir is not an absolute path", "write the whole path"}
	}
	_, mode := parseMode(c.Mode)
	_, group := parseGroup(c.Group)
	return errors.Join(dir, mode, group)
}

// forShells reports whether a path has what shells replace: ~/keys,
// $HOME/keys, /srv/${USER}.
func forShells(dir string) bool {
	return strings.HasPrefix(dir, "~") || !filepath.IsAbs(dir) && strings.Contains(dir, "$") || strings.Contains(dir, "/${")
}

// Where is the path of a secret's file.
func (c Config) Where(secret string) string {
	return filepath.Join(c.Dir, filepath.FromSlash(secret)+".json")
}

// OneValue tells that a file keeps no earlier text.
func (c Config) OneValue() bool { return true }

// Everyone tells whether every user of the host may read the files.
func (c Config) Everyone() bool {
	mode, err := parseMode(c.Mode)
	return err == nil && mode&0o004 != 0
}

// parseMode wants the owner's read and write bits, and allows read bits for others. It allows no write bits: whoever
// may write a key file decides who is trusted.
func parseMode(text string) (fs.FileMode, error) {
	if text == "" {
		return 0o600, nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n&0o600 != 0o600 || n&^0o644 != 0 {
		return 0, &optionError{"mode", "mode is not 0600, 0640 or 0644", `leave mode out, or let a group read: mode: "0640" with group`}
	}
	return fs.FileMode(n), nil
}

func parseGroup(text string) (int, error) {
	if text == "" {
		return -1, nil
	}
	if gid, err := strconv.ParseUint(text, 10, 31); err == nil {
		return int(gid), nil
	}
	g, err := user.LookupGroup(text)
	if err != nil {
		return 0, &optionError{"group", "there is no group of this name on this host", "make the group, or write its number"}
	}
	return strconv.Atoi(g.Gid)
}
