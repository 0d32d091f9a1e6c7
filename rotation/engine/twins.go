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
}

// A claim is what one keyset holds, as it was last read.
type claim struct {
	key, environment string
	kids             map[[sha256.Size]byte]string
}

// claim notes the live keys of a set in place of those that it had before.
func (e *Engine) claim(t Target, set *keyset.Set) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.claims.held == nil {
		e.claims = claims{secret: make([]byte, sha256.Size), held: map[place]claim{}}
		rand.Read(e.claims.secret) //nolint:errcheck // it never fails
	}
	c := claim{key: t.Name, environment: t.Environment, kids: map[[sha256.Size]byte]string{}}
	for _, k := range set.Keys {
		h := hmac.New(sha256.New, e.claims.secret)
		k.Fingerprint(h)
		c.kids[[sha256.Size]byte(h.Sum(nil))] = k.Kid
	}
	e.claims.held[place{t.StoreName, t.Secret}] = c
}

// Twins names the live keys of a target that are also live in another keyset
// which this process has read; "" if there are none. It is an alarm and stops
// neither: to rotate both is what parts them.
func (e *Engine) Twins(t Target) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := place{t.StoreName, t.Secret}
	var found []string
	for other, c := range e.claims.held {
		for sum, kid := range e.claims.held[at].kids {
			if twin, same := c.kids[sum]; same && other != at {
				found = append(found, fmt.Sprintf("kid %s is the same key as kid %s of key %s (environment %s, store %s, secret %s)", kid, twin, c.key, c.environment, other.store, other.secret))
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
