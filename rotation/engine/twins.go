package engine

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// claims are the keys that this process has seen, by what they are made of: one
// key under two names is one secret that two sides trust. They are compared by
// their HMAC under a random key that never leaves this process.
type claims struct {
	secret []byte
	by     map[fingerprint][]*claim // usually one
}

// A fingerprint stands for key material: half of a hash is enough to tell the
// keys of one process apart.
type fingerprint [sha256.Size / 2]byte

// A claim is what one keyset holds, as it was last read. It stays when the key
// leaves its place, as it does when the config renames a store.
type claim struct {
	key, environment string
	place            place
	live             []claimed
}

// A claimed is one live key.
type claimed struct {
	fingerprint fingerprint
	kid         string
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
	for _, k := range set.Keys {
		h := hmac.New(sha256.New, known.secret)
		k.Fingerprint(h)
		f := fingerprint(h.Sum(nil)[:len(fingerprint{})])
		m.claim.live = append(m.claim.live, claimed{f, k.Kid})
		known.by[f] = append(known.by[f], m.claim)
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

// Twins names the live keys of a target that are also live in another keyset
// which this process has read; "" if there are none. It is an alarm and stops
// neither: to rotate both is what parts them.
func (e *Engine) Twins(t Target) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	ours := e.memoryOf(t.place()).claim
	if ours == nil {
		return ""
	}
	var found []string
	for _, k := range ours.live {
		for _, c := range e.claims.by[k.fingerprint] {
			if c.key != ours.key || c.environment != ours.environment {
				found = append(found, fmt.Sprintf("kid %s is the same key as kid %s of key %s (environment %s, store %s, secret %s)", k.kid, c.kid(k.fingerprint), c.key, c.environment, c.place.store, c.place.secret))
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return strings.Join(found, "; ") + ": who can sign for one can sign for the other. Both go on as they are, as nobody can tell which one is meant to have it. " +
		"Rotate both (rotate now), and they part when the grace has ended; at once, with --compromised, where one side must not be able to sign for the other"
}
