package gcpsm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/keyrotate/rotate/providers"
)

// Write implements providers.Store.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "write", name)
	st, err := s.look(ctx, name)
	absent, own := errors.Is(err, providers.ErrNotFound), mark(v.Reveal())
	switch {
	case err != nil && !absent:
		return providers.Revision{}, err
	case absent && after != "":
		return providers.Revision{}, conflict()
	case absent:
		st, err = s.create(ctx, name, own)
	default:
		st, err = s.begin(ctx, name, st, after, own)
	}
	if err != nil {
		return providers.Revision{}, err
	}
	made, err := s.add(ctx, name, v.Reveal())
	if err != nil {
		if made != nil {
			s.tidy(ctx, name, made)
		}
		return providers.Revision{}, err
	}
	h := head{note: note(n), Created: created(made.GetCreateTime()), Mark: own}
	st, err = s.patch(ctx, name, st, number(made), func(rec *record) {
		rec.Heads[number(made)] = h
		rec.Witness = note(providers.Note(rec.Witness).Newest(n))
		rec.copied(0)
		rec.Begun = slices.DeleteFunc(slices.Clone(rec.Begun), func(m string) bool { return m == own })
	})
	if err != nil {
		if !errors.Is(err, providers.ErrUnclear) { // it will not become the head
			s.tidy(ctx, name, made)
		}
		return providers.Revision{}, err
	}
	return providers.Revision{ID: id(number(made)), Value: v, Note: n, Witness: providers.Note(st.rec.Witness), Created: h.Created}, nil
}

// create makes a secret that has rotate's record and no version. Names are
// unique, so of several creators one succeeds; whoever comes next finds a
// secret without a head.
func (s *store) create(ctx context.Context, name, own string) (state, error) {
	secret := s.conf.secret()
	secret.Annotations = state{}.next(0, func(rec *record) { rec.Begun = []string{own} }).Annotations
	made, err := s.api.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: s.conf.parent(), SecretId: name, Secret: secret})
	if err != nil {
		return state{}, failed(ctx, "CreateSecret", err, true)
	}
	return newState(made)
}

// begin checks that a write's base is the head and takes the etag under which
// the write has to end. A secret of someone else gets the alias first, on the
// version that is adopted: from then on its head does not move by itself. The record
// gets the mark of the value that is to come.
func (s *store) begin(ctx context.Context, name string, st state, after providers.RevisionID, own string) (state, error) {
	base, err := s.head(ctx, name, st)
	switch {
	case err != nil:
		return state{}, err
	case id(base) != after:
		return state{}, conflict()
	}
	if base > 0 {
		v, err := s.api.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: s.version(name, base)})
		switch {
		case status.Code(err) == codes.NotFound:
			return state{}, unreadable(name, base, err)
		case err != nil:
			return state{}, failed(ctx, "GetSecretVersion", err, false)
		case v.GetState() != secretmanagerpb.SecretVersion_ENABLED:
			return state{}, unreadable(name, base, fmt.Errorf("version %d is %s", base, v.GetState()))
		}
	}
	return s.patch(ctx, name, st, base, func(rec *record) {
		if _, known := rec.Heads[base]; base > 0 && !known {
			rec.Heads[base] = head{} // somebody else's that is adopted, or that the alias was moved to by hand
		}
		rec.Begun = append(slices.Clone(rec.Begun), own)
		rec.Begun = rec.Begun[max(0, len(rec.Begun)-keep):]
	})
}

// add stores a value beside the head. The service checks the sum, and says that
// it did; where it does not, the version is returned with the error.
func (s *store) add(ctx context.Context, name string, value []byte) (*secretmanagerpb.SecretVersion, error) {
	made, err := s.api.AddSecretVersion(ctx, s.addition(name, value))
	switch {
	case err != nil:
		return nil, failed(ctx, "AddSecretVersion", err, true)
	case !made.GetClientSpecifiedPayloadChecksum():
		return made, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the service did not get the value's CRC32C: something between changes requests")}
	}
	return made, nil
}

func (s *store) addition(name string, value []byte) *secretmanagerpb.AddSecretVersionRequest {
	sum := checksum(value)
	return &secretmanagerpb.AddSecretVersionRequest{Parent: s.secret(name), Payload: &secretmanagerpb.SecretPayload{Data: value, DataCrc32C: &sum}}
}

// patch moves the alias and changes the record, if the secret is still as it
// was read. The documents give FAILED_PRECONDITION for another etag; ABORTED is
// what the API's own guide asks for (AIP-154). As both have other causes as
// well, it is a conflict only if the etag is another one now.
func (s *store) patch(ctx context.Context, name string, st state, alias int64, change func(*record)) (state, error) {
	secret, err := s.api.UpdateSecret(ctx, s.update(st.next(alias, change)))
	switch code := status.Code(err); {
	case err == nil:
		return newState(secret)
	case code != codes.FailedPrecondition && code != codes.Aborted:
		return state{}, failed(ctx, "UpdateSecret", err, true)
	}
	now, lookErr := s.look(ctx, name)
	if lookErr == nil && now.secret.GetEtag() != st.secret.GetEtag() {
		return state{}, conflict()
	}
	return state{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.Join(err, lookErr), Hint: table[codes.FailedPrecondition].hint}
}

func (s *store) update(secret *secretmanagerpb.Secret) *secretmanagerpb.UpdateSecretRequest {
	return &secretmanagerpb.UpdateSecretRequest{Secret: secret, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"annotations", "version_aliases"}}}
}

// tidy destroys a version that lost its race. It holds a key that must not
// stay, so it is done even for a caller who gave up; what it fails to do, the
// next sweep does.
func (s *store) tidy(ctx context.Context, name string, mine *secretmanagerpb.SecretVersion) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	var drop []*secretmanagerpb.SecretVersion
	for range 3 {
		st, err := s.look(ctx, name)
		if err != nil {
			return
		}
		copied, err := s.cover(ctx, name, st, number(mine))
		if err != nil && !errors.Is(err, providers.ErrConflict) {
			return
		}
		drop = append(drop, mine)
		if err == nil {
			break
		}
		mine = copied // of a head that may have moved on meanwhile
	}
	for _, v := range drop { // a copy that is left over is `latest`
		_, _ = s.destroy(ctx, v)
	}
}

// cover keeps `latest` readable while version n is destroyed: where n is the
// newest, the head's value is added once more and the record says so. The head
// does not move. It returns the copy even if the secret changed meanwhile.
func (s *store) cover(ctx context.Context, name string, st state, n int64) (copied *secretmanagerpb.SecretVersion, err error) {
	newest, err := s.newest(ctx, name)
	if err != nil || number(newest) != n || st.alias == 0 {
		return nil, err
	}
	value, err := s.access(ctx, name, st.alias)
	if err != nil {
		return nil, err
	}
	if copied, err = s.add(ctx, name, value); err != nil {
		return nil, err
	}
	_, err = s.patch(ctx, name, st, st.alias, func(rec *record) { rec.copied(number(copied)) })
	return copied, err
}

// Erase implements providers.Store. Litter above the head goes as well, after a
// patch: its writer may still be about to move the alias to it, and is refused
// from then on.
func (s *store) Erase(ctx context.Context, name string, which, above providers.RevisionID) (_ providers.Erasure, err error) {
	defer providers.Dress(&err, "erase", name)
	st, err := s.look(ctx, name)
	if err != nil {
		return providers.Erasure{}, err
	}
	top, err := s.head(ctx, name, st)
	if err != nil {
		return providers.Erasure{}, err
	}
	n, _ := strconv.ParseInt(string(which), 10, 64) // 0 is no version's
	if top == 0 || id(top) != above || n <= 0 || n >= top && !st.litter(n) {
		return providers.Erasure{}, conflict()
	}
	all, err := s.list(ctx, name)
	if err != nil {
		return providers.Erasure{}, err
	}
	var old, cur *secretmanagerpb.SecretVersion
	for _, v := range all {
		switch number(v) {
		case n:
			old = v
		case top:
			cur = v
		}
	}
	switch {
	case cur.GetState() != secretmanagerpb.SecretVersion_ENABLED:
		return providers.Erasure{}, unreadable(name, top, fmt.Errorf("version %d is %s", top, cur.GetState()))
	case old == nil && n > top:
		return providers.Erasure{}, conflict()
	case old == nil || gone(old):
		return erasure(old), nil
	}
	whose, err := s.whose(ctx, name, st, old)
	switch {
	case err != nil:
		return providers.Erasure{}, err
	case whose == theirs:
		return providers.Erasure{}, strange(name, old)
	case whose != ours:
		return providers.Erasure{}, conflict()
	case n > top:
		if err := s.fence(ctx, name, st, n); err != nil {
			return providers.Erasure{}, err
		}
	}
	return s.destroy(ctx, old)
}

// fence makes sure that version n, above the head, will not become it.
func (s *store) fence(ctx context.Context, name string, st state, n int64) error {
	copied, err := s.cover(ctx, name, st, n)
	switch {
	case copied == nil && err == nil: // covering would have been a patch
		_, err = s.patch(ctx, name, st, st.alias, nil)
	case copied != nil && errors.Is(err, providers.ErrConflict):
		s.tidy(ctx, name, copied)
	}
	return err
}

// destroy destroys a version in the state in which it was seen.
func (s *store) destroy(ctx context.Context, v *secretmanagerpb.SecretVersion) (providers.Erasure, error) {
	out, err := s.api.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: v.GetName(), Etag: v.GetEtag()})
	switch code := status.Code(err); {
	case code == codes.FailedPrecondition, code == codes.Aborted: // someone was faster, perhaps with the same
		now, getErr := s.api.GetSecretVersion(ctx, &secretmanagerpb.GetSecretVersionRequest{Name: v.GetName()})
		if getErr == nil && gone(now) {
			return erasure(now), nil
		}
		return providers.Erasure{}, &providers.Error{Kind: providers.ErrUnavailable, Err: err}
	case err != nil:
		return providers.Erasure{}, failed(ctx, "DestroySecretVersion", err, true)
	}
	return erasure(out), nil
}

// erasure is what became of a version that is gone.
// https://docs.cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions
func erasure(v *secretmanagerpb.SecretVersion) providers.Erasure {
	if v != nil && v.GetState() != secretmanagerpb.SecretVersion_DESTROYED {
		return providers.Erasure{How: providers.Disabled, Until: created(v.GetScheduledDestroyTime()).Truncate(time.Second)}
	}
	return providers.Erasure{How: providers.Destroyed}
}
