package kubernetes

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// A part of a Secret holds the contract of a store. Lose, Tamper and Restore are
// left out: what was lost is written anew, as of every output.
func TestPartContract(t *testing.T) {
	_, v := fakeServer()
	providertest.Run(t, v.partHarness())
}

func (v server) partHarness() providertest.Harness {
	return providertest.Harness{
		New: func(t testing.TB) providers.Store { return v.open(t, Config{}, "admin").part([]string{"JWT_SECRET"}) },
		Reopen: func(t testing.TB, s providers.Store) providers.Store {
			return v.open(t, Config{Namespace: s.(*part).Namespace}, "admin").part([]string{"JWT_SECRET"})
		},
		BadNames: []string{"A", "a_b", "a/b"},
	}
}

// partScenarios are what several outputs, people and controllers do to one Secret or
// ConfigMap. The fake and the real API server have to agree on each.
var partScenarios = map[string]func(*testing.T, server){
	"parts of one Secret":            partsOfOne,
	"parts that are written at once": partsAtOnce,
	"a part that is edited":          partEdited,
	"a part that was all of it":      partWasAll,
	"Secrets that take no part":      partRefused,
	"annotations of parts":           partAnnotations,
	"parts of a ConfigMap":           partsOfConfigMap,
	"labels of an output":            partMarks,
}

func TestPartScenarios(t *testing.T) {
	for what, play := range partScenarios {
		t.Run(what, func(t *testing.T) {
			_, v := fakeServer()
			play(t, v)
		})
	}
}

func three(name string) []string { return []string{name, name + "_NEXT", name + "_PREVIOUS"} }

func threeLines(name, text string) string {
	return name + "=" + text + "\n" + name + "_NEXT=" + text + "-next\n" + name + "_PREVIOUS='" + text + " previous'\n"
}

// Parts of one Secret have revisions of their own: what one writes, and what a person
// changes elsewhere in the Secret, changes no other's, and nothing of it is lost.
func partsOfOne(t *testing.T, v server) {
	whole := v.open(t, Config{Labels: map[string]string{"team": "shop"}}, "admin")
	secret := corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: whole.Namespace, Annotations: map[string]string{"a": "b"}},
		Data:       map[string][]byte{"DB_PASSWORD": []byte("mine"), "JWT_SECRET": nil},
	}
	v.admin(t, "POST", strings.TrimSuffix(at(whole.Namespace, ""), "/"), secret)
	one, two := whole.part(three("JWT_SECRET")), whole.part([]string{"jwks.json"})
	first := put(t, one, threeLines("JWT_SECRET", "one"), "", 1)
	second := put(t, two, `{"keys":[]}`, "", 7)
	v.edit(t, whole, name, func(o *corev1.Secret) {
		o.Data["DB_PASSWORD"], o.Data["OTHER"] = []byte("changed"), []byte("new")
		o.Labels["mine"], o.Annotations["a"] = "too", "c"
	})
	for _, s := range []struct {
		*part
		want providers.Revision
	}{{one, first}, {two, second}, {whole.part(three("JWT_SECRET")), first}} {
		got, err := s.Read(t.Context(), name)
		if err != nil || got.ID != s.want.ID || got.Note != s.want.Note || !got.Value.Equal(s.want.Value) {
			t.Errorf("%s: another's change made a revision of it: %v %v", s.fields[0], got, err)
		}
	}
	put(t, one, threeLines("JWT_SECRET", "two"), first.ID, 2)
	must(t, two.Remove(t.Context(), name, second.ID))
	object := v.object(t, whole, name)
	want := map[string]string{"DB_PASSWORD": "changed", "OTHER": "new", "JWT_SECRET": "two", "JWT_SECRET_NEXT": "two-next", "JWT_SECRET_PREVIOUS": "two previous"}
	for key, v := range object.Data {
		if want[key] != string(v) {
			t.Errorf("the data key %s is %q, want %q", key, v, want[key])
		}
	}
	if len(object.Data) != len(want) || object.Labels["mine"] != "too" || object.Labels["team"] != "shop" || object.Annotations["a"] != "c" || object.Labels[managedBy] != "" {
		t.Errorf("of others' things is left: %v %v, %d data keys", object.Labels, object.Annotations, len(object.Data))
	}
}

// Parts of one Secret that are written at one time, the first of which make it, all
// come to be. A change of the part itself in between is a conflict.
func partsAtOnce(t *testing.T, v server) {
	whole := v.open(t, Config{}, "admin")
	var late func() // runs once, between a read and the write after it
	conf := v.conf
	conf.BearerToken = "admin"
	conf.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if run := late; r.Method != http.MethodGet && run != nil {
			late = nil
			run()
		}
		return v.conf.Transport.RoundTrip(r)
	})
	slow, err := whole.connect(&conf)
	must(t, err)
	one, two := slow.part([]string{"k"}), whole.part([]string{"k.previous"})
	var other providers.Revision
	late = func() { other = put(t, two, "old", "", 1) }
	rev := put(t, one, "new", "", 1)
	late = func() { other = put(t, two, "older", other.ID, 2) }
	rev = put(t, one, "newer", rev.ID, 2)
	if got := v.object(t, whole, name).Data; len(got) != 2 || string(got["k"]) != "newer" || string(got["k.previous"]) != "older" {
		t.Errorf("it holds %q", got)
	}
	late = func() { put(t, two, "oldest", other.ID, 3) }
	must(t, one.Remove(t.Context(), name, rev.ID))
	if got := v.object(t, whole, name).Data; len(got) != 1 || string(got["k.previous"]) != "oldest" {
		t.Errorf("after it was removed it holds %q", got)
	}
	rev = put(t, one, "new", "", 4)
	late = func() { v.edit(t, whole, name, func(o *corev1.Secret) { o.Data["k"] = []byte("by hand") }) }
	if _, err := one.Write(t.Context(), name, providers.NewSecret([]byte("newer")), rev.ID, noteOf(5)); !errors.Is(err, providers.ErrConflict) {
		t.Errorf("a change of the part is no conflict: %v", err)
	}
	if got := v.object(t, whole, name).Data["k"]; string(got) != "by hand" {
		t.Errorf("it holds %q", got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a person puts into the data keys of a part is another revision, and the note
// goes on telling that the place is rotate's. Without an annotation it is a stranger's.
func partEdited(t *testing.T, v server) {
	s := v.open(t, Config{}, "admin").part([]string{"JWT_SECRET"})
	rev := put(t, s, "ours", "", 3)
	v.edit(t, s.store, name, func(o *corev1.Secret) { o.Data["JWT_SECRET"] = []byte("by hand") })
	if got, err := s.Read(t.Context(), name); err != nil || got.ID == rev.ID || got.Note != rev.Note {
		t.Errorf("edited: %v %v", got, err)
	}
	v.edit(t, s.store, name, func(o *corev1.Secret) { o.Annotations = nil })
	if got, err := s.Read(t.Context(), name); err != nil || got.Note != (providers.Note{}) {
		t.Errorf("without its annotation: %v %v", got, err)
	}
}

// An earlier version had all of a Secret. Its revision goes on counting, and the next
// write makes it a part.
func partWasAll(t *testing.T, v server) {
	whole := v.open(t, Config{}, "admin")
	rev := put(t, whole, threeLines("JWT_SECRET", "one"), "", 3)
	s := whole.part(three("JWT_SECRET"))
	got, err := s.Read(t.Context(), name)
	if err != nil || got.ID != rev.ID || got.Note != rev.Note || !got.Value.Equal(rev.Value) {
		t.Fatalf("%v %v", got, err)
	}
	put(t, s, threeLines("JWT_SECRET", "two"), rev.ID, 4)
	object := v.object(t, whole, name)
	for _, old := range []string{dataAnnotation, noteAnnotation, newestAnnotation} {
		if object.Annotations[old] != "" {
			t.Errorf("%s is still there", old)
		}
	}
}

// Secrets that no part may be in.
func partRefused(t *testing.T, v server) {
	immutable, controller := true, true
	for want, change := range map[string]func(*corev1.Secret){
		"is one keyset or output of rotate": func(o *corev1.Secret) {
			o.Annotations = map[string]string{dataAnnotation: "keyset,current,next,previous"}
		},
		"the Secret is immutable": func(o *corev1.Secret) { o.Immutable = &immutable },
		"the ExternalSecret app makes": func(o *corev1.Secret) {
			o.OwnerReferences = []metav1.OwnerReference{{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Name: "app", UID: "1", Controller: &controller}}
		},
	} {
		s := v.open(t, Config{}, "admin").part([]string{"JWT_SECRET"})
		secret := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}, Data: map[string][]byte{"OTHER": []byte("x")}}
		change(&secret)
		v.admin(t, "POST", strings.TrimSuffix(at(s.Namespace, ""), "/"), secret)
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("ours")), "", providers.Note{})
		if !errors.Is(err, providers.ErrUnsafe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Each data key that Kubernetes takes has an annotation of its own, which it takes,
// too.
func partAnnotations(t *testing.T, v server) {
	s, seen := v.open(t, Config{}, "admin"), map[string]bool{}
	for _, field := range []string{"a", "A", "a_", "_a", ".a", "-", strings.Repeat("a", 253), strings.Repeat("a", 252) + "b", "x.previous"} {
		if !(&Config{}).TakesField(field) {
			t.Errorf("%q is no data key", field)
		}
		p := s.part([]string{field})
		rev := put(t, p, "text", "", 1)
		seen[p.annotation()] = true
		if got, err := p.Read(t.Context(), name); err != nil || got.ID != rev.ID {
			t.Errorf("%q: %v", field, err)
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d annotations for 9 data keys", len(seen))
	}
	text, err := json.Marshal(v.object(t, s, name).Annotations)
	if err != nil || strings.Contains(string(text), "text") {
		t.Errorf("the annotations tell the value: %v", err)
	}
}

// Public keys in a ConfigMap: a part like those of Secrets, and what else is in the
// ConfigMap, binary data too, stays.
func partsOfConfigMap(t *testing.T, v server) {
	s := v.open(t, Config{Kind: configMap}, "rotate")
	maps := strings.Replace(at(s.Namespace, ""), "/secrets/", "/configmaps/", 1)
	rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "update"}}}
	v.grant(t, s.Namespace, rules)
	must(t, s.Probe(t.Context()))
	p := s.part([]string{"jwks.json"})
	rev := put(t, p, `{"keys":[]}`, "", 1)
	read := func() (object corev1.ConfigMap) {
		must(t, json.Unmarshal(v.admin(t, "GET", maps+name, nil), &object))
		return object
	}
	object := read()
	if object.Data["jwks.json"] != `{"keys":[]}` {
		t.Errorf("it holds %v", object.Data)
	}
	object.Data["app.conf"], object.BinaryData = "a=b", map[string][]byte{"logo": {0xff, 0}}
	v.admin(t, "PUT", maps+name, object)
	rev = put(t, p, `{"keys":[{}]}`, rev.ID, 2)
	if object = read(); object.Data["app.conf"] != "a=b" || string(object.BinaryData["logo"]) != "\xff\x00" || object.Data["jwks.json"] != `{"keys":[{}]}` {
		t.Errorf("it holds %v %v", object.Data, object.BinaryData)
	}
	if got, err := p.Read(t.Context(), name); err != nil || got.ID != rev.ID || got.Note != rev.Note {
		t.Errorf("%v %v", got, err)
	}
	must(t, p.Remove(t.Context(), name, rev.ID))
	if object = read(); len(object.Data) != 1 {
		t.Errorf("it holds %v", object.Data)
	}
	v.grant(t, s.Namespace, nil)
	_, err := p.Read(t.Context(), name)
	if err := s.Probe(t.Context()); !errors.Is(err, providers.ErrDenied) || !strings.Contains(err.Error(), "may not get, create, update configmaps") {
		t.Errorf("without rights: %v", err)
	}
	if !errors.Is(err, providers.ErrDenied) || !strings.Contains(err.Error(), "configmap "+s.Namespace+"/"+name) {
		t.Errorf("without rights: %v", err)
	}
}

// The labels and annotations of an output lie over those of its store, on a Secret of
// which it has a part, on one that it has alone, and on a ConfigMap.
func partMarks(t *testing.T, v server) {
	conf := Config{Labels: map[string]string{"team": "platform", "tier": "web"}, Annotations: map[string]string{"a": "store"}}
	own := providers.Marks{Labels: map[string]string{"team": "shop", "app": "x"}, Annotations: map[string]string{"b": "output"}}
	for _, kind := range []string{"Secret", configMap} {
		conf.Kind = kind
		s := v.open(t, *conf.with(own), "admin")
		put(t, s.part([]string{"k"}), "text", "", 1)
		var object metav1.PartialObjectMetadata
		must(t, json.Unmarshal(v.admin(t, "GET", strings.Replace(at(s.Namespace, name), "/secrets/", "/"+s.resource()+"/", 1), nil), &object))
		if l, a := object.Labels, object.Annotations; l["team"] != "shop" || l["tier"] != "web" || l["app"] != "x" || a["a"] != "store" || a["b"] != "output" {
			t.Errorf("%s: labels %v, annotations %v", kind, l, a)
		}
	}
	conf.Kind = ""
	s := v.open(t, *conf.with(own), "admin")
	put(t, s, "text", "", 1)
	if l := v.object(t, s, name).Labels; l["team"] != "shop" || l["tier"] != "web" {
		t.Errorf("a Secret of its own has %v", l)
	}
	if m, err := conf.Marked(own); err != nil || m.Labels["team"] != "shop" || m.Labels["tier"] != "web" || conf.Labels["team"] != "platform" {
		t.Errorf("%v %v, and the store's are %v", m, err, conf.Labels)
	}
	for want, m := range map[string]providers.Marks{
		`labels: "app.kubernetes.io/managed-by"`: {Labels: map[string]string{managedBy: "x"}},
		`labels: "team"`:                         {Labels: map[string]string{"team": "two words"}},
		`annotations: "keyrotate.github.io/x"`:   {Annotations: map[string]string{"keyrotate.github.io/x": "y"}},
	} {
		if _, err := conf.Marked(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
