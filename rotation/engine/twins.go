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
	held   map[place]claim
	where  map[fingerprint]map[place]string // the kid that each place calls it by
}

// A fingerprint stands for key material.
type fingerprint [sha256.Size]byte

// A claim is what one keyset holds, as it was last read.
type claim struct {
	key, environment string
	fingerprints     []fingerprint
}

// claim notes the live keys of a set in place of those that it had before.
func (e *Engine) claim(t Target, set *keyset.Set) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := &e.claims
	if known.held == nil {
		*known = claims{secret: make([]byte, sha256.Size), held: map[place]claim{}, where: map[fingerprint]map[place]string{}}
		rand.Read(known.secret) //nolint:errcheck // it never fails
	}
	at := place{t.StoreName, t.Secret}
	for _, p := range known.held[at].fingerprints {
		if delete(known.where[p], at); len(known.where[p]) == 0 {
			delete(known.where, p)
		}
	}
	c := claim{key: t.Name, environment: t.Environment}
	for _, k := range set.Keys {
		h := hmac.New(sha256.New, known.secret)
		k.Fingerprint(h)
		p := fingerprint(h.Sum(nil))
		c.fingerprints = append(c.fingerprints, p)
		if known.where[p] == nil {
			known.where[p] = map[place]string{}
		}
		known.where[p][at] = k.Kid
	}
	known.held[at] = c
}

// Twins names the live keys of a target that are also live in another keyset
// which this process has read; "" if there are none. It is an alarm and stops
// neither: to rotate both is what parts them.
func (e *Engine) Twins(t Target) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{t.StoreName, t.Secret}
	var found []string
	for _, p := range e.claims.held[at].fingerprints {
		for other, twin := range e.claims.where[p] {
			if other != at {
				c := e.claims.held[other]
				found = append(found, fmt.Sprintf("kid %s is the same key as kid %s of key %s (environment %s, store %s, secret %s)", e.claims.where[p][at], twin, c.key, c.environment, other.store, other.secret))
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
