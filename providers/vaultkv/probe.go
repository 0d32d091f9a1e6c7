package vaultkv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// A right is what rotate needs on a path, and what it must not need: with
// delete and with changes of metadata, versions disappear that are in use.
type right struct {
	path            string
	needed, surplus []string
}

func (s *store) rights(name string) []right {
	return []right{
		{s.at("data", name), []string{"create", "read", "update"}, []string{"delete", "sudo", "root"}},
		{s.at("metadata", name), []string{"read"}, []string{"create", "update", "patch", "delete", "sudo", "root"}},
		{s.at("destroy", name), []string{"update"}, nil},
		{s.Mount + "/config", []string{"read"}, []string{"create", "update", "sudo", "root"}},
	}
}

// Probe asks Vault what the token may do under the store's path, on a name that
// nobody uses, and names what it lacks as policies do. It changes nothing.
func (s *store) Probe(ctx context.Context) (err error) {
	const name = "rotate-probe"
	defer s.dress(&err, "probe", s.path(name))
	if _, err := s.compare(ctx, name); err != nil {
		return err
	}
	if _, err := s.settings(ctx, name); err != nil { // of the mount; the name has none
		return err
	}
	if _, err = s.Read(ctx, name); errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}

// ProbeSecret asks the same about one secret, and its settings as a write does: what
// is missing is an error, and what is more than rotate needs is returned.
func (s *store) ProbeSecret(ctx context.Context, name string) (excess []string, err error) {
	defer s.dress(&err, "probe", s.path(name))
	if excess, err = s.compare(ctx, name); err == nil {
		_, err = s.settings(ctx, name) // as a write would
	}
	return excess, err
}

// lacking is what a policy has to say for a call.
func lacking(path string, query url.Values, body any) string {
	mount, preflight := strings.CutPrefix(path, "sys/internal/ui/mounts/")
	switch {
	case preflight: // Vault shows a mount to whoever may do anything in it
		return stanza(mount+"/config", []string{"read"})[0] + ", if there is a mount " + mount
	case query.Get("list") == "true":
		return stanza(path, []string{"list"})[0]
	case body == nil:
		return stanza(path, []string{"read"})[0]
	case strings.Contains(path, "/data/"):
		return stanza(path, []string{"create", "update"})[0]
	}
	return stanza(path, []string{"update"})[0]
}

// compare holds a token's capabilities against the rights.
// https://developer.hashicorp.com/vault/api-docs/system/capabilities-self
func (s *store) compare(ctx context.Context, name string) (excess []string, err error) {
	var paths []string
	for _, r := range s.rights(name) {
		paths = append(paths, r.path)
	}
	a, err := s.call(ctx, "sys/capabilities-self", nil, map[string]any{"paths": paths})
	if err != nil {
		return nil, err
	}
	var has map[string]json.RawMessage // beside the paths, Vault sends "capabilities" for one of them
	if err := a.into(&has); err != nil {
		return nil, err
	}
	var lacks []string
	for _, r := range s.rights(name) {
		var got []string
		_ = json.Unmarshal(has[r.path], &got) // nothing is no capability
		missing := slices.DeleteFunc(r.needed, func(c string) bool {
			return slices.Contains(got, c) || slices.Contains(got, "root")
		})
		lacks = append(lacks, stanza(r.path, missing)...)
		excess = append(excess, stanza(r.path, slices.DeleteFunc(r.surplus, func(c string) bool { return !slices.Contains(got, c) }))...)
	}
	if len(lacks) > 0 {
		err = &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("the token's policy lacks %s", strings.Join(lacks, " and ")), Hint: "docs/providers/vaultkv.md has a policy"}
	}
	return excess, err
}

// stanza is how a policy grants capabilities; nothing if there are none.
func stanza(path string, capabilities []string) []string {
	if len(capabilities) == 0 {
		return nil
	}
	return []string{fmt.Sprintf(`path %q { capabilities = ["%s"] }`, path, strings.Join(capabilities, `", "`))}
}
