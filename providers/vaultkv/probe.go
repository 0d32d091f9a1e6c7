package vaultkv

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// surplus is what rotate must not need, by the name of a right: with delete and with
// changes of metadata, versions disappear that are in use.
var surplus = map[string][]string{
	"Values":   {"delete", "sudo", "root"},
	"Metadata": {"create", "update", "patch", "delete", "sudo", "root"},
	"Config":   {"create", "update", "sudo", "root"},
}

// Probe reads the mount's settings. What the token may do is a matter of each secret:
// see ProbeSecret.
func (s *store) Probe(ctx context.Context) (err error) {
	defer s.dress(&err, "probe", s.Mount)
	_, err = s.mount(ctx)
	return err
}

// ProbeSecret asks Vault what the token may do to one secret, and reads its settings
// as a write would. It changes nothing.
// What is missing is an error, and what is more than rotate needs is returned.
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
	rights := s.Needs(providers.Rotator, []providers.Use{{Secret: name}}).List
	var paths []string
	for _, r := range rights {
		paths = append(paths, r.On...)
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
	for _, r := range rights {
		var got []string
		path := r.On[0]
		_ = json.Unmarshal(has[path], &got) // nothing is no capability
		missing := slices.DeleteFunc(r.Actions, func(c string) bool {
			return slices.Contains(got, c) || slices.Contains(got, "root")
		})
		lacks = append(lacks, stanza(path, missing)...)
		excess = append(excess, stanza(path, slices.DeleteFunc(slices.Clone(surplus[r.Name]), func(c string) bool { return !slices.Contains(got, c) }))...)
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
