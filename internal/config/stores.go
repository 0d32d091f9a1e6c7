package config

import (
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/providers"
)

// A storeSection is a store's options, of which `type` tells the form.
type storeSection struct {
	typ    string
	config providers.Config // nil if the type is not known
}

// read decodes the options into the struct that the registry has for the type.
func (s *storeSection) read(d *decoder, n *yaml.Node, path string) bool {
	if n.Kind != yaml.MappingNode {
		d.fail(d.at(n, path), "such as: {type: file, dir: ./keys}", "wants a type and its options, not %s", kindOf(n))
		return false
	}
	typ, options := d.splitType(n, path)
	known := slices.Sorted(maps.Keys(d.registry))
	if typ == nil {
		d.fail(d.at(n, path), didYouMean("", known), "has no type")
		return false
	}
	if !d.value(typ, reflect.ValueOf(&s.typ).Elem(), join(path, "type")) {
		return false
	}
	fresh, ok := d.registry[s.typ]
	if !ok {
		d.fail(d.at(typ, join(path, "type")), didYouMean(s.typ, known), "%s is not a type of store that this rotate has", d.say(s.typ))
		return false
	}
	s.config = fresh()
	return d.fields(options, reflect.ValueOf(s.config).Elem(), path) && s.finish(d, n, path)
}

// splitType takes `type` out of a mapping.
func (d *decoder) splitType(n *yaml.Node, path string) (typ, rest *yaml.Node) {
	others := *n
	others.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "type" {
			if d.once(n.Content[i], join(path, "type"), false) {
				typ = n.Content[i+1]
			}
			continue
		}
		others.Content = append(others.Content, n.Content[i], n.Content[i+1])
	}
	return typ, &others
}

// finish resolves paths and lets the store's own rules speak.
func (s *storeSection) finish(d *decoder, n *yaml.Node, path string) bool {
	if c, ok := s.config.(providers.Relocatable); ok {
		base, err := filepath.Abs(filepath.Dir(d.src.name))
		if err != nil {
			d.fail(d.at(n, path), "", "the working directory is not known: %v", err)
			return false
		}
		c.Relative(base)
	}
	if c, ok := s.config.(providers.Validator); ok {
		if err := c.Validate(); err != nil {
			d.refuse(err, n, path)
			return false
		}
	}
	return true
}

// refuse puts what a store says about its options where they are set. Its words
// may quote them.
func (d *decoder) refuse(err error, n *yaml.Node, path string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			d.refuse(one, n, path)
		}
		return
	}
	at, hint := d.at(n, path), ""
	var o providers.OptionError
	if errors.As(err, &o) {
		var name string
		name, hint = o.Option()
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				at = d.at(n.Content[i+1], join(path, name))
			}
		}
	}
	d.fail(at, d.redact(hint, n), "%s", d.redact(err.Error(), n))
}
