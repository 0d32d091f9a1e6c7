package kubefake

import (
	"encoding/json"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// configMaps is their resource.
const configMaps = "configmaps"

// handleMap serves ConfigMaps. For what is tested here their rules are those of
// Secrets, but for the form of the data: a text in data, bytes in binaryData ([k8s]
// ValidateConfigMap). Of the Secret that stands for one StringData has the latter.
func (f *Fake) handleMap(r *http.Request, ns, object string, body []byte) (int, any) {
	var in corev1.ConfigMap
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return fail(apierrors.NewBadRequest("ConfigMap in version \"v1\" cannot be handled as a ConfigMap"))
		}
	}
	secret := &corev1.Secret{ObjectMeta: in.ObjectMeta, Immutable: in.Immutable, Data: map[string][]byte{}, StringData: map[string]string{}}
	for key, v := range in.Data {
		secret.Data[key] = []byte(v)
	}
	for key, v := range in.BinaryData {
		secret.StringData[key] = string(v)
	}
	if f.maps == nil {
		f.maps = map[string]*corev1.Secret{}
	}
	inner := &Fake{revision: f.revision, Secrets: f.maps, Namespaces: f.Namespaces, Quota: map[string]int{}, Deny: f.Deny}
	status, reply := inner.serve(r, ns, object, secret)
	f.revision = inner.revision
	switch reply := reply.(type) {
	case *corev1.Secret:
		out := &corev1.ConfigMap{ObjectMeta: reply.ObjectMeta, Immutable: reply.Immutable, Data: map[string]string{}, BinaryData: map[string][]byte{}}
		for key, v := range reply.Data {
			out.Data[key] = string(v)
		}
		for key, v := range reply.StringData {
			out.BinaryData[key] = []byte(v)
		}
		return status, out
	case metav1.Status:
		reply.Message = strings.ReplaceAll(reply.Message, "secrets ", configMaps+" ")
		return status, reply
	}
	return status, reply
}
