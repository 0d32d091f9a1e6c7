package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

// How a value lies in the data of a Secret:
//
//   - A keyset's document is the data key "keyset"; beside it "current", "next"
//     and "previous" repeat its members, for three secretKeyRefs.
//   - Lines NAME=value of an env file are a data key each, for envFrom.
//   - Any other value is the data key "value".
//
// An annotation lists the data keys that rotate wrote. Reading goes by it, and
// only what makes the same data again is taken for the value: data that
// somebody edited, or that rotate did not write, reads as it looks, the one
// text, or a JSON object of them all.
//
// Other data keys, labels and annotations stay as they are. A Secret without
// that annotation is somebody else's and is not written to, unless its label
// says that it was handed over.
const (
	managedBy = "app.kubernetes.io/managed-by" // https://kubernetes.io/docs/reference/labels-annotations-taints/
	manager   = "rotate"

	dataAnnotation   = "keyrotate.github.io/data"   // the data keys that rotate wrote
	noteAnnotation   = "keyrotate.github.io/note"   // of the value
	newestAnnotation = "keyrotate.github.io/newest" // the witness

	documentKey = "keyset"
	textKey     = "value"
)

var copies = []string{"current", "next", "previous"}

// An entry is one data key and what it holds.
type entry struct {
	key   string
	value []byte
}

// encode lays a value out.
func encode(v []byte) []entry {
	if d := document(v); d != nil {
		return d
	}
	if lines := variables(v); lines != nil && bytes.Equal(envOf(lines), v) {
		return lines
	}
	return []entry{{textKey, v}}
}

// decode is the value of data of which rotate wrote the keys own.
func decode(data map[string][]byte, own []string) ([]byte, error) {
	var laid []entry
	for _, key := range own {
		if v, ok := data[key]; ok {
			laid = append(laid, entry{key, v})
		}
	}
	switch {
	case len(own) == 0 && len(data) == 0:
		return nil, errors.New("the Secret has no data")
	case len(own) == 0:
		return asItLooks(data), nil
	case len(laid) == 0:
		return nil, errors.New("the Secret has lost its data: " + strings.Join(own, ", "))
	}
	v := laid[0].value
	if laid[0].key != documentKey && laid[0].key != textKey {
		v = envOf(laid)
	}
	same := func(a, b entry) bool { return a.key == b.key && bytes.Equal(a.value, b.value) }
	if len(laid) < len(own) || !slices.EqualFunc(encode(v), laid, same) {
		shown := map[string][]byte{}
		for _, e := range laid {
			shown[e.key] = e.value
		}
		v = jsonOf(shown)
	}
	if len(v) == 0 {
		return nil, errors.New("the Secret's data is empty")
	}
	return v, nil
}

// document lays a keyset out, nil if v is none.
func document(v []byte) []entry {
	var members map[string]json.RawMessage
	if json.Unmarshal(v, &members) != nil || members["keys"] == nil {
		return nil
	}
	laid := []entry{{documentKey, v}}
	for _, name := range copies {
		var text string
		if json.Unmarshal(members[name], &text) != nil || text == "" {
			return nil
		}
		laid = append(laid, entry{name, []byte(text)})
	}
	return laid
}

// variable is the first of an env file, as rotate renders it. In double quotes a
// value may go on over several lines.
var variable = lazy.Regexp(`^([A-Za-z_][A-Za-z0-9_]*)=(?:([A-Za-z0-9_./+=:@,-]+)|'([^'\n]+)'|"([^"]+)")\n`)

// variables takes an env file apart, nil if v is none.
func variables(v []byte) (all []entry) {
	for len(v) > 0 {
		part := variable().FindSubmatch(v)
		if part == nil || slices.ContainsFunc(all, func(e entry) bool { return e.key == string(part[1]) }) {
			return nil
		}
		all = append(all, entry{string(part[1]), slices.Concat(part[2], part[3], part[4])})
		v = v[len(part[0]):]
	}
	if len(all) == 0 || all[0].key == documentKey || all[0].key == textKey {
		return nil
	}
	return all
}

// envOf puts it together again, quoted where it has to be.
func envOf(all []entry) []byte {
	var b bytes.Buffer
	for _, e := range all {
		v := string(e.value)
		plain := variable().FindStringSubmatch(e.key + "=" + v + "\n")
		switch {
		case plain != nil && plain[2] == v: // as it is
		case !strings.ContainsAny(v, "'\n"):
			v = "'" + v + "'"
		default:
			v = `"` + v + `"`
		}
		b.WriteString(e.key + "=" + v + "\n")
	}
	return b.Bytes()
}

// asItLooks is the one text, or an object of several.
func asItLooks(data map[string][]byte) []byte {
	if len(data) == 1 {
		for _, v := range data {
			return v
		}
	}
	return jsonOf(data)
}

// ReadFields implements providers.FieldReader: the fields are the data keys.
func (s *store) ReadFields(ctx context.Context, name string) (_ map[string]providers.Secret, err error) {
	defer s.dress(&err, "read", name)
	object, _, err := s.get(ctx, name)
	if err != nil {
		return nil, err
	}
	fields := map[string]providers.Secret{}
	for key, v := range object.Data {
		fields[key] = providers.NewSecret(v)
	}
	return fields, nil
}

// jsonOf is JSON of data, whose texts can always be encoded.
func jsonOf(data map[string][]byte) []byte {
	texts := map[string]string{}
	for key, v := range data {
		texts[key] = string(v)
	}
	b, _ := json.Marshal(texts)
	return b
}

// ours says that rotate may write to a Secret: it did before, or was told to.
func ours(object *kubeSecret) bool {
	return len(ownKeys(object)) > 0 || object.Labels[managedBy] == manager
}

// fill puts a value and what belongs to it into a Secret.
func (s *store) fill(object *kubeSecret, v providers.Secret, n providers.Note) {
	if object.Data == nil {
		object.Data = map[string][]byte{}
	}
	old := ownKeys(object)
	if len(old) == 0 { // handed over
		old = slices.Collect(maps.Keys(object.Data))
	}
	for _, key := range old {
		delete(object.Data, key)
	}
	var keys []string
	for _, e := range encode(v.Reveal()) {
		object.Data[e.key] = e.value
		keys = append(keys, e.key)
	}
	newest := noteIn(object, newestAnnotation).Newest(n)
	s.mark(object)
	object.Labels[managedBy] = manager
	object.Annotations[dataAnnotation] = strings.Join(keys, ",")
	object.Annotations[noteAnnotation], object.Annotations[newestAnnotation] = textOf(n), textOf(newest)
}

// mark puts what the config asks for on a Secret: labels, annotations and an owner.
func (s *store) mark(object *kubeSecret) {
	object.Labels = over(object.Labels, s.Labels)
	object.Annotations = over(object.Annotations, s.Annotations)
	if o := s.Owner; o != (Owner{}) {
		ref := metav1.OwnerReference{APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Name, UID: o.uid()}
		if !slices.ContainsFunc(object.OwnerReferences, func(r metav1.OwnerReference) bool { return r.UID == ref.UID }) {
			object.OwnerReferences = append(object.OwnerReferences, ref)
		}
	}
}

// over lays maps over each other, the last on top.
func over(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

type note struct {
	Lineage    string `json:"lineage,omitempty"`
	Generation string `json:"generation,omitempty"`
	Digest     string `json:"digest,omitempty"`
}

func asNote(n providers.Note) note {
	if n == (providers.Note{}) {
		return note{}
	}
	return note{n.Lineage, strconv.FormatUint(n.Generation, 10), n.Digest}
}

func (n note) of() providers.Note {
	g, _ := strconv.ParseUint(n.Generation, 10, 64)
	return providers.Note{Lineage: n.Lineage, Generation: g, Digest: n.Digest}
}

func textOf(n providers.Note) string {
	b, _ := json.Marshal(asNote(n))
	return string(b)
}

func noteIn(object *kubeSecret, annotation string) providers.Note {
	var n note
	if json.Unmarshal([]byte(object.Annotations[annotation]), &n) != nil {
		return providers.Note{}
	}
	return n.of()
}
