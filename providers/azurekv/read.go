package azurekv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

const (
	settle   = 2 * time.Second        // after its creation no older version of the same second can appear; see docs/providers/azurekv.md
	poll     = 500 * time.Millisecond // between looks at what is not settled yet
	patience = 30                     // looks
)

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
func takesName(name string) bool { return len(name) <= 127 && validChars().MatchString(name) }

const nameRule = "Key Vault takes 1 to 127 letters, digits and -: give the key another name there with `secret:`, such as {store: azure, secret: production-auth-jwt}"

// NameRule implements providers.Namer.
func (c *Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

var validChars = lazy.Regexp(`^[0-9A-Za-z-]+$`)

var (
	errDeleted = errors.New("the secret is deleted, and can be recovered until the vault's retention ends")
	errTorn    = errors.New("the listing lacks a version that another one names")
	errBusy    = errors.New("others are writing all the time, or the listing stays behind what was written")
)

// look lists all versions of a secret. While others write, the pages of a listing may not fit together. Then look
// returns an error.
func (s *store) look(ctx context.Context, name string) (state, error) {
	if ctx.Err() != nil {
		return state{}, failed(ctx, nil, false)
	}
	var all []version
	var service time.Time
	for pager := s.api.NewListSecretPropertiesVersionsPager(name, nil); pager.More(); {
		at, err := s.call(ctx, false, func(ctx context.Context) error {
			page, err := pager.NextPage(ctx)
			for _, p := range page.Value {
				all = append(all, listed(p.ID, p.Attributes, p.Tags))
			}
			return err
		})
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			return state{}, err
		}
		if service.IsZero() {
			service = at // what the first page tells is the oldest
		}
		if err != nil {
			break
		}
	}
	if len(all) == 0 {
		return state{}, s.absent(ctx, name)
	}
	if service.IsZero() {
		service = time.Now().UTC().Truncate(time.Second) // no Date header: a proxy's doing
	}
	st := newState(all, service)
	if st.lacks != "" {
		return state{}, &providers.Error{Kind: providers.ErrUnavailable, Err: fmt.Errorf("%w: %s", errTorn, st.lacks)}
	}
	return st, nil
}

func listed(id *azsecrets.ID, a *azsecrets.SecretAttributes, tags map[string]*string) version {
	v := version{}
	if id != nil {
		v.id = id.Version()
	}
	if a != nil {
		v.enabled = a.Enabled == nil || *a.Enabled
		if a.Created != nil {
			v.created = a.Created.UTC().Truncate(time.Second)
		}
	}
	v.parse(tags)
	return v
}

// absent tells a secret that never was from one that was deleted.
func (s *store) absent(ctx context.Context, name string) error {
	_, err := s.call(ctx, false, func(ctx context.Context) error {
		_, err := s.api.GetDeletedSecret(ctx, name, nil)
		return err
	})
	if err != nil {
		return err
	}
	return &providers.Error{Kind: providers.ErrUnreadable, Err: errDeleted, Hint: s.az("recover", name)}
}

func (s *store) az(verb, name string) string {
	return fmt.Sprintf("az keyvault secret %s --id %s/secrets/%s", verb, s.conf.address(), name)
}

// get reads one version, or the newest: what applications read.
func (s *store) get(ctx context.Context, name, id string) (value providers.Secret, v version, err error) {
	_, err = s.call(ctx, false, func(ctx context.Context) error {
		out, err := s.api.GetSecret(ctx, name, id, nil)
		if err != nil {
			return err
		}
		if out.Value != nil {
			value = providers.NewSecret([]byte(*out.Value))
		}
		v = listed(out.ID, out.Attributes, out.Tags)
		return nil
	})
	return value, v, err
}

// Read implements providers.Store. It waits until the head is settled, because a younger one may still lose, and with
// it every version that was made on it. Then it makes sure that applications read the head, too.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "read", name)
	recovering := false
	for range patience {
		st, err := s.look(ctx, name)
		switch {
		case errors.Is(err, errDeleted) && s.conf.Recover:
			recovering = true
			err = s.recover(ctx, name)
		case errors.Is(err, providers.ErrNotFound) && recovering, errors.Is(err, errTorn): // for a while
			err = nil
		case err == nil && st.settled():
			rev, done, readErr := s.show(ctx, name, st)
			if done || readErr != nil {
				return rev, readErr
			}
		}
		if err != nil {
			return providers.Revision{}, err
		}
		if err := s.sleep(ctx, poll); err != nil {
			return providers.Revision{}, failed(ctx, nil, false)
		}
	}
	return providers.Revision{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errBusy}
}

// recover asks the service to bring a deleted secret back, which takes some seconds. If another caller has asked
// already, it only waits.
func (s *store) recover(ctx context.Context, name string) error {
	_, err := s.call(ctx, false, func(ctx context.Context) error {
		_, err := s.api.RecoverDeletedSecret(ctx, name, nil)
		return err
	})
	if errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrConflict) {
		return nil
	}
	return err
}

// show reads the head of a listing. done is false if the listing is old, or if applications did not read the head and
// have to read it now.
func (s *store) show(ctx context.Context, name string, st state) (_ providers.Revision, done bool, err error) {
	head := st.head()
	if !head.enabled {
		return providers.Revision{}, false, &providers.Error{Kind: providers.ErrUnreadable, Err: fmt.Errorf("version %s, the head, is disabled", head.id),
			Hint: s.az("set-attributes --enabled true", name+"/"+head.id)}
	}
	value, newest, err := s.get(ctx, name, "")
	switch {
	case isCode(err, "SecretDisabled"): // the newest is, and it is not the head
	case errors.Is(err, providers.ErrNotFound): // it was there a moment ago
		return providers.Revision{}, false, &providers.Error{Kind: providers.ErrUnreadable, Err: err}
	case err != nil:
		return providers.Revision{}, false, err
	default:
		if _, known := st.find(newest.id); !known {
			return providers.Revision{}, false, nil // made since, or the listing is old
		}
	}
	rev := providers.Revision{ID: providers.RevisionID(head.id), Value: value, Note: head.note, Witness: st.witness(), Created: head.created, Service: st.service}
	switch head.id {
	case newest.of:
		rev.Copy = newest.id
		return rev, true, nil
	case newest.id:
		return rev, true, nil
	}
	if rev.Value, _, err = s.get(ctx, name, head.id); err != nil {
		return providers.Revision{}, false, err
	}
	switch err = s.put(ctx, name, rev.Value, version{of: head.id, note: head.note}, false); {
	case errors.Is(err, providers.ErrDenied): // who may only read is not in the way of it
		return rev, true, nil
	case errors.Is(err, providers.ErrConflict): // someone else puts something now
		err = nil
	}
	return providers.Revision{}, false, err
}

// History implements providers.Store: what is enabled, losers among it, and the head. The version that applications
// read is not among the losers: it is the head or its copy, or the next Read puts a copy on top.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer providers.Dress(&err, "history", name)
	st, err := s.look(ctx, name)
	if errors.Is(err, providers.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	head, newest := st.head(), ""
	var revs []providers.Revision
	add := func(v version) {
		revs = append(revs, providers.Revision{ID: providers.RevisionID(v.id), Note: v.note, Witness: st.witness(), Created: v.created, Service: st.service})
	}
	for _, v := range st.all {
		if !v.enabled || v.id == head.id || v.of == head.id {
			continue
		}
		if !st.buried(v) && newest == "" {
			if newest, err = s.newest(ctx, name); err != nil {
				return nil, err
			}
		}
		if v.id != newest {
			add(v)
		}
	}
	slices.SortStableFunc(revs, func(a, b providers.Revision) int { return a.Created.Compare(b.Created) })
	if head.enabled {
		add(head)
	}
	return revs, nil
}

// newest is the id of the version that applications read, which creation times
// do not tell within a second.
func (s *store) newest(ctx context.Context, name string) (string, error) {
	_, v, err := s.get(ctx, name, "")
	if isCode(err, "SecretDisabled") {
		return first, nil // none that is enabled
	}
	return v.id, err
}
