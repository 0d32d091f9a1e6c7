package keyset

import (
	"fmt"
	"maps"
	"time"

	"github.com/keyrotate/rotate/secret"
)

// Encode renders the document that is to be written after revision parent.
// write is a random id of this write. It tells the write from every other, so
// that a caller without a reply can find out whether it landed. Encode returns
// the set as it will be read back, digest included.
func (s *Set) Encode(parent, write string) (*Set, secret.Text, error) {
	out := *s
	out.Parent, out.Write = parent, write
	out.trim()
	tree := out.tree(true)
	out.Digest = digestOf(tree)
	tree["digest"] = out.Digest
	return finish(&out, tree)
}

// trim gives up the oldest records to make room for keys.
func (s *Set) trim() {
	digest := len(`,"digest":"sha-256:"`) + 64
	for len(canonical(s.tree(true)))+digest > MaxBytes {
		switch {
		case len(s.History) > 1:
			s.History = s.History[:len(s.History)-1]
		case len(s.Gone) > 1:
			s.Gone = s.Gone[:len(s.Gone)-1]
		default:
			return
		}
	}
}

// Projection renders the document without what only the store needs: no marks,
// no dates that marks set, no requests, no history. It changes exactly when
// the generation does, so an output is rewritten only when keys changed.
func (s *Set) Projection() (secret.Text, error) {
	out := *s
	tree := out.tree(false)
	tree["digest"] = digestOf(tree)
	_, text, err := finish(&out, tree)
	return text, err
}

// finish checks what is about to be written as strictly as what is read.
func finish(s *Set, tree map[string]any) (*Set, secret.Text, error) {
	doc := canonical(tree)
	if len(doc) > MaxBytes {
		return nil, secret.Text{}, fmt.Errorf("%w: %d bytes with %d keys", ErrTooLarge, len(doc), len(s.Keys))
	}
	if _, err := Parse(doc); err != nil {
		return nil, secret.Text{}, fmt.Errorf("the document would not be accepted: %w", err)
	}
	return s, secret.New(doc), nil
}

func (s *Set) tree(whole bool) map[string]any {
	m := map[string]any{}
	maps.Copy(m, s.extra)
	m["schema"], m["name"], m["environment"] = s.schema(), s.Name, s.Environment
	m["lineage"], m["generation"] = s.Lineage, s.Generation
	oldest := s.MinWriter
	if !whole {
		oldest = s.shownWriter()
	}
	count(m, "min_writer", uint64(oldest)) // #nosec G115 -- never negative
	if s.Removed == nil {
		for i, t := range s.texts() {
			m[[]string{"current", "next", "previous"}[i]] = string(t.Reveal())
		}
		keys := []any{}
		for _, k := range s.Keys {
			keys = append(keys, k.tree(whole))
		}
		m["keys"] = keys
	}
	s.addRemoval(m, whole)
	if len(s.Revoked) > 0 {
		m["revoked"] = s.Revoked
	}
	if whole {
		s.addInternal(m)
	}
	return m
}

// addInternal adds what outputs do not carry.
func (s *Set) addInternal(m map[string]any) {
	if s.Parent != "" {
		m["parent"] = s.Parent
	}
	if s.Write != "" {
		m["write"] = s.Write
	}
	if s.Dropped > 0 {
		m["dropped"] = s.Dropped
	}
	if s.Accepted > 0 {
		m["accepted"] = s.Accepted
	}
	if p := s.Paused; p != nil {
		m["paused"] = with(p.extra, map[string]any{"at": p.At.Unix(), "until": p.Until.Unix(), "by": p.By, "reason": p.Reason})
	}
	for name, mark := range map[string]*Mark{"ready": s.Ready, "settled": s.Settled} {
		if mark != nil {
			m[name] = with(mark.extra, map[string]any{"kid": mark.Kid, "at": mark.At.Unix(), "outputs": mark.Places})
		}
	}
	list(m, "history", s.History, func(p Past) any { return []any{p.Generation, p.Digest} })
	list(m, "gone", s.Gone, func(g Gone) any {
		m := with(g.extra, map[string]any{"kid": g.Kid, "at": g.At.Unix(), "how": g.How})
		count(m, "made", g.Made)
		count(m, "generation", g.Generation)
		date(m, "erased", g.Erased)
		date(m, "until", g.Until)
		return m
	})
	list(m, "outputs", s.Outputs, func(o Output) any {
		m := with(o.extra, map[string]any{"name": o.Name, "format": o.Format})
		list(m, "variables", o.Variables, func(v string) any { return v })
		return m
	})
	list(m, "requests", s.Requests, func(r Request) any {
		o := with(r.extra, map[string]any{"id": r.ID, "from": r.From, "at": r.At.Unix(), "by": r.By})
		if r.Named {
			o["named"] = true
		}
		return o
	})
}

func (s *Set) schema() string {
	if s.Removed != nil {
		return RemovedSchema
	}
	return Schema
}

func list[T any](m map[string]any, name string, from []T, render func(T) any) {
	if len(from) == 0 {
		return
	}
	to := []any{}
	for _, v := range from {
		to = append(to, render(v))
	}
	m[name] = to
}

// with adds the members that are not empty to those which this version does not
// know.
func with(extra, m map[string]any) map[string]any {
	all := maps.Clone(extra)
	if all == nil {
		all = map[string]any{}
	}
	for name, v := range m {
		if v != "" {
			all[name] = v
		}
	}
	return all
}

func (k Key) tree(whole bool) map[string]any {
	m := k.jwk(true)
	maps.Copy(m, k.extra)
	m["status"], m["iat"] = string(k.Status), k.Issued.Unix()
	if k.Adopted {
		m["adopted"] = true
	}
	count(m, "made", k.Made)
	date(m, "nbf", k.NotBefore)
	if whole {
		date(m, "exp", k.Expires)
	}
	return m
}

func count(m map[string]any, name string, n uint64) {
	if n > 0 {
		m[name] = n
	}
}

func date(m map[string]any, name string, t time.Time) {
	if !t.IsZero() {
		m[name] = t.Unix()
	}
}

// PublicJWKs is the public keys as a JWK Set for anyone to read. Symmetric
// keys have no public half and are left out.
func (s *Set) PublicJWKs() []byte {
	keys := []any{}
	for _, k := range s.Keys {
		if !k.Alg.Symmetric() {
			keys = append(keys, k.jwk(false))
		}
	}
	return canonical(map[string]any{"keys": keys})
}
