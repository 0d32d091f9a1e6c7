package azurekv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/keyrotate/rotate/providers"
)

// Write implements providers.Store. It adds a version and waits until the oldest version of the same parent is known.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "write", name)
	st, err := s.look(ctx, name)
	switch head := st.head(); {
	case err != nil && !errors.Is(err, providers.ErrNotFound):
		return providers.Revision{}, err
	case !utf8.Valid(v.Reveal()):
		return providers.Revision{}, unsafe(errors.New("the value is not text, and Key Vault takes nothing else"), "")
	case len(n.Lineage) > longTag || len(n.Digest) > longTag:
		return providers.Revision{}, unsafe(errors.New("the note does not fit into tags"), "this is a mistake in rotate")
	case head.id != string(after):
		return providers.Revision{}, &providers.Error{Kind: providers.ErrConflict}
	case head.id != "" && !head.enabled:
		return providers.Revision{}, &providers.Error{Kind: providers.ErrUnreadable, Err: fmt.Errorf("version %s, the head, is disabled", head.id)}
	}
	mine := version{parent: string(after), write: s.newID(), note: n}
	if err := s.put(ctx, name, v, mine, true); err != nil {
		return providers.Revision{}, err
	}
	won, st, err := s.decide(ctx, name, mine.write)
	if err != nil {
		return providers.Revision{}, err
	}
	return providers.Revision{ID: providers.RevisionID(won.id), Value: v, Note: n, Witness: st.witness(), Created: won.created, Service: st.service}, nil
}

// put adds a version.
func (s *store) put(ctx context.Context, name string, value providers.Secret, v version, write bool) error {
	text, kind := string(value.Reveal()), "text/plain"
	if json.Valid([]byte(text)) {
		kind = "application/json"
	}
	_, err := s.call(ctx, write, func(ctx context.Context) error {
		_, err := s.api.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: &text, ContentType: &kind, Tags: v.tags(s.conf.Tags)}, nil)
		return err
	})
	return err
}

// decide waits until the second of a write is over and looks whether it is in the line of heads. A listing without the
// version is old. The first listing with it may be just as old, so one more listing decides.
func (s *store) decide(ctx context.Context, name, write string) (version, state, error) {
	unclear := func(err error) error { return &providers.Error{Kind: providers.ErrUnclear, Err: err} }
	behind := false
	for range 8 {
		if err := s.sleep(ctx, settle); err != nil {
			return version{}, state{}, unclear(err)
		}
		st, err := s.look(ctx, name)
		if err != nil && !errors.Is(err, providers.ErrNotFound) && !errors.Is(err, errTorn) { // as an old listing may be
			return version{}, state{}, unclear(err)
		}
		won, listed, head := st.won(write)
		switch {
		case !listed:
			behind = true
		case behind:
			behind = false
		// guard 5: on Azure, who put a version looks whether it won
		case head:
			return won, st, nil
		default:
			return version{}, state{}, &providers.Error{Kind: providers.ErrConflict}
		}
	}
	return version{}, state{}, unclear(errBusy)
}

// Erase implements providers.Store. It disables a version, but never the one that applications read: the service would
// refuse them and give them no other.
func (s *store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer providers.Dress(&err, "erase", name)
	st, err := s.look(ctx, name)
	if err != nil {
		return providers.Erasure{}, err
	}
	v, known := st.find(string(id))
	conflict := st.head().id != string(head) || id == head || known && v.of == string(head)
	if !conflict && known && v.enabled && !st.buried(v) {
		newest, err := s.newest(ctx, name)
		if err != nil {
			return providers.Erasure{}, err
		}
		conflict = newest == v.id
	}
	switch {
	case conflict:
		return providers.Erasure{}, &providers.Error{Kind: providers.ErrConflict}
	case known && v.enabled:
		no := false
		_, err = s.call(ctx, true, func(ctx context.Context) error {
			_, err := s.api.UpdateSecretProperties(ctx, name, v.id, azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: &no}}, nil)
			return err
		})
	}
	if err != nil {
		return providers.Erasure{}, err
	}
	return providers.Erasure{How: providers.Disabled}, nil
}
