package kubernetes

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The four kinds of the API that this store knows, each with all of its members that
// rotate reads or writes. k8s.io/api/core/v1 has them, too, and with them every kind of
// the core: 4 MB of a binary. What an update would lose may not be left out of a Secret
// or a ConfigMap: these have all members.
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
// https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/config-map-v1/
// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-rules-review-v1/
// https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1/
type (
	kubeSecret struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata,omitempty"`
		Immutable         *bool             `json:"immutable,omitempty"`
		Data              map[string][]byte `json:"data,omitempty"`
		StringData        map[string]string `json:"stringData,omitempty"`
		Type              string            `json:"type,omitempty"`
	}
	kubeConfigMap struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata,omitempty"`
		Immutable         *bool             `json:"immutable,omitempty"`
		Data              map[string]string `json:"data,omitempty"`
		BinaryData        map[string][]byte `json:"binaryData,omitempty"`
	}
	rulesReview struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata,omitempty"`
		Spec              struct {
			Namespace string `json:"namespace,omitempty"`
		} `json:"spec"`
		Status struct {
			ResourceRules []resourceRule `json:"resourceRules"`
			Incomplete    bool           `json:"incomplete"`
		} `json:"status,omitempty"`
	}
	accessReview struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata,omitempty"`
		Spec              struct {
			ResourceAttributes attributes `json:"resourceAttributes"`
		} `json:"spec"`
		Status struct {
			Allowed bool `json:"allowed"`
		} `json:"status,omitempty"`
	}
)

// A resourceRule is what one rule of RBAC allows.
type resourceRule struct {
	Verbs         []string `json:"verbs"`
	APIGroups     []string `json:"apiGroups,omitempty"`
	Resources     []string `json:"resources,omitempty"`
	ResourceNames []string `json:"resourceNames,omitempty"`
}

// attributes are what an access review asks about.
type attributes struct {
	Namespace string `json:"namespace,omitempty"`
	Verb      string `json:"verb,omitempty"`
	Resource  string `json:"resource,omitempty"`
	Name      string `json:"name,omitempty"`
}

var (
	coreV1          = schema.GroupVersion{Version: "v1"}
	authorizationV1 = schema.GroupVersion{Group: "authorization.k8s.io", Version: "v1"}
)

// scheme is the one that the REST client encodes and decodes by.
func scheme() *runtime.Scheme {
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(coreV1.WithKind("Secret"), &kubeSecret{})
	known.AddKnownTypeWithName(coreV1.WithKind(configMap), &kubeConfigMap{})
	known.AddKnownTypeWithName(authorizationV1.WithKind("SelfSubjectRulesReview"), &rulesReview{})
	known.AddKnownTypeWithName(authorizationV1.WithKind("SelfSubjectAccessReview"), &accessReview{})
	metav1.AddToGroupVersion(known, coreV1) // Status, and the options of calls
	metav1.AddToGroupVersion(known, authorizationV1)
	return known
}

// DeepCopyObject implements runtime.Object.
func (s *kubeSecret) DeepCopyObject() runtime.Object {
	out := *s
	out.ObjectMeta = *s.ObjectMeta.DeepCopy()
	out.Immutable, out.Data, out.StringData = copyFlag(s.Immutable), copyBytes(s.Data), maps.Clone(s.StringData)
	return &out
}

// DeepCopyObject implements runtime.Object.
func (m *kubeConfigMap) DeepCopyObject() runtime.Object {
	out := *m
	out.ObjectMeta = *m.ObjectMeta.DeepCopy()
	out.Immutable, out.Data, out.BinaryData = copyFlag(m.Immutable), maps.Clone(m.Data), copyBytes(m.BinaryData)
	return &out
}

// DeepCopyObject implements runtime.Object. Nobody changes the rules of a reply, so the
// copy shares them.
func (r *rulesReview) DeepCopyObject() runtime.Object {
	out := *r
	out.ObjectMeta = *r.ObjectMeta.DeepCopy()
	out.Status.ResourceRules = slices.Clone(r.Status.ResourceRules)
	return &out
}

// DeepCopyObject implements runtime.Object.
func (r *accessReview) DeepCopyObject() runtime.Object {
	out := *r
	out.ObjectMeta = *r.ObjectMeta.DeepCopy()
	return &out
}

func copyFlag(flag *bool) *bool {
	if flag == nil {
		return nil
	}
	return new(*flag)
}

func copyBytes(of map[string][]byte) map[string][]byte {
	out := maps.Clone(of)
	for key, v := range out {
		out[key] = slices.Clone(v)
	}
	return out
}
