package vaultkv

import "strings"

// path is a secret's place in the mount, at its address in the API.
func (s *store) path(name string) string {
	if s.Path == "" {
		return name
	}
	return s.Path + "/" + name
}

func (s *store) at(kind, name string) string { return s.Mount + "/" + kind + "/" + s.path(name) }

// takesName takes 1 to 200 bytes of letters, digits, . _ - @ and single /
// between segments: nothing that a URL, a policy's glob or path.Join changes.
func takesName(name string) bool {
	ok := len(name) <= 200
	for _, segment := range strings.Split(name, "/") {
		ok = ok && strings.Trim(segment, ".") != "" && strings.Trim(segment, nameBytes) == ""
	}
	return ok
}

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@"
