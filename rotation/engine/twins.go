package engine

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// claims are the keys that this process has seen, by what no two of them may share. One key under two names is one
// secret that two sides trust. Two key pairs of one kid are two keys that a verifier of their JWK Set cannot tell
// apart (RFC 7517 §4.5 wants distinct kids there). The engine compares HMACs, under a random key that never leaves
// this process.
type claims struct {
	secret []byte
	by     map[fingerprint][]*claim // usually one
}

// A fingerprint stands for key material, or for the kid of a key pair: half of a
// hash is enough to tell the keys of one process apart.
type fingerprint [sha256.Size / 2]byte

// A claim is what one keyset holds, as it was last read. It stays when the key
// leaves its place, as it does when the config renames a store.
type claim struct {
	key, environment string
	place            place
	live             []claimed
}

// A claimed is what one live key has to have for itself.
type claimed struct {
	fingerprint fingerprint
	kid         string
	as          rotation.Code // the alarm if another has it, too
}

// kid is what the keyset calls a key that it holds.
func (c *claim) kid(f fingerprint) string {
	for _, k := range c.live {
		if k.fingerprint == f {
			return k.kid
		}
	}
	return ""
}

// claim notes the live keys of a set in place of those that it had before.
func (e *Engine) claim(t Target, set *keyset.Set) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := &e.claims
	if known.by == nil {
		*known = claims{secret: make([]byte, sha256.Size), by: map[fingerprint][]*claim{}}
		rand.Read(known.secret) //nolint:errcheck // it never fails
	}
	m := e.memoryOf(t.place())
	known.drop(m.claim)
	m.claim = &claim{key: t.Name, environment: t.Environment, place: t.place(), live: make([]claimed, 0, len(set.Keys))}
	add := func(kid string, as rotation.Code, write func(io.Writer)) {
		h := hmac.New(sha256.New, known.secret)
		write(h)
		f := fingerprint(h.Sum(nil)[:len(fingerprint{})])
		m.claim.live = append(m.claim.live, claimed{f, kid, as})
		known.by[f] = append(known.by[f], m.claim)
	}
	for _, k := range set.Keys {
		add(k.Kid, rotation.SharedKey, k.Fingerprint)
		if !k.Alg.Symmetric() { // a symmetric key is in no public JWK Set
			add(k.Kid, rotation.SharedKid, func(w io.Writer) { fmt.Fprintf(w, "kid %s", k.Kid) })
		}
	}
}

// drop forgets a claim; nil is none.
func (known *claims) drop(c *claim) {
	if c == nil {
		return
	}
	for _, k := range c.live {
		known.by[k.fingerprint] = slices.DeleteFunc(known.by[k.fingerprint], func(other *claim) bool { return other == c })
		if len(known.by[k.fingerprint]) == 0 {
			delete(known.by, k.fingerprint)
		}
	}
}

// Twins is the live keys of a target that are also live in another keyset which this process has read, and its key
// pairs of which another has the kid. It is an alarm and stops neither key. A rotation parts them, and a key that is
// left out of the JWK Set would log people out.
func (e *Engine) Twins(t Target) (found []rotation.Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ours := e.memoryOf(t.place()).claim
	if ours == nil {
		return nil
	}
	for _, k := range ours.live {
		for _, c := range e.claims.by[k.fingerprint] {
			if c.key != ours.key || c.environment != ours.environment {
				other := rotation.Ref{Key: c.key, Environment: c.environment, Store: c.place.store, Secret: c.place.secret, Kid: c.kid(k.fingerprint)}
				found = append(found, rotation.Reason{Code: k.as, Kid: k.kid, Of: &other})
			}
		}
	}
	found = slices.DeleteFunc(found, func(r rotation.Reason) bool { // one key pair that is there twice has one kid, of course
		same := func(o rotation.Reason) bool { return o.Code == rotation.SharedKey && o.Kid == r.Kid && *o.Of == *r.Of }
		return r.Code == rotation.SharedKid && slices.ContainsFunc(found, same)
	})
	slices.SortFunc(found, func(a, b rotation.Reason) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), strings.Compare(a.Kid, b.Kid), strings.Compare(a.Of.Kid, b.Of.Kid), strings.Compare(a.Of.Key, b.Of.Key), strings.Compare(a.Of.Environment, b.Of.Environment))
	})
	return found
}
