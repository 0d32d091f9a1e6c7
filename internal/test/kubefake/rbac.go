package kubefake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// An object of RBAC, as kubectl takes it.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Rules    []rbacv1.PolicyRule
	RoleRef  rbacv1.RoleRef
	Subjects []rbacv1.Subject
}

// Apply keeps the Roles and bindings of a text in YAML, and lets users have what the
// bindings give to the service accounts of their names. Whoever had something else
// loses it.
func (f *Fake) Apply(text string) error {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.rbac = nil
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("kubefake: %w", err)
		}
		f.rbac = append(f.rbac, o)
	}
	for _, b := range f.rbac {
		for _, s := range b.Subjects {
			f.Rules[s.Name] = nil
		}
	}
	for _, b := range f.rbac {
		for _, role := range f.rbac {
			if role.Kind != b.RoleRef.Kind || role.Metadata.Name != b.RoleRef.Name || role.Metadata.Namespace != b.Metadata.Namespace {
				continue
			}
			for _, s := range b.Subjects {
				f.Rules[s.Name] = append(f.Rules[s.Name], role.Rules...)
			}
		}
	}
	return nil
}

// handleGroup serves what is of a named group, by the parts of its path after /apis/.
func (f *Fake) handleGroup(user, method string, part []string) (int, any) {
	switch {
	case method == "PATCH" && len(part) == 6 && part[0] == "apps":
		return f.rollOut(user, part[3], part[4], part[5])
	case method == "GET" && len(part) == 5 && part[0] == rbacv1.GroupName:
		return f.objects(user, part[4], part[3])
	case method == "GET" && len(part) == 3 && part[0] == rbacv1.GroupName:
		return f.objects(user, part[2], "")
	}
	return fail(apierrors.NewNotFound(schema.GroupResource{Group: part[0]}, strings.Join(part, "/")))
}

// objects lists what Apply kept: GET …/rolebindings and the like.
func (f *Fake) objects(user, kind, namespace string) (int, any) {
	if !f.allowed(user, namespace, rbacv1.GroupName, kind, "list", "") {
		return fail(apierrors.NewForbidden(schema.GroupResource{Group: rbacv1.GroupName, Resource: kind}, "", fmt.Errorf("user %q cannot list resource %q", user, kind)))
	}
	items := []any{}
	for _, o := range f.rbac {
		if strings.ToLower(o.Kind)+"s" == kind && o.Metadata.Namespace == namespace {
			text, _ := json.Marshal(map[string]any{"metadata": map[string]any{"name": o.Metadata.Name, "namespace": namespace}, "rules": o.Rules, "roleRef": o.RoleRef, "subjects": o.Subjects})
			items = append(items, json.RawMessage(text))
		}
	}
	return http.StatusOK, map[string]any{"kind": "List", "apiVersion": "rbac.authorization.k8s.io/v1", "items": items}
}

// rollOut takes a merge patch of a workload, as `kubectl rollout restart` sends it. It
// is kept nowhere.
func (f *Fake) rollOut(user, namespace, kind, name string) (int, any) {
	if !f.allowed(user, namespace, "apps", kind, "patch", name) {
		return fail(apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: kind}, name, fmt.Errorf("user %q cannot patch resource %q in API group %q", user, kind, "apps")))
	}
	return http.StatusOK, map[string]any{"kind": "Deployment", "apiVersion": "apps/v1", "metadata": map[string]any{"name": name}}
}
