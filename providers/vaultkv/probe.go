package vaultkv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// Probe asks Vault what the token may do under the store's path, on a name that
// nobody uses, and names what it lacks as policies do. It changes nothing.
// https://developer.hashicorp.com/vault/api-docs/system/capabilities-self
func (s *store) Probe(ctx context.Context) (err error) {
	const name = "rotate-probe"
	defer dress(&err, "probe", s.path(name))
	needs := []struct {
		path         string
		capabilities []string
	}{
		{s.at("data", name), []string{"create", "read", "update"}},
		{s.at("metadata", name), []string{"read"}},
		{s.at("destroy", name), []string{"update"}},
		{s.Mount + "/config", []string{"read"}},
	}
	var paths []string
	for _, n := range needs {
		paths = append(paths, n.path)
	}
	a, err := s.call(ctx, "sys/capabilities-self", nil, map[string]any{"paths": paths})
	if err != nil {
		return err
	}
	var has map[string]json.RawMessage // beside the paths, Vault sends "capabilities" for one of them
	if err := a.into(&has); err != nil {
		return err
	}
	var lacks []string
	for _, n := range needs {
		var got []string
		_ = json.Unmarshal(has[n.path], &got) // nothing is no capability
		missing := slices.DeleteFunc(slices.Clone(n.capabilities), func(c string) bool {
			return slices.Contains(got, c) || slices.Contains(got, "root")
		})
		if len(missing) > 0 {
			lacks = append(lacks, fmt.Sprintf("path %q { capabilities = [%q] }", n.path, strings.Join(missing, `", "`)))
		}
	}
	if len(lacks) > 0 {
		return &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("the token's policy lacks %s", strings.ReplaceAll(strings.Join(lacks, " and "), `\"`, `"`)), Hint: "docs/providers/vaultkv.md has a policy"}
	}
	if _, err = s.Read(ctx, name); errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}
