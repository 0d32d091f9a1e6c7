package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation"
)

// again is the value of fresh: rotation.FreshOnce, or the lineage that has ended.
type again string

// Read takes true, or a lineage as rotate makes them.
func (a *again) Read(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	const least = 8 // fewer characters are a mistake, such as yes
	if once := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" && n.Value == rotation.FreshOnce; !once &&
		(n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || len(n.Value) < least) {
		d.Fail(d.At(n, path), "true the first time; after that the whole lineage that rotate status shows of the key that was removed", "is neither true nor a lineage")
		return false
	}
	*a = again(n.Value)
	return true
}

// Describe tells a schema both.
func (*again) Describe(*strictyaml.Form) *strictyaml.JSONSchema {
	return &strictyaml.JSONSchema{AnyOf: []strictyaml.JSONSchema{{Type: "boolean"}, {Type: "string", MinLength: 8}}}
}
