// Package gcpsm keeps each secret in Google Secret Manager.
//
// The head is the version with the alias "rotate". AddSecretVersion takes no
// condition; UpdateSecret compares the secret's etag [1], and the alias is part
// of the secret. So a write patches the secret under the etag it read, which
// gives a new etag, adds its value as a version beside the head, and then moves
// the alias under that new etag. Between the two patches nobody has changed the
// secret, or the second one is refused.
//
// By number a version is read as it was written; aliases, `latest`, and all else
// may be behind, for minutes as a rule and for hours at most [2]. So a read asks
// the secret where the alias stands and reads that number. A secret that is
// behind harms no write: its etag is refused.
//
// [1]: https://docs.cloud.google.com/secret-manager/docs/etags
// [2]: https://docs.cloud.google.com/secret-manager/docs/reference/consistency
package gcpsm

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strconv"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

const (
	maxValue = 64 << 10         // bytes: https://docs.cloud.google.com/secret-manager/quotas
	stale    = 10 * time.Minute // "typically converge within minutes" [2]
	timeout  = 30 * time.Second // of one call
)

// A store is one project, or one region of it. Its handles share nothing but
// the service.
type store struct {
	conf Config
	api  *secretmanager.Client
}

// WritesAMinute implements providers.Paced: a tenth of the quota.
// 600 write requests a minute and project, of which a Write makes three, and
// 2 a second and secret:
// https://docs.cloud.google.com/secret-manager/quotas
func (c *Config) WritesAMinute() int { return 20 }

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	bound := s.conf.Stale
	if bound == 0 {
		bound = stale
	}
	return providers.Traits{
		Type: "gcpsm", MaxValue: maxValue, Stale: bound, Witness: true,
		Erases:        providers.Destroyed,
		WritesAMinute: s.conf.WritesAMinute(),
		TakesName:     takesName, NameRule: nameRule,
		Remains: "Of a destroyed version its number and dates, no data. Where the secret has a version_destroy_ttl it is disabled until that ends, " +
			"and whoever may call EnableSecretVersion can have it back until then.",
		Notes: []string{
			"Google's gRPC replies carry no time, so there is no service clock: waits go by this host's, and a daemon watches it for jumps.",
			"A secret that was deleted looks as if it never was: Google deletes secrets at once and for good.",
			"Readers of the alias may see an older document for minutes, in the worst case for hours: the keys' propagation has to cover that.",
		},
	}
}

// https://docs.cloud.google.com/secret-manager/docs/reference/rpc/google.cloud.secretmanager.v1#createsecretrequest
func takesName(name string) bool { return len(name) <= 255 && validChars().MatchString(name) }

const nameRule = "Google takes 1 to 255 letters, digits, - and _"

// NameRule implements providers.Namer.
func (c *Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

var validChars = lazy.Regexp(`^[A-Za-z0-9_-]+$`)

func (s *store) secret(name string) string { return s.conf.parent() + "/secrets/" + name }

func (s *store) version(name string, n int64) string {
	return s.secret(name) + "/versions/" + strconv.FormatInt(n, 10)
}

// number is the last part of a version's name.
func number(v *secretmanagerpb.SecretVersion) int64 {
	n, _ := strconv.ParseInt(path.Base(v.GetName()), 10, 64) // 0 is no version's
	return n
}

// look gets a secret and refuses one that is not ours to work on.
func (s *store) look(ctx context.Context, name string) (state, error) {
	if ctx.Err() != nil {
		return state{}, ended(ctx)
	}
	secret, err := s.api.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: s.secret(name)})
	switch {
	case err != nil:
		return state{}, failed(ctx, "GetSecret", err, false)
	case secret.GetExpiration() != nil:
		return state{}, unsafe(errors.New("it has an expire_time or ttl: Google would delete it, keys and all, for good"), "gcloud secrets update "+name+" --remove-expiration")
	case secret.GetRotation().GetManagedRotationStatus().GetState() == secretmanagerpb.Rotation_ManagedRotationStatus_ACTIVE:
		return state{}, unsafe(errors.New("its managed rotation is active: Google rotates it by itself"), "give the key another secret: two owners would overwrite each other")
	}
	return newState(secret)
}

// head is the version that is the truth, 0 if nothing was ever stored. Of a
// secret that rotate never touched it is the newest version: someone else's,
// to be adopted.
func (s *store) head(ctx context.Context, name string, st state) (int64, error) {
	switch {
	case st.lost():
		return 0, &providers.Error{
			Kind: providers.ErrUnreadable, Err: errors.New("the alias rotate is gone"),
			Hint: "gcloud secrets update " + name + " --update-version-aliases=rotate=NUMBER, with the number of the newest document",
		}
	case !st.foreign():
		return st.alias, nil
	}
	newest, err := s.newest(ctx, name)
	return number(newest), err
}

// newest is the version that `latest` stands for, nil if there is none.
func (s *store) newest(ctx context.Context, name string) (*secretmanagerpb.SecretVersion, error) {
	v, err := s.api.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: s.secret(name), PageSize: 1}).Next()
	switch {
	case errors.Is(err, iterator.Done):
		return nil, nil
	case err != nil:
		return nil, failed(ctx, "ListSecretVersions", err, false)
	}
	return v, nil
}

// list gets all versions, the oldest first.
func (s *store) list(ctx context.Context, name string) (all []*secretmanagerpb.SecretVersion, err error) {
	for v, err := range s.api.ListSecretVersions(ctx, &secretmanagerpb.ListSecretVersionsRequest{Parent: s.secret(name)}).All() {
		if err != nil {
			return nil, failed(ctx, "ListSecretVersions", err, false)
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *secretmanagerpb.SecretVersion) int { return int(number(a) - number(b)) })
	return all, nil
}

// access reads a version. Its checksum is Google's, or was ours on the way in.
// https://docs.cloud.google.com/secret-manager/docs/data-integrity
func (s *store) access(ctx context.Context, name string, n int64) ([]byte, error) {
	out, err := s.api.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: s.version(name, n)})
	switch code := status.Code(err); {
	case code == codes.FailedPrecondition, code == codes.NotFound:
		return nil, unreadable(name, n, err)
	case err != nil:
		return nil, failed(ctx, "AccessSecretVersion", err, false)
	}
	data, sum := out.GetPayload().GetData(), out.GetPayload().DataCrc32C
	if sum == nil || *sum != checksum(data) {
		return nil, &providers.Error{Kind: providers.ErrUnavailable, Err: fmt.Errorf("version %d arrived with another CRC32C than it was stored with", n)}
	}
	return data, nil
}

func checksum(b []byte) int64 { return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }

// Read implements providers.Store.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "read", name)
	var last int64
	for {
		st, err := s.look(ctx, name)
		if err != nil {
			return providers.Revision{}, err
		}
		n, err := s.head(ctx, name, st)
		switch {
		case err != nil:
			return providers.Revision{}, err
		case n == 0:
			return providers.Revision{}, &providers.Error{Kind: providers.ErrNotFound, Err: errors.New("the secret exists and has no value yet")}
		}
		value, err := s.access(ctx, name, n)
		if errors.Is(err, providers.ErrUnreadable) && n != last {
			last = n // it may have been superseded and destroyed between the two calls
			continue
		}
		if err == nil {
			err = s.alone(ctx, name, st, n)
		}
		if err != nil {
			return providers.Revision{}, err
		}
		h := st.rec.Heads[n]
		return providers.Revision{
			ID: id(n), Value: providers.NewSecret(value), Note: providers.Note(h.note), Witness: providers.Note(st.rec.Witness), Created: h.Created,
			Erases: st.erases(),
		}, nil
	}
}

// History implements providers.Store. Litter is listed as well, so that it is
// erased: see Erase. So is what a person disabled, and can enable again. A version
// that a person added is not, see whose.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer providers.Dress(&err, "history", name)
	st, err := s.look(ctx, name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n, err := s.head(ctx, name, st)
	if err != nil || n == 0 {
		return nil, err
	}
	all, err := s.list(ctx, name)
	if err != nil {
		return nil, err
	}
	var revs, last []providers.Revision
	var weaker []providers.Erased
	for _, v := range all {
		h := st.rec.Heads[number(v)]
		rev := providers.Revision{ID: id(number(v)), Note: providers.Note(h.note), Witness: providers.Note(st.rec.Witness), Created: created(v.GetCreateTime())}
		switch {
		case number(v) == n && v.GetState() == secretmanagerpb.SecretVersion_ENABLED:
			rev.Erases = st.erases()
			last = append(last, rev)
		case number(v) == n:
		case gone(v) && v.GetState() != secretmanagerpb.SecretVersion_DESTROYED:
			weaker = append(weaker, providers.Erased{ID: rev.ID, Note: rev.Note, Erasure: erasure(v)})
		case gone(v):
		case number(v) < n, st.litter(number(v)):
			whose, err := s.whose(ctx, name, st, v)
			if err != nil {
				return nil, err
			}
			if whose == ours {
				revs = append(revs, rev)
			}
		}
	}
	for i := range last {
		last[i].Weaker = weaker
	}
	return append(revs, last...), nil
}

// gone tells whether a version is destroyed or on its way to it.
func gone(v *secretmanagerpb.SecretVersion) bool {
	return v.GetState() == secretmanagerpb.SecretVersion_DESTROYED || v.GetScheduledDestroyTime() != nil
}

func created(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
