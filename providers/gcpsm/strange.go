package gcpsm

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/keyrotate/rotate/providers"
)

// Whose a version is.
type owner int

const (
	ours    owner = iota // a head that was, what a writer left that lost or was killed, or from before rotate
	theirs               // somebody added it by hand
	nobodys              // not known: disabled, or so new that the secret may not show it yet. It is left alone
)

// whose tells it of a version that is not the head. A version carries no annotation, so
// what a killed writer left is known by the mark that it put in the record before.
func (s *store) whose(ctx context.Context, name string, st state, v *secretmanagerpb.SecretVersion) (owner, error) {
	n := number(v)
	_, was := st.rec.Heads[n]
	if was || n == st.rec.Copy || len(st.rec.Heads) == 0 || n < slices.Min(slices.Collect(maps.Keys(st.rec.Heads))) {
		return ours, nil
	}
	if v.GetState() != secretmanagerpb.SecretVersion_ENABLED {
		return nobodys, nil
	}
	value, err := s.access(ctx, name, n)
	switch {
	case errors.Is(err, providers.ErrUnreadable): // destroyed or disabled since it was listed
		return nobodys, nil
	case err != nil:
		return nobodys, err
	}
	if st.rec.knows(value) {
		return ours, nil
	}
	if st.alias > 0 { // a copy of a head without a mark, such as one that was adopted
		top, err := s.access(ctx, name, st.alias)
		if err == nil && bytes.Equal(top, value) {
			return ours, nil
		}
	}
	if time.Since(created(v.GetCreateTime())) < s.Traits().Stale {
		return nobodys, nil
	}
	return theirs, nil
}

// alone refuses a secret to which somebody added a version above its head: the head
// would move past it, and nobody would see that there are two owners.
func (s *store) alone(ctx context.Context, name string, st state, top int64) error {
	newest, err := s.newest(ctx, name)
	if err != nil || number(newest) <= top {
		return err
	}
	all, err := s.list(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range all {
		if number(v) <= top || !st.litter(number(v)) || gone(v) {
			continue
		}
		if whose, err := s.whose(ctx, name, st, v); err != nil || whose == theirs {
			return cmp.Or(err, strange(name, v))
		}
	}
	return nil
}

// strange says what a person can do about a version that somebody added.
func strange(name string, v *secretmanagerpb.SecretVersion) error {
	return unsafe(fmt.Errorf("version %d was not added by rotate, which would destroy it with its own old versions", number(v)),
		fmt.Sprintf("put what is in it into a secret of its own, if somebody needs it, then: gcloud secrets versions destroy %d --secret=%s (or disable it: then it is left alone)", number(v), name))
}

// mark is what the record tells of a value that a write is about to add: 16 bits of a
// salted hash. That is enough to know it again, and too little to guess a key by.
func mark(value []byte) string {
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	return markOf(hex.EncodeToString(salt[:]), value)
}

func markOf(salt string, value []byte) string {
	sum := sha256.Sum256(append([]byte(salt), value...))
	return salt + "-" + hex.EncodeToString(sum[:2])
}

// knows tells whether a value is one that a writer began to put there, or a copy of a
// head; its writer or its maker was killed before it could note the version.
func (r record) knows(value []byte) bool {
	marks := slices.Clone(r.Begun)
	for _, h := range r.Heads {
		marks = append(marks, h.Mark)
	}
	return slices.ContainsFunc(marks, func(m string) bool { return marked(m, value) })
}

func marked(m string, value []byte) bool {
	salt, _, ok := strings.Cut(m, "-")
	return ok && m == markOf(salt, value)
}
