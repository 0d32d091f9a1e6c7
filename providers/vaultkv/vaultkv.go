// Package vaultkv keeps each secret under one path of a HashiCorp Vault KV
// version 2 mount, or of what speaks its API, such as OpenBao.
//
// A revision is a version, its id NUMBER@CREATED_TIME: the numbers begin anew
// when somebody deletes a secret's metadata, the times do not. The head is the
// newest version, whatever its state. Write is a check-and-set on the number
// (options.cas); Erase destroys one older version by its number. See fields.go
// for how a value lies in a version.
//
// Rules of Vault are cited as [kv]: github.com/hashicorp/vault-plugin-secrets-kv
// v0.25.0, the engine inside Vault 1.21.0, and
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2.
package vaultkv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/keyrotate/rotate/providers"
)

const (
	maxValue    = 64 << 10 // Vault takes 1 MiB, Consul below it 512 KiB; this is what every other manager takes too
	minVersions = 3        // kept ones: the head, the one before, and one that a person may have put between
	defaultKept = 10       // [kv] AddVersion: where neither key nor mount says
)

type store struct {
	Config
	session *session
	bao     bool // the server is OpenBao

	mu   sync.Mutex
	seen map[string]map[providers.RevisionID]providers.Revision // by name, without values
}

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "vaultkv", MaxValue: maxValue, Stale: s.Stale, Clock: true, Witness: true,
		TakesName: takesName, NameRule: nameRule,

		Erases:  providers.Destroyed,
		Remains: "Vault has no copy; its storage's snapshots and backups, which it encrypts, keep what they were made with.",
		Notes: []string{
			"A secret whose metadata was deleted (`vault kv metadata delete`) looks as if it never was: only a running daemon and the outputs know better. Do not grant that.",
			"Vault compares and destroys by version number alone. If someone deletes the metadata and writes as many versions again between two calls of one write or erasure, it meets the new line: the check of created_time comes just before.",
			"The witness lies beside each value and is found by reading back past versions that rotate did not write. Where all of its own were destroyed there is none.",
		},
	}
}

// Read implements providers.Store. It is one call, except that behind a head
// which rotate did not write it looks for the newest one which it did.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer s.dress(&err, "read", name)
	return s.version(ctx, name, 0)
}

// version reads one version, 0 for the newest, with its witness.
func (s *store) version(ctx context.Context, name string, number int) (providers.Revision, error) {
	rev, number, err := s.fetch(ctx, name, number)
	if err == nil && number > 0 {
		rev.Witness, err = s.lookBack(ctx, name, number)
	}
	if err != nil {
		return providers.Revision{}, err
	}
	s.remember(name, rev)
	return rev, nil
}

// fetch reads one version, 0 for the newest. foreign is its number if rotate did
// not write it.
func (s *store) fetch(ctx context.Context, name string, number int) (rev providers.Revision, foreign int, err error) {
	d, date, err := s.stored(ctx, name, number)
	if err != nil {
		return providers.Revision{}, 0, err
	}
	own, genuine := stampOf(d.Data, d.Metadata.Number)
	if !genuine {
		foreign = d.Metadata.Number
	}
	return providers.Revision{
		ID: d.Metadata.id(d.Metadata.Number), Value: providers.NewSecret(decode(d.Data)), Service: date,
		Created: d.Metadata.created(), Note: own.Note.public(), Witness: own.Newest.public(),
	}, foreign, nil
}

// A stored version is what Vault says of one.
type stored struct {
	Data     map[string]any `json:"data"`
	Metadata struct {
		version
		Number int `json:"version"`
	} `json:"metadata"`
}

// stored reads one version, 0 for the newest, with the service's time.
func (s *store) stored(ctx context.Context, name string, number int) (d stored, date time.Time, err error) {
	query := url.Values{}
	if number > 0 {
		query.Set("version", strconv.Itoa(number))
	}
	a, err := s.call(ctx, s.at("data", name), query, nil)
	if err != nil {
		return d, date, err
	}
	if err := a.into(&d); err != nil {
		return d, date, err
	}
	switch v := d.Metadata; {
	case v.Number == 0 && a.status == 404: // [kv] pathDataRead: 404 without data where there is no such version
		return d, date, &providers.Error{Kind: providers.ErrNotFound}
	case v.Number == 0:
		return d, date, &providers.Error{Kind: providers.ErrUnavailable, Err: errNotKV}
	case a.status != 200: // 404 with the metadata of a version that was deleted or destroyed
		return d, date, s.lost(name, v.Number, v.version)
	case v.Deletion != "":
		return d, date, unsafe(fmt.Errorf("version %d is to be deleted by Vault at %s", v.Number, v.Deletion),
			fmt.Sprintf("set delete_version_after to 0s on the key and the mount, then: vault kv undelete -mount=%s -versions=%d %s", s.Mount, v.Number, s.path(name)))
	}
	return d, a.date, nil
}

// lookBack finds the witness in the newest readable version below one that was
// put there from outside: by hand, by a rollback, from a backup.
func (s *store) lookBack(ctx context.Context, name string, below int) (providers.Note, error) {
	if below == 1 {
		return providers.Note{}, nil
	}
	m, err := s.metadata(ctx, name)
	if err != nil {
		return providers.Note{}, err
	}
	for n := below - 1; n > 0; n-- {
		if v, ok := m.Versions[n]; !ok || v.gone() {
			continue
		}
		rev, foreign, err := s.fetch(ctx, name, n)
		switch {
		case errors.Is(err, providers.ErrNotFound), errors.Is(err, providers.ErrUnreadable): // gone since
		case err != nil:
			return providers.Note{}, err
		case foreign == 0:
			return rev.Witness, nil
		}
	}
	return providers.Note{}, nil
}

// Write implements providers.Store: the settings of mount and key, the base's
// time, then the one call that changes something.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer s.dress(&err, "write", name)
	m, err := s.settings(ctx, name)
	if err != nil {
		return providers.Revision{}, err
	}
	if head, err := m.head(); err != nil || head != after {
		return providers.Revision{}, conflict(err)
	}
	base, err := s.known(ctx, name, after, s.version)
	if err != nil {
		return providers.Revision{}, err
	}
	own := stamp{Version: m.Current + 1, Note: noteOf(n), Newest: noteOf(base.Witness.Newest(n))}
	a, err := s.call(ctx, s.at("data", name), nil, change{map[string]any{
		"options": map[string]any{"cas": m.Current}, // 0: no version was ever made. A soft delete does not reset it
		"data":    own.beside(encode(v.Reveal())),
	}})
	if err != nil {
		return providers.Revision{}, err
	}
	var made struct {
		version
		Number int `json:"version"`
	}
	if err := a.into(&made); err != nil || made.Number != own.Version {
		return providers.Revision{}, &providers.Error{Kind: providers.ErrUnclear, Err: errors.Join(fmt.Errorf("the reply names version %d, not %d", made.Number, own.Version), err)}
	}
	rev := providers.Revision{ID: made.id(made.Number), Value: v, Note: n, Witness: own.Newest.public(), Created: made.created(), Service: a.date}
	s.remember(name, rev)
	return rev, nil
}

// History implements providers.Store. Superseded versions that someone deleted
// are listed until they are destroyed: `vault kv undelete` brings them back.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer s.dress(&err, "history", name)
	m, err := s.metadata(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []providers.Revision
	for n := 1; n <= m.Current; n++ {
		v, ok := m.Versions[n]
		if !ok || v.Destroyed || n == m.Current && v.gone() {
			continue
		}
		rev := providers.Revision{ID: v.id(n), Created: v.created(), Service: m.date}
		if !v.gone() {
			seen, err := s.known(ctx, name, rev.ID, func(ctx context.Context, name string, n int) (providers.Revision, error) {
				rev, _, err := s.fetch(ctx, name, n)
				return rev, err
			})
			if err != nil && !errors.Is(err, providers.ErrConflict) { // gone since
				return nil, err
			}
			rev.Note = seen.Note
		}
		all = append(all, rev)
	}
	s.forget(name, all)
	return all, nil
}

// Erase implements providers.Store. [kv] pathDestroyWrite would destroy the
// head if asked, so it is asked for one number below the head.
func (s *store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer s.dress(&err, "erase", name)
	m, err := s.metadata(ctx, name)
	if err != nil {
		return providers.Erasure{}, err
	}
	now, err := m.head()
	number, known := m.number(id)
	if err != nil || head == "" || now != head || number >= m.Current {
		return providers.Erasure{}, conflict(err)
	}
	if known && !m.Versions[number].Destroyed {
		if _, err := s.call(ctx, s.at("destroy", name), nil, change{map[string]any{"versions": []int{number}}}); err != nil {
			return providers.Erasure{}, err
		}
	}
	return providers.Erasure{How: providers.Destroyed}, nil
}

// lost says what a person can do about a head that is gone.
func (s *store) lost(name string, number int, v version) error {
	hint := fmt.Sprintf("vault kv undelete -mount=%s -versions=%d %s", s.Mount, number, s.path(name))
	if v.Destroyed {
		hint = fmt.Sprintf("its data is gone for good: make an older version the newest (vault kv rollback -mount=%s -version=N %s), or restore a snapshot of Vault", s.Mount, s.path(name))
	}
	return &providers.Error{Kind: providers.ErrUnreadable, Err: fmt.Errorf("the newest version, %d, is deleted or destroyed", number), Hint: hint}
}
