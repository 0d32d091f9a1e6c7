package ops

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// ReuseSchema names the form of a Reused. Members may be added to it.
const ReuseSchema = "rotate/check-reuse/v1"

// A Reused is which keys have the same material, as `rotate check --reuse -o json`
// prints it. It has no material and no hash of any.
type Reused struct {
	Schema    string       `json:"schema"`    // rotate/check-reuse/v1
	At        time.Time    `json:"at"`        // of the answer
	Attention bool         `json:"attention"` // material is shared; the exit code is 3, or 1 if a key could not be read
	Keys      int          `json:"keys"`      // kids that were compared
	Shared    []SharedKey  `json:"shared"`    // each material that several have
	Unread    []ReuseError `json:"unread"`    // keys that could not be read
}

// A SharedKey is material that several keys have.
type SharedKey struct {
	Holders []Holder `json:"holders"` // two or more
}

// A Holder is where shared material lives.
type Holder struct {
	Config      string `json:"config"`                              // path of the config
	Environment string `json:"environment"`                         // of the config
	Key         string `json:"key"`                                 // its name in the config
	Store       string `json:"store"`                               // its name in the config
	Secret      string `json:"secret"`                              // its name in the store
	Kid         string `json:"kid"`                                 // of the material
	Status      string `json:"status" enum:"current,next,previous"` // of the key there

	lineage string
	names   []string
}

// A ReuseError is a key that could not be read.
type ReuseError struct {
	Config string `json:"config"` // path of the config
	Key    string `json:"key"`    // its name in the config
	Error  string `json:"error"`  // why, in words

	Err error `json:"-"` // Error as data
}

// A Fleet is the keys of one config.
type Fleet struct {
	Config string // its path
	Keys   []*fleet.Key
}

// Reuse finds live keys that have the same material, whatever they are called, wherever
// they live, and in whatever encoding. The same keyset in the same environment under the
// same name is one key: hosts share configs, and a key that moves is in two stores for a
// while.
func (h *Host) Reuse(ctx context.Context, all []Fleet) Reused {
	c := newComparison()
	r := Reused{Schema: ReuseSchema, Shared: []SharedKey{}, Unread: []ReuseError{}}
	for _, f := range all {
		for o := range Each(ctx, f.Keys, AtOnce, readSet) {
			if o.Err != nil {
				r.Unread = append(r.Unread, ReuseError{Config: f.Config, Key: o.Key.Name, Error: o.Err.Error(), Err: o.Err})
				continue
			}
			for _, k := range o.Got.Keys {
				c.add(k, Holder{
					Config: f.Config, Environment: o.Key.Environment, Key: o.Key.Name, Store: o.Key.StoreName, Secret: o.Key.Secret,
					Kid: k.Kid, Status: string(k.Status), lineage: o.Got.Lineage, names: o.Key.Names(),
				})
			}
		}
	}
	r.Keys = len(c.holders)
	r.Shared = append(r.Shared, c.shared()...)
	r.Attention = len(r.Shared) > 0
	r.At = h.Now().UTC().Truncate(time.Second)
	return r
}

// same reports whether two holders are one key.
func (h Holder) same(o Holder) bool {
	return h.lineage == o.lineage && h.Environment == o.Environment &&
		slices.ContainsFunc(h.names, func(name string) bool { return slices.Contains(o.names, name) })
}

// A comparison finds out what is the same by an HMAC under a random key, which this
// process alone has and forgets.
type comparison struct {
	secret  []byte
	holders []Holder
	group   []int // of each holder: the number of another of its group, or its own
	first   map[[sha256.Size]byte]int
}

func newComparison() *comparison {
	c := &comparison{secret: make([]byte, sha256.Size), first: map[[sha256.Size]byte]int{}}
	rand.Read(c.secret) //nolint:errcheck // it never fails
	return c
}

// add compares a key, and of a symmetric one everything that its text decodes to.
func (c *comparison) add(k keyset.Key, h Holder) {
	i := len(c.holders)
	c.holders, c.group = append(c.holders, h), append(c.group, i)
	if !k.Alg.Symmetric() {
		m := hmac.New(sha256.New, c.secret)
		k.Fingerprint(m)
		c.join(i, m.Sum(nil))
		return
	}
	for _, reading := range judge.Readings(k.SignKey().([]byte)) {
		m := hmac.New(sha256.New, c.secret)
		m.Write(reading)
		c.join(i, m.Sum(nil))
	}
}

func (c *comparison) join(i int, sum []byte) {
	first, known := c.first[[sha256.Size]byte(sum)]
	if !known {
		c.first[[sha256.Size]byte(sum)] = i
		return
	}
	c.group[c.root(i)] = c.root(first)
}

func (c *comparison) root(i int) int {
	for c.group[i] != i {
		c.group[i] = c.group[c.group[i]]
		i = c.group[i]
	}
	return i
}

// shared are the groups of which two holders are different keys.
func (c *comparison) shared() (all []SharedKey) {
	groups := map[int][]Holder{}
	for i, h := range c.holders {
		groups[c.root(i)] = append(groups[c.root(i)], h)
	}
	for i := range c.holders {
		if g := groups[i]; slices.ContainsFunc(g, func(h Holder) bool { return !h.same(g[0]) }) {
			slices.SortStableFunc(g, func(a, b Holder) int {
				return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Key, b.Key))
			})
			all = append(all, SharedKey{Holders: g})
		}
	}
	return all
}

// Failed is the errors of keys that could not be read.
func (r *Reused) Failed() (errs []error) {
	for _, u := range r.Unread {
		errs = append(errs, u.Err)
	}
	return errs
}
