package vaultkv

import (
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// path is a secret's place in the mount, at its address in the API.
func (s *store) path(name string) string {
	if s.Path == "" {
		return name
	}
	return s.Path + "/" + name
}

func (s *store) at(kind, name string) string { return s.Mount + "/" + kind + "/" + s.path(name) }

// checkName takes 1 to 200 bytes of letters, digits, . _ - @ and single /
// between segments: nothing that a URL, a policy's glob or path.Join changes.
func checkName(name string) error {
	ok := len(name) <= 200
	for _, segment := range strings.Split(name, "/") {
		ok = ok && strings.Trim(segment, ".") != "" && strings.Trim(segment, nameBytes) == ""
	}
	if !ok {
		return &providers.Error{Kind: providers.ErrBadName, Hint: "names are at most 200 letters, digits, . _ - @ and / between segments"}
	}
	return nil
}

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@"
