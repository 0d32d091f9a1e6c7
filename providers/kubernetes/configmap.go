package kubernetes

import (
	"cmp"
	"context"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// A ConfigMap is to this package a Secret that anybody in the namespace may read: get,
// create and update turn one into the other. Only public keys may be there
// (providers.PublicKeeper), each in a data key of its own (part.go).
const configMap = "ConfigMap"

func (c *Config) public() bool { return c.Kind == configMap }

// PublicOnly implements providers.PublicKeeper.
func (c *Config) PublicOnly() bool { return c.public() }

// noun is what kubectl calls one, and resource what the API calls all.
func (c *Config) noun() string     { return strings.ToLower(cmp.Or(c.Kind, "Secret")) }
func (c *Config) resource() string { return c.noun() + "s" }

// kindOf tells which of the two was read.
func kindOf(object *kubeSecret) string { return cmp.Or(object.Kind, "Secret") }

// body is what is sent of an object.
func (s *store) body(object *kubeSecret) any {
	if !s.public() {
		return object
	}
	out := &kubeConfigMap{ObjectMeta: object.ObjectMeta, Immutable: object.Immutable, Data: map[string]string{}, BinaryData: map[string][]byte{}}
	for key, v := range object.Data {
		out.Data[key] = string(v)
	}
	for key, v := range object.StringData {
		out.BinaryData[key] = []byte(v)
	}
	return out
}

// do makes one call, and fills the object in from its reply. What is binary in a
// ConfigMap is nobody's key: it stays in StringData, which no reply has.
func (s *store) do(ctx context.Context, r *rest.Request, object *kubeSecret, changes bool) (time.Time, error) {
	if !s.public() {
		return do(ctx, r, object, changes)
	}
	in := &kubeConfigMap{}
	date, err := do(ctx, r, in, changes)
	if err != nil {
		return date, err
	}
	*object = kubeSecret{ObjectMeta: in.ObjectMeta, Immutable: in.Immutable, Data: map[string][]byte{}, StringData: map[string]string{}}
	object.Kind = configMap
	for key, v := range in.Data {
		object.Data[key] = []byte(v)
	}
	for key, v := range in.BinaryData {
		object.StringData[key] = string(v)
	}
	return date, nil
}
