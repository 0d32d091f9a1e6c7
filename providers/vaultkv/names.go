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
// between segments: nothing that a URL, a policy's glob or path.Join changes. Vault
// itself takes more (https://developer.hashicorp.com/vault/docs/concepts/policies
// gives + and * in a path a meaning of their own).
func takesName(name string) bool {
	ok := len(name) <= 200
	for _, segment := range strings.Split(name, "/") {
		ok = ok && strings.Trim(segment, ".") != "" && strings.Trim(segment, nameBytes) == ""
	}
	return ok
}

const nameRule = "names are at most 200 letters, digits, . _ - @ and / between segments"

// NameRule implements providers.Namer.
func (c *Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@"
