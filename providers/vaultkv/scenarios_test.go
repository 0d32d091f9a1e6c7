package vaultkv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func TestScenarios(t *testing.T) {
	_, v := fakeServer(t)
	scenarios(t, v)
}

// scenarios hold on the fake and on a real Vault alike: what they say of Vault
// is what the fake claims.
func scenarios(t *testing.T, v server) {
	for name, run := range map[string]func(*testing.T, server, *store){
		"documents have their members as fields": documentFields,
		"settings that would lose keys":          settings,
		"mounts that are none":                   mounts,
		"a deleted or destroyed head":            goneHead,
		"metadata deleted":                       renumbered,
		"metadata without a version":             bareMetadata,
		"trimmed by max_versions":                trimmed,
		"what a person made":                     handMade,
		"soft-deleted below the head":            softDeleted,
		"copies are told from originals":         copies,
		"destroy spares the head":                destroySparesHead,
		"the probe names what lacks":             probes,
	} {
		t.Run(name, func(t *testing.T) { run(t, v, v.open(t, v.config(t))) })
	}
}

func document(t testing.TB) []byte {
	t.Helper()
	k, err := keyset.NewSymmetric("k1", keyset.HS256, secret.New([]byte("a text of more than thirty-two bytes")), "")
	must(t, err)
	set, err := keyset.Create("auth-jwt", "production", "l", k, time.Unix(1700000000, 0))
	must(t, err)
	_, doc, err := set.Encode("", "w")
	must(t, err)
	return doc.Reveal()
}

// vault kv get -field=current gives the key.
func documentFields(t *testing.T, v server, s *store) {
	doc := document(t)
	if _, err := s.Write(t.Context(), name, providers.NewSecret(doc), "", providers.Note{}); err != nil {
		t.Fatal(err)
	}
	fields := v.admin(t, "GET", s.at("data", name), nil)["data"].(map[string]any)
	if fields["current"] != "a text of more than thirty-two bytes" || fields["schema"] != "rotate/keyset/v1" || len(fields["keys"].([]any)) != 1 {
		t.Errorf("the fields are %v", fields)
	}
	if got, err := s.Read(t.Context(), name); err != nil || !bytes.Equal(got.Value.Reveal(), doc) {
		t.Errorf("%v, or other bytes", err)
	}
}

// tool is the command that people of the server have.
func tool(s *store) string {
	if s.bao {
		return "bao"
	}
	return "vault"
}

func settings(t *testing.T, v server, s *store) {
	rev := put(t, s, "a", "", 1)
	refused := func(what, hint string, err error) {
		t.Helper()
		var e *providers.Error
		if !errors.Is(err, providers.ErrUnsafe) || !errors.As(err, &e) || !strings.Contains(e.Hint, hint) {
			t.Errorf("%s: %v, want ErrUnsafe with %q", what, err, hint)
		}
	}
	write := func() error {
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("b")), rev.ID, providers.Note{})
		return err
	}
	v.admin(t, "POST", s.at("metadata", name), map[string]any{"max_versions": 2})
	refused("max_versions 2", "-max-versions=10 "+s.Path, write())
	v.admin(t, "POST", s.at("metadata", name), map[string]any{"max_versions": 0, "delete_version_after": "720h"})
	refused("a key's delete_version_after", "-delete-version-after=0s", write())
	// A person who writes now makes a head that will vanish.
	v.admin(t, "POST", s.at("data", name), map[string]any{"data": map[string]any{"value": "x"}})
	_, err := s.Read(t.Context(), name)
	refused("a head with a date of deletion", tool(s)+" kv undelete -mount=secret -versions=2", err)
	v.admin(t, "POST", s.at("metadata", name), map[string]any{"delete_version_after": "0s"})
	v.admin(t, "POST", s.at("undelete", name), map[string]any{"versions": []int{2}})
	if rev, err = s.Read(t.Context(), name); err != nil {
		t.Errorf("after what the hint says: %v", err)
	}
	must(t, write())
}

// mounts makes its own: version 1, short-lived, and one whose settings change.
func mounts(t *testing.T, v server, s *store) {
	c := s.Config
	for mount, make := range map[string]func(string){
		"one": func(m string) {
			v.mount(t, m, 1)
			v.admin(t, "POST", m+"/config", map[string]any{"max_versions": 0}) // a secret there, no settings
		},
		"short": func(m string) {
			v.mount(t, m, 2)
			v.admin(t, "POST", m+"/config", map[string]any{"delete_version_after": "1h"})
		},
	} {
		c.Mount = fmt.Sprintf("%s-%d", mount, time.Now().UnixNano())
		make(c.Mount)
		if _, err := c.open(t.Context(), v.via); !errors.Is(err, providers.ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", mount, err)
		}
	}
	c.Mount = "never"
	if _, err := c.open(t.Context(), v.via); !errors.Is(err, providers.ErrDenied) {
		t.Errorf("a mount that is none: %v, want ErrDenied", err)
	}
	// The mount goes away, or changes, under an open store.
	gone := &store{Config: s.Config, session: s.session}
	gone.Mount = "never"
	if _, err := gone.Read(t.Context(), name); !errors.Is(err, providers.ErrUnsafe) {
		t.Errorf("a mount that is gone: %v, want ErrUnsafe and not ErrNotFound", err)
	}
	c.Mount = fmt.Sprintf("change-%d", time.Now().UnixNano())
	v.mount(t, c.Mount, 2)
	later := v.open(t, &c)
	rev := put(t, later, "a", "", 1)
	v.admin(t, "POST", c.Mount+"/config", map[string]any{"max_versions": 1})
	_, err := later.Write(t.Context(), name, providers.NewSecret([]byte("b")), rev.ID, providers.Note{})
	if !errors.Is(err, providers.ErrUnsafe) {
		t.Errorf("a mount that keeps one version: %v", err)
	}
	// It is replaced by one of version 1.
	one := &store{Config: later.Config, session: later.session}
	one.Mount = fmt.Sprintf("one-%d", time.Now().UnixNano())
	v.mount(t, one.Mount, 1)
	if _, err := one.Write(t.Context(), name, providers.NewSecret([]byte("b")), "", providers.Note{}); !errors.Is(err, providers.ErrUnsafe) {
		t.Errorf("a mount that became version 1: %v", err)
	}
	// The larger max_versions counts, and a negative delete_version_after of the
	// mount turns off the key's.
	v.admin(t, "POST", later.at("metadata", name), map[string]any{"max_versions": 5, "delete_version_after": "1h"})
	v.admin(t, "POST", c.Mount+"/config", map[string]any{"delete_version_after": "-1s"})
	put(t, later, "b", rev.ID, 2)
	if _, err := later.Read(t.Context(), name); err != nil {
		t.Error(err)
	}
}

func (v server) mount(t testing.TB, path string, version int) {
	t.Helper()
	v.admin(t, "POST", "sys/mounts/"+path, map[string]any{"type": "kv", "options": map[string]string{"version": fmt.Sprint(version)}})
	for range 100 { // a fresh mount upgrades its storage for a moment
		time.Sleep(50 * time.Millisecond)
		if version == 1 || v.try(t, "GET", path+"/config") == 200 {
			return
		}
	}
}

func goneHead(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	second := put(t, s, "b", first.ID, 2)
	v.admin(t, "DELETE", s.at("data", name), nil)
	_, err := s.Read(t.Context(), name)
	if !errors.Is(err, providers.ErrUnreadable) || !strings.Contains(say.Error(err).String(), "hint: "+tool(s)+" kv undelete -mount=secret -versions=2 "+s.path(name)) {
		t.Errorf("deleted: %v", err)
	}
	v.admin(t, "POST", s.at("undelete", name), map[string]any{"versions": []int{2}})
	if rev, err := s.Read(t.Context(), name); err != nil || rev.ID != second.ID {
		t.Errorf("undeleted: %v (%v), want %v", rev.ID, err, second.ID)
	}
	v.admin(t, "POST", s.at("destroy", name), map[string]any{"versions": []int{2}})
	_, err = s.Read(t.Context(), name)
	if !errors.Is(err, providers.ErrUnreadable) || !strings.Contains(say.Error(err).String(), tool(s)+" kv rollback") {
		t.Errorf("destroyed: %v", err)
	}
	for _, after := range []providers.RevisionID{"", first.ID, second.ID} {
		if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("c")), after, providers.Note{}); !errors.Is(err, providers.ErrConflict) {
			t.Errorf("a write after %q over a destroyed head: %v", after, err)
		}
	}
	if _, err := s.Erase(t.Context(), name, first.ID, second.ID); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("an erasure below a destroyed head: %v", err)
	}
	v.restore(t, s, name, first.ID)
	if rev, err := s.Read(t.Context(), name); err != nil || rev.Witness.Generation != 1 {
		t.Errorf("after the rollback: %v, witness %v", err, rev.Witness)
	}
}

// After a metadata delete the numbers begin anew. The ids do not.
func renumbered(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	second := put(t, s, "b", first.ID, 2)
	v.admin(t, "DELETE", s.at("metadata", name), nil)
	if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound: Vault knows no more", err)
	}
	other := put(t, s, "x", "", 1)
	head := put(t, s, "y", other.ID, 2)
	if other.ID == first.ID || head.ID == second.ID {
		t.Error("an id was given again")
	}
	if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("c")), second.ID, providers.Note{}); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("a write after the old version 2: %v", err)
	}
	if _, err := s.Erase(t.Context(), name, first.ID, second.ID); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("an erasure by the old ids: %v", err)
	}
	if _, err := s.Erase(t.Context(), name, first.ID, head.ID); err != nil {
		t.Errorf("what went with the metadata is gone: %v", err)
	}
	if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 2 {
		t.Errorf("%d revisions left (%v), want the new ones", len(revs), err)
	}
}

// vault kv metadata put on a name of the future is not a value.
func bareMetadata(t *testing.T, v server, s *store) {
	v.admin(t, "POST", s.at("metadata", name), map[string]any{"max_versions": 20})
	if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
	put(t, s, "a", "", 1)
}

// Vault drops the oldest version at the eleventh write.
func trimmed(t *testing.T, _ server, s *store) {
	var revs []providers.Revision
	after := providers.RevisionID("")
	for i := range 12 {
		rev := put(t, s, fmt.Sprint("value ", i), after, uint64(i+1))
		revs, after = append(revs, rev), rev.ID
	}
	history, err := s.History(t.Context(), name)
	must(t, err)
	if len(history) != 10 || history[0].ID != revs[2].ID || history[9].ID != revs[11].ID {
		t.Errorf("%d versions from %s, want 10 from %s", len(history), history[0].ID, revs[2].ID)
	}
	for _, rev := range history {
		if rev.Note.Generation == 0 {
			t.Errorf("%s has no note", rev.ID)
		}
	}
	if _, err := s.Erase(t.Context(), name, revs[0].ID, revs[11].ID); err != nil {
		t.Errorf("what Vault dropped is gone: %v", err)
	}
}

// A secret that a person made reads as it looks.
func handMade(t *testing.T, v server, s *store) {
	for want, fields := range map[string]map[string]any{
		"s3cret":                       {"value": "s3cret"},
		`{"a":"1","value":"s3cret"}`:   {"value": "s3cret", "a": "1"},
		`{"n":1.5,"o":{"x":[1,"<"]}}`:  {"n": 1.5, "o": map[string]any{"x": []any{1, "<"}}},
		`{}`:                           {},
		"\x00\xff":                     {"value_base64": "AP8="},
		`{"value_base64":"no base64"}`: {"value_base64": "no base64"},
	} {
		v.admin(t, "POST", s.at("data", name), map[string]any{"data": fields})
		rev, err := s.Read(t.Context(), name)
		if err != nil || string(rev.Value.Reveal()) != want || rev.Note != (providers.Note{}) {
			t.Errorf("%v reads as %q (%v)", fields, rev.Value.Reveal(), err)
		}
	}
}

// What someone deleted without destroying it is still listed, so that it gets
// destroyed.
func softDeleted(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	second := put(t, s, "b", first.ID, 2)
	v.admin(t, "POST", s.at("delete", name), map[string]any{"versions": []int{1}})
	revs, err := s.History(t.Context(), name)
	if err != nil || len(revs) != 2 {
		t.Fatalf("%d revisions (%v), want 2", len(revs), err)
	}
	if _, err := s.Erase(t.Context(), name, first.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	v.admin(t, "POST", s.at("undelete", name), map[string]any{"versions": []int{1}})
	if got := v.try(t, "GET", s.at("data", name)+"?version=1"); got != 404 {
		t.Errorf("after erasure and undelete: %d", got)
	}
	if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 1 {
		t.Errorf("%d revisions (%v), want the head", len(revs), err)
	}
}

// A copy of a version, stamp and all, is not taken for one that rotate wrote.
func copies(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	second := put(t, s, "b", first.ID, 2)
	third := put(t, s, "c", second.ID, 3)
	v.restore(t, s, name, second.ID)
	v.restore(t, s, name, first.ID)
	for _, s := range []*store{s, v.open(t, &s.Config)} {
		rev, err := s.Read(t.Context(), name)
		if err != nil || rev.Note.Generation != 0 || rev.Witness.Generation != 3 {
			t.Errorf("the copy of generation 1 has note %v and witness %v (%v)", rev.Note, rev.Witness, err)
		}
	}
	// A person decides for it: the next write goes on, and remembers.
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	rev = put(t, s, "d", rev.ID, 2)
	if rev.Witness.Generation != 3 {
		t.Errorf("the witness went back to %v", rev.Witness)
	}
	revs, err := v.open(t, &s.Config).History(t.Context(), name)
	must(t, err)
	if got := slices.IndexFunc(revs, func(r providers.Revision) bool { return r.ID == third.ID }); got != 2 || revs[2].Note.Generation != 3 || revs[3].Note.Generation != 0 {
		t.Errorf("history %v", revs)
	}
}

// Vault itself would destroy the newest version when asked to.
func destroySparesHead(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	second := put(t, s, "b", first.ID, 2)
	if _, err := s.Erase(t.Context(), name, second.ID, second.ID); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("%v", err)
	}
	v.admin(t, "POST", s.at("destroy", name), map[string]any{"versions": []int{2}})
	if got := v.try(t, "GET", s.at("data", name)); got != 404 {
		t.Errorf("a destroyed head answers %d", got)
	}
}

func probes(t *testing.T, v server, s *store) {
	if err := s.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}
