package kubernetes

import (
	"reflect"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
)

// members is the JSON names and types of a struct.
func members(of reflect.Type) map[string]string {
	all := map[string]string{}
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all[name] = f.Type.Kind().String()
	}
	return all
}

// An update sends what was read: a member that our own type lacks would be lost. And
// what is asked of an authorizer is what it answers.
func TestObjectsHaveAllMembers(t *testing.T) {
	for _, pair := range []struct{ ours, theirs reflect.Type }{
		{reflect.TypeFor[kubeSecret](), reflect.TypeFor[corev1.Secret]()},
		{reflect.TypeFor[kubeConfigMap](), reflect.TypeFor[corev1.ConfigMap]()},
		{reflect.TypeFor[resourceRule](), reflect.TypeFor[authorizationv1.ResourceRule]()},
	} {
		if ours, theirs := members(pair.ours), members(pair.theirs); !reflect.DeepEqual(ours, theirs) {
			t.Errorf("%v has %v, %v has %v", pair.ours, ours, pair.theirs, theirs)
		}
	}
	theirs := members(reflect.TypeFor[authorizationv1.ResourceAttributes]())
	for name, kind := range members(reflect.TypeFor[attributes]()) {
		if theirs[name] != kind {
			t.Errorf("%s is no attribute", name)
		}
	}
}

// A copy shares nothing that a caller changes.
func TestObjectsAreCopied(t *testing.T) {
	yes := true
	s := &kubeSecret{Immutable: &yes, Data: map[string][]byte{"a": []byte("x")}, StringData: map[string]string{"b": "y"}}
	c := s.DeepCopyObject().(*kubeSecret)
	c.Data["a"][0], c.StringData["b"], *c.Immutable = 'z', "z", false
	if string(s.Data["a"]) != "x" || s.StringData["b"] != "y" || !*s.Immutable {
		t.Errorf("the original is %+v", s)
	}
	m := &kubeConfigMap{Data: map[string]string{"a": "x"}, BinaryData: map[string][]byte{"b": []byte("y")}}
	d := m.DeepCopyObject().(*kubeConfigMap)
	d.Data["a"], d.BinaryData["b"][0] = "z", 'z'
	if m.Data["a"] != "x" || string(m.BinaryData["b"]) != "y" || m.Immutable != nil {
		t.Errorf("the original is %+v", m)
	}
}
