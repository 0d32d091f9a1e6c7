package gcpsm

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/keyrotate/rotate/providers"
)

const (
	aliasName  = "rotate" // of the head
	annotation = "rotate" // holds the record
	keep       = 16       // heads whose notes are kept; about 2 KiB of the 16 that a secret's annotations may have
)

// A record is what rotate keeps beside the versions, as JSON in one annotation
// of the secret. It holds no key. It changes under the secret's etag together
// with the alias, so the two never contradict each other.
type record struct {
	// Nonce is new in each patch. The documents do not say what an etag is made
	// of; if it is of the content, no content comes twice.
	Nonce   string         `json:"nonce"`
	Heads   map[int64]head `json:"heads,omitempty"`   // by version; the newest
	Witness note           `json:"witness,omitzero"`  // the newest note of all
	Copy    int64          `json:"copy,omitempty"`    // a version that repeats the head, see store.cover
	Begun   []string       `json:"begun,omitempty"`   // marks of values whose writes began and did not end, see mark
	Version int            `json:"version,omitempty"` // of this record
}

// copied notes a copy of the head, 0 for none. The one before stays known as rotate's.
func (r *record) copied(n int64) {
	if r.Copy > 0 {
		r.Heads[r.Copy] = head{}
	}
	r.Copy = n
}

// A head is a version that the alias was moved to by rotate.
type head struct {
	note
	Created time.Time `json:"created,omitzero"` // Google's own time
	Mark    string    `json:"mark,omitempty"`   // of its value, by which a copy of it is known; see mark
}

type note struct {
	Lineage    string `json:"lineage,omitempty"`
	Generation uint64 `json:"generation,omitempty"`
	Digest     string `json:"digest,omitempty"`
}

// A state is a secret as one GetSecret shows it.
type state struct {
	secret *secretmanagerpb.Secret
	rec    record
	alias  int64 // the version that it stands on, 0 for none
}

func newState(secret *secretmanagerpb.Secret) (state, error) {
	st := state{secret: secret, alias: secret.GetVersionAliases()[aliasName]}
	text, ours := secret.GetAnnotations()[annotation]
	if !ours {
		return st, nil
	}
	if err := json.Unmarshal([]byte(text), &st.rec); err != nil || st.rec.Nonce == "" || st.rec.Version > 1 {
		return st, unsafe(errors.New("its annotation rotate is not one that this rotate wrote"), "someone edited it, or a newer rotate did; put it back, or run the newest rotate everywhere")
	}
	return st, nil
}

// next is the patch that moves the alias to a version, or leaves it where it
// is, with a changed record. Everything else is left as it was found.
func (st state) next(alias int64, change func(*record)) *secretmanagerpb.Secret {
	rec := st.rec
	rec.Heads = maps.Clone(rec.Heads)
	if rec.Heads == nil {
		rec.Heads = map[int64]head{}
	}
	rec.Nonce, rec.Version = rand.Text(), 1
	if change != nil {
		change(&rec)
	}
	for _, old := range slices.Sorted(maps.Keys(rec.Heads)) {
		if len(rec.Heads) > keep {
			delete(rec.Heads, old)
		}
	}
	text, err := json.Marshal(rec)
	if err != nil {
		panic(fmt.Sprint("gcpsm: ", err)) // a record of this package that is no JSON
	}
	s := &secretmanagerpb.Secret{
		Name: st.secret.GetName(), Etag: st.secret.GetEtag(),
		Annotations: maps.Clone(st.secret.GetAnnotations()), VersionAliases: maps.Clone(st.secret.GetVersionAliases()),
	}
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	if s.VersionAliases == nil {
		s.VersionAliases = map[string]int64{}
	}
	s.Annotations[annotation] = string(text)
	if alias > 0 {
		s.VersionAliases[aliasName] = alias
	}
	return s
}

// erases is how strongly a version of the secret is erased, if that is weaker
// than at once and for good.
// https://docs.cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions
func (st state) erases() providers.How {
	if st.secret.GetVersionDestroyTtl().AsDuration() > 0 {
		return providers.Disabled
	}
	return ""
}

// lost tells whether there was a head and the alias is gone.
func (st state) lost() bool { return st.alias == 0 && len(st.rec.Heads) > 0 }

// foreign tells whether rotate never touched the secret.
func (st state) foreign() bool { return st.alias == 0 && st.rec.Nonce == "" }

// litter tells whether a version above the head never was one: its writer lost
// the race or was killed, or is about to move the alias to it.
func (st state) litter(n int64) bool {
	_, was := st.rec.Heads[n]
	return n > st.alias && !was && n != st.rec.Copy
}

func id(n int64) providers.RevisionID {
	if n == 0 {
		return ""
	}
	return providers.RevisionID(strconv.FormatInt(n, 10))
}
