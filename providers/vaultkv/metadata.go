package vaultkv

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A version is Vault's record of one, without its data.
type version struct {
	Created   string `json:"created_time"`
	Deletion  string `json:"deletion_time"` // past: deleted; future: delete_version_after
	Destroyed bool   `json:"destroyed"`
}

func (v version) id(number int) providers.RevisionID {
	return providers.RevisionID(fmt.Sprintf("%d@%s", number, v.Created))
}

func (v version) created() time.Time {
	t, _ := time.Parse(time.RFC3339, v.Created) // zero where Vault does not say
	return t
}

func (v version) gone() bool { return v.Destroyed || v.Deletion != "" }

// metadata is Vault's record of a secret; zero where there never was one.
type metadata struct {
	Current  int             `json:"current_version"`
	Max      int             `json:"max_versions"`
	After    string          `json:"delete_version_after"`
	Versions map[int]version `json:"versions"`
	date     time.Time
}

func (s *store) metadata(ctx context.Context, name string) (metadata, error) {
	a, err := s.call(ctx, s.at("metadata", name), nil, nil)
	if err != nil {
		return metadata{}, err
	}
	m := metadata{date: a.date}
	return m, a.into(&m)
}

// head is "" if no version was ever made, and an error if the newest is gone.
func (m metadata) head() (providers.RevisionID, error) {
	v := m.Versions[m.Current]
	switch {
	case m.Current == 0:
		return "", nil
	case v.gone():
		return "", fmt.Errorf("version %d is deleted or destroyed", m.Current)
	}
	return v.id(m.Current), nil
}

// number is that of a revision, and whether Vault has a record of just that.
func (m metadata) number(id providers.RevisionID) (n int, known bool) {
	text, _, _ := strings.Cut(string(id), "@")
	n, _ = strconv.Atoi(text)
	v, ok := m.Versions[n]
	return n, ok && v.id(n) == id
}

// settings is the secret's metadata, if mount and key are set up such that
// versions stay until they are destroyed.
func (s *store) settings(ctx context.Context, name string) (metadata, error) {
	mount, err := s.mount(ctx)
	if err != nil {
		return metadata{}, err
	}
	m, err := s.metadata(ctx, name)
	if err != nil {
		return metadata{}, err
	}
	// [kv] deletionTime: the shorter of the two that are set; a mount's negative
	// one turns off the key's too. AddVersion: the larger max_versions counts.
	kept := max(m.Max, mount.Max)
	switch {
	case !none(m.After) && !strings.HasPrefix(mount.After, "-"):
		return metadata{}, unsafe(fmt.Errorf("the key's delete_version_after is %s: it would delete live keys", m.After),
			fmt.Sprintf("vault kv metadata put -mount=%s -delete-version-after=0s %s", s.Mount, s.path(name)))
	case kept > 0 && kept < minVersions:
		return metadata{}, unsafe(fmt.Errorf("max_versions is %d: Vault would drop versions that are still needed", kept),
			fmt.Sprintf("vault kv metadata put -mount=%s -max-versions=%d %s", s.Mount, defaultKept, s.path(name)))
	}
	return m, nil
}

// mount is the settings of the whole mount.
func (s *store) mount(ctx context.Context) (metadata, error) {
	a, err := s.call(ctx, s.Mount+"/config", nil, nil)
	if err != nil {
		return metadata{}, err
	}
	var m metadata
	if err := a.into(&m); err != nil {
		return metadata{}, err
	}
	if a.status != 200 { // a version 1 mount has a secret of that name, or none
		return metadata{}, notV2(s.Mount)
	}
	if !none(m.After) && !strings.HasPrefix(m.After, "-") {
		return metadata{}, unsafe(fmt.Errorf("the mount's delete_version_after is %s: it would delete live keys", m.After),
			fmt.Sprintf("vault write %s/config delete_version_after=0s", s.Mount))
	}
	return m, nil
}

func notV2(mount string) error {
	return unsafe(fmt.Errorf("%s is not a KV mount of version 2: it keeps no versions and compares nothing", mount), "give rotate a mount of its own, vault secrets enable -path=rotate kv-v2, and the store mount: rotate; "+mount+" stays as those who read it know it")
}

func none(after string) bool { return after == "" || after == "0s" }
