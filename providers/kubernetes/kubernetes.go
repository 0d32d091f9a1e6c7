// Package kubernetes keeps each secret in one core/v1 Secret of a namespace.
//
// A revision is the Secret as it stood at one resourceVersion, which is its id;
// a Secret has one value, so a write replaces its predecessor. Write is a create
// where nothing is, and else an update that carries the resourceVersion of its
// base, which the API server compares. See data.go for how a value lies in a
// Secret, and for whose Secret is written to at all.
//
// Rules of the API server are cited as [k8s]: k8s.io/kubernetes v1.37.2, and
// https://kubernetes.io/docs/reference/using-api/api-concepts/.
package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"github.com/keyrotate/rotate/providers"
)

const maxValue = 64 << 10 // the API server takes 1 MiB of data; this is what every other manager takes too

type store struct {
	Config
	core, authorization rest.Interface // API groups "" and authorization.k8s.io
}

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "kubernetes", MaxValue: maxValue, OneValue: true, Clock: true, Witness: true,
		TakesName: takesName,
		NameRule:  nameRule,

		Erases:  providers.Replaced,
		Remains: "The API server has no copy; etcd keeps replaced values until it compacts (5 minutes by default), its backups and snapshots what they were made with, encrypted only if encryption at rest is set up.",
		Notes: []string{
			"Kubernetes has no memory of a Secret that was deleted: only a running daemon and the outputs know better. Do not grant delete on it.",
			"The witness lies in the Secret's annotations: it tells of old data that was put back, but a backup which brings back the whole Secret brings back an old witness.",
		},
	}
}

// Read implements providers.Store. It is one call, and consistent: a get without
// a resourceVersion is never older than the last write.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer s.dress(&err, "read", name)
	object, date, err := s.get(ctx, name)
	if err != nil {
		return providers.Revision{}, err
	}
	return s.revision(object, date)
}

// revision is what a Secret holds.
func (s *store) revision(object *kubeSecret, date time.Time) (providers.Revision, error) {
	if err := leaving(object); err != nil {
		return providers.Revision{}, err
	}
	v, err := decode(object.Data, ownKeys(object))
	if err != nil {
		return providers.Revision{}, &providers.Error{Kind: providers.ErrUnreadable, Err: err, Hint: "put its data back; rotate makes nothing up in its place"}
	}
	return providers.Revision{
		ID: providers.RevisionID(object.ResourceVersion), Value: providers.NewSecret(v), Service: date,
		Note: noteIn(object, noteAnnotation), Witness: noteIn(object, newestAnnotation),
	}, nil
}

// Write implements providers.Store: a create, or a look at the base and the
// update after it.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer s.dress(&err, "write", name)
	var date time.Time
	object := s.bare(name)
	if after == "" {
		s.fill(object, v, n)
		date, err = s.create(ctx, object, false)
	} else {
		if object, err = s.base(ctx, name, after); err != nil {
			return providers.Revision{}, err
		}
		s.fill(object, v, n)
		date, err = s.update(ctx, object)
	}
	if err != nil {
		return providers.Revision{}, err
	}
	return providers.Revision{ID: providers.RevisionID(object.ResourceVersion), Value: v, Note: n, Witness: noteIn(object, newestAnnotation), Service: date}, nil
}

// base is the Secret that a write replaces, if it is still the one that the
// caller saw and one that rotate may write to.
func (s *store) base(ctx context.Context, name string, after providers.RevisionID) (*kubeSecret, error) {
	object, _, err := s.get(ctx, name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, conflict(errors.New("the Secret is not there any more"))
	case err != nil:
		return nil, err
	case object.ResourceVersion != string(after):
		return nil, conflict(nil)
	}
	if err := changeable(object); err != nil {
		return nil, err
	}
	if !ours(object) {
		return nil, unsafe(errors.New("the Secret was not made by rotate"),
			fmt.Sprintf("give rotate a Secret of its own; or hand this one over, all its data with it: kubectl label -n %s secret %s %s=%s --overwrite", s.Namespace, name, managedBy, manager))
	}
	return object, nil
}

// bare is a new Secret with nothing in it.
func (s *store) bare(name string) *kubeSecret {
	return &kubeSecret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}, Type: s.SecretType}
}

// leaving is the error of a Secret that waits for its finalizers, nil of others.
func leaving(object *kubeSecret) error {
	if object.DeletionTimestamp == nil {
		return nil
	}
	return &providers.Error{Kind: providers.ErrUnreadable,
		Err:  fmt.Errorf("the %s is being deleted, with the time stamp %s, and waits for %s", kindOf(object), object.DeletionTimestamp.UTC().Format(time.RFC3339), strings.Join(object.Finalizers, ", ")),
		Hint: "a deletion cannot be taken back: save it, let it go, and create it again from that"}
}

// changeable refuses a Secret that nobody can change.
func changeable(object *kubeSecret) error {
	switch {
	case object.DeletionTimestamp != nil:
		return conflict(fmt.Errorf("the %s is being deleted", kindOf(object)))
	case object.Immutable != nil && *object.Immutable:
		return unsafe(fmt.Errorf("the %s is immutable", kindOf(object)), "that cannot be taken back: give the key another secret, or delete this one once nothing reads it")
	}
	return nil
}

// History implements providers.Store: the head, or nothing.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer s.dress(&err, "history", name)
	rev, err := s.Read(ctx, name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	rev.Value = providers.Secret{}
	return []providers.Revision{rev}, nil
}

// Erase implements providers.Store. What is not the head was replaced by it:
// Erase makes sure that it is so, and changes nothing.
func (s *store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer s.dress(&err, "erase", name)
	rev, err := s.Read(ctx, name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return providers.Erasure{}, conflict(errors.New("there is no Secret"))
	case err != nil:
		return providers.Erasure{}, err
	case rev.ID != head || id == head:
		return providers.Erasure{}, conflict(nil)
	}
	return providers.Erasure{How: providers.Replaced}, nil
}

// takesName takes the names that the API server takes ([k8s] ValidateSecretName).
func takesName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

const nameRule = "names of Secrets are lower case letters, digits, - and ., at most 253, with a letter or digit at both ends: set the key's `secret`"

// NameRule implements providers.Namer.
func (c *Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

// where is a Secret or ConfigMap as kubectl names it.
func (s *store) where(name string) string { return s.noun() + " " + s.Namespace + "/" + name }

// ownKeys are the data keys that rotate wrote, in its order; none of a Secret
// that it did not write.
func ownKeys(object *kubeSecret) []string {
	return slices.DeleteFunc(strings.Split(object.Annotations[dataAnnotation], ","), func(k string) bool { return k == "" })
}
