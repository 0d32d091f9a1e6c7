package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
)

// A storeSection is a store's options, of which `type` tells the form.
type storeSection struct {
	typ    string
	config providers.Config // nil if the type is not known
}

// read decodes the options into the struct that the registry has for the type.
func (s *storeSection) Read(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	if n.Kind != yaml.MappingNode {
		d.Fail(d.At(n, path), "such as: {type: file, dir: ./keys}", "wants a type and its options, not %s", strictyaml.KindOf(n))
		return false
	}
	typ, options := splitType(d, n, path)
	types := d.Extra().(stores.Registry)
	known := slices.Sorted(maps.Keys(types))
	if typ == nil {
		d.Fail(d.At(n, path), strictyaml.DidYouMean("", known), "has no type")
		return false
	}
	if !d.Value(typ, reflect.ValueOf(&s.typ).Elem(), strictyaml.Join(path, "type")) {
		return false
	}
	fresh, ok := types[s.typ]
	if !ok {
		d.Fail(d.At(typ, strictyaml.Join(path, "type")), strictyaml.DidYouMean(s.typ, known), "unknown store type %s", strictyaml.Quote(s.typ))
		return false
	}
	s.config = fresh()
	return d.Fields(options, reflect.ValueOf(s.config).Elem(), path) && s.finish(d, n, path)
}

// splitType takes `type` out of a mapping.
func splitType(d *strictyaml.Decoder, n *yaml.Node, path string) (typ, rest *yaml.Node) {
	others := *n
	others.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "type" {
			if d.Once(n.Content[i], strictyaml.Join(path, "type"), false) {
				typ = n.Content[i+1]
			}
			continue
		}
		others.Content = append(others.Content, n.Content[i], n.Content[i+1])
	}
	return typ, &others
}

// finish resolves paths and lets the store's own rules speak.
func (s *storeSection) finish(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	if c, ok := s.config.(providers.Relocatable); ok {
		base, err := d.Base()
		if err != nil {
			d.Fail(d.At(n, path), "", "the working directory is not known: %v", err)
			return false
		}
		c.Relative(base)
	}
	if c, ok := s.config.(providers.Validator); ok {
		if err := c.Validate(); err != nil {
			refuse(d, err, n, path)
			return false
		}
	}
	return true
}

// refuse puts what a store says about its options where they are set. Its words may
// quote them.
func refuse(d *strictyaml.Decoder, err error, n *yaml.Node, path string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			refuse(d, one, n, path)
		}
		return
	}
	at, hint := d.At(n, path), ""
	var o providers.OptionError
	if errors.As(err, &o) {
		var name string
		name, hint = o.Option()
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				at = d.At(n.Content[i+1], strictyaml.Join(path, name))
			}
		}
	}
	d.Fail(at, d.Redact(hint, n, path), "%s", d.Redact(err.Error(), n, path))
}
