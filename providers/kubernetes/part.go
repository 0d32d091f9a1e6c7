package kubernetes

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/keyrotate/rotate/providers"
)

// A part implements providers.Store over some data keys of a Secret, of which the
// others are other keys' and other people's. Its revisions are of these data keys
// alone: the id is drawn at each write and kept in an annotation of the part's own,
// so whatever else changes in the Secret makes no revision.
//
// The Secret need not be rotate's. It is made by the first write if it is not there.
type part struct {
	*store
	fields []string
	salt   []byte // of the ids of values that rotate did not write
}

// TakesField implements providers.FieldKeeper, by [k8s] ValidateSecret.
func (c *Config) TakesField(field string) bool { return len(validation.IsConfigMapKey(field)) == 0 }

// Marked implements providers.FieldKeeper.
func (c *Config) Marked(m providers.Marks) (providers.Marks, error) {
	with := c.with(m)
	return providers.Marks{Labels: with.Labels, Annotations: with.Annotations}, with.checkMarks()
}

// with is the config of an output with marks of its own.
func (c *Config) with(m providers.Marks) *Config {
	with := *c
	with.Labels, with.Annotations = over(c.Labels, m.Labels), over(c.Annotations, m.Annotations)
	return &with
}

// OpenPart implements providers.FieldKeeper.
func (c *Config) OpenPart(ctx context.Context, fields []string, m providers.Marks) (providers.Store, error) {
	s, err := c.with(m).Open(ctx)
	if err != nil || len(fields) == 0 {
		return s, err
	}
	return s.(*store).part(fields), nil
}

func (s *store) part(fields []string) *part {
	p := &part{store: s, fields: fields, salt: make([]byte, sha256.Size)}
	_, _ = rand.Read(p.salt) // never fails
	return p
}

// Traits implements providers.Store.
func (p *part) Traits() providers.Traits {
	t := p.store.Traits()
	t.Witness, t.Notes = false, []string{"Data keys that were lost are written anew: they are a rendering, not the truth."}
	return t
}

// A mark is what an annotation says of a part: the id of its last write, what tells
// whether the value is still of that write, and whose it is.
type mark struct {
	Write string `json:"write"`
	Check string `json:"check"`
	Note  note   `json:"note"`
}

// annotation is where the mark of a part is. Not every data key can stand in a name
// there, which has 63 characters.
func (p *part) annotation() string {
	const prefix = "keyrotate.github.io/part."
	if name := prefix + p.fields[0]; len(validation.IsQualifiedName(name)) == 0 {
		return name
	}
	sum := sha256.Sum256([]byte(p.fields[0]))
	return prefix + hex.EncodeToString(sum[:16])
}

// check names a value for those who know the salt and the value. It is short: who
// sees the annotation and not the data, as kubectl describe shows them, could try
// guesses of a weak key on it, and of 32 bits many guesses are left.
func check(salt, value []byte) string {
	h := hmac.New(sha256.New, salt)
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:4])
}

// value is what the data keys of the part hold, nil if none does.
func (p *part) value(object *kubeSecret) []byte {
	if len(p.fields) == 1 {
		return object.Data[p.fields[0]]
	}
	var laid []entry
	for _, field := range p.fields {
		if v := object.Data[field]; len(v) > 0 {
			laid = append(laid, entry{field, v})
		}
	}
	if laid == nil {
		return nil
	}
	return envOf(laid)
}

// revision is the part of a Secret as it was read; the zero one if it has none.
func (p *part) revision(object *kubeSecret, date time.Time) providers.Revision {
	v := p.value(object)
	if len(v) == 0 {
		return providers.Revision{}
	}
	h := hmac.New(sha256.New, p.salt)
	h.Write(v)
	rev := providers.Revision{ID: providers.RevisionID("unwritten-" + hex.EncodeToString(h.Sum(nil)[:16])), Value: providers.NewSecret(v), Service: date}
	var m mark
	switch {
	case json.Unmarshal([]byte(object.Annotations[p.annotation()]), &m) == nil && m.Write != "":
		rev.Note = m.Note.of()
		if m.Check == check([]byte(m.Write), v) {
			rev.ID = providers.RevisionID(m.Write)
		}
	case slices.Equal(ownKeys(object), p.fields): // an earlier version had all of the Secret
		rev.ID, rev.Note = providers.RevisionID(object.ResourceVersion), noteIn(object, noteAnnotation)
	}
	return rev
}

// find reads the Secret and the part of it. Where there is no Secret, the object is
// nil and the revision the zero one.
func (p *part) find(ctx context.Context, name string) (*kubeSecret, providers.Revision, error) {
	object, date, err := p.get(ctx, name)
	switch {
	case errors.Is(err, providers.ErrNotFound):
		return nil, providers.Revision{}, nil
	case err == nil:
		err = leaving(object)
	}
	if err != nil {
		return nil, providers.Revision{}, err
	}
	return object, p.revision(object, date), nil
}

// Read implements providers.Store.
func (p *part) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer p.dress(&err, "read", name)
	_, rev, err := p.find(ctx, name)
	if err == nil && rev.ID == "" {
		err = &providers.Error{Kind: providers.ErrNotFound}
	}
	return rev, err
}

// held is the Secret, if the caller saw the part as it is now and rotate may write
// there.
func (p *part) held(ctx context.Context, name string, saw providers.RevisionID) (*kubeSecret, error) {
	object, rev, err := p.find(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case rev.ID != saw:
		return nil, conflict(nil)
	case object == nil:
		return nil, nil
	}
	if err := changeable(object); err != nil {
		return nil, err
	}
	if own := ownKeys(object); len(own) > 0 && !slices.Equal(own, p.fields) {
		return nil, unsafe(fmt.Errorf("all of %s is one keyset or output of rotate", p.where(name)), "give the output another secret")
	}
	if owner := metav1.GetControllerOf(object); owner != nil && owner.UID != p.Owner.uid() {
		return nil, unsafe(fmt.Errorf("the %s %s makes %s, and would take rotate's data keys out of it", owner.Kind, owner.Name, p.where(name)), "give the output a secret of its own")
	}
	return object, nil
}

// tries is how often a part goes about one change: others may write to its Secret in between.
const tries = 5

// change calls send with the Secret, nil if there is none, while the caller saw the part as it is now. The API server
// takes the change of a Secret only as it was read, so what another part or a person writes in between is read as well,
// and the change is made of that.
func (p *part) change(ctx context.Context, name string, saw providers.RevisionID, send func(*kubeSecret) error) error {
	var lost error
	for range tries {
		object, err := p.held(ctx, name, saw)
		if err != nil {
			return err
		}
		if lost = send(object); !errors.Is(lost, providers.ErrConflict) {
			return lost
		}
	}
	return lost
}

// Write implements providers.Store.
func (p *part) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer p.dress(&err, "write", name)
	laid, err := p.lay(v.Reveal())
	if err != nil {
		return providers.Revision{}, err
	}
	m := mark{Write: rand.Text(), Note: asNote(n)}
	m.Check = check([]byte(m.Write), v.Reveal())
	text, err := json.Marshal(m)
	if err != nil {
		return providers.Revision{}, err
	}
	var date time.Time
	err = p.change(ctx, name, after, func(object *kubeSecret) error {
		send := p.update
		if object == nil {
			object, send = p.bare(name), p.made
			object.Labels = map[string]string{managedBy: manager}
		}
		p.clear(object)
		for _, e := range laid {
			object.Data[e.key] = e.value
		}
		p.mark(object)
		object.Annotations[p.annotation()] = string(text)
		date, err = send(ctx, object)
		return err
	})
	if err != nil {
		return providers.Revision{}, err
	}
	return providers.Revision{ID: providers.RevisionID(m.Write), Value: v, Note: n, Service: date}, nil
}

// made makes the Secret with what the part holds.
func (p *part) made(ctx context.Context, object *kubeSecret) (time.Time, error) {
	return p.create(ctx, object, false)
}

// lay takes a value apart into the data keys of the part.
func (p *part) lay(v []byte) ([]entry, error) {
	if len(p.fields) == 1 {
		return []entry{{p.fields[0], v}}, nil
	}
	laid := variables(v)
	same := func(e entry, field string) bool { return e.key == field }
	if !bytes.Equal(envOf(laid), v) || !slices.EqualFunc(laid, p.fields, same) {
		return nil, unsafe(fmt.Errorf("the value is not the variables %s", strings.Join(p.fields, ", ")), "")
	}
	return laid, nil
}

// clear takes the part out of a Secret.
func (p *part) clear(object *kubeSecret) {
	if object.Data == nil {
		object.Data = map[string][]byte{}
	}
	for _, field := range p.fields {
		delete(object.Data, field)
	}
	for _, annotation := range []string{p.annotation(), dataAnnotation, noteAnnotation, newestAnnotation} { // held: the last three are of the part, if they are there
		delete(object.Annotations, annotation)
	}
}

// History implements providers.Store: the head, if there is one.
func (p *part) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer p.dress(&err, "history", name)
	_, rev, err := p.find(ctx, name)
	if err != nil || rev.ID == "" {
		return nil, err
	}
	rev.Value = providers.Secret{}
	return []providers.Revision{rev}, nil
}

// Erase implements providers.Store: what is not the head was replaced by it.
func (p *part) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer p.dress(&err, "erase", name)
	_, rev, err := p.find(ctx, name)
	switch {
	case err != nil:
		return providers.Erasure{}, err
	case rev.ID != head || rev.ID == "" || id == head:
		return providers.Erasure{}, conflict(nil)
	}
	return providers.Erasure{How: providers.Replaced}, nil
}

// Remove implements providers.Remover: the data keys go, and the Secret stays.
func (p *part) Remove(ctx context.Context, name string, head providers.RevisionID) (err error) {
	defer p.dress(&err, "remove", name)
	return p.change(ctx, name, head, func(object *kubeSecret) error {
		if object == nil {
			return nil
		}
		p.clear(object)
		_, err := p.update(ctx, object)
		return err
	})
}
