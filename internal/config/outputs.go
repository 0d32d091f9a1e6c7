package config

import (
	"cmp"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/providers"
)

// An outputSection is one output's options.
type outputSection struct {
	outputOptions
	at   place
	file providers.Config // of the folder, where it is a file by its path
	path string           // of the file, absolute
	bad  bool             // reported already
}

// outputOptions are what may stand there.
type outputOptions struct {
	Format option[format.Format] `yaml:"format" default:"keyset" doc:"What is written: keyset, value, env, list, jwks or pem; see rotate get --help."`
	Store  option[string]        `yaml:"store" doc:"Name of the store that gets it; or path."`
	Secret option[string]        `yaml:"secret" doc:"Name under which that store keeps it, never its value."`
	Path   option[string]        `yaml:"path" doc:"The file that gets it, from this file's folder; instead of store and secret."`
	Mode   option[string]        `yaml:"mode" doc:"Mode of the file at path: 0600 if not set, 0644 if it holds public keys only."`
	Group  option[string]        `yaml:"group" doc:"Group of the file at path, by name or number."`
	Names  option[envNames]      `yaml:"names" doc:"Names of the variables of format env."`
}

// envNames are the names of three variables.
type envNames struct {
	Current  option[string] `yaml:"current" default:"JWT_SECRET" doc:"Of the key that signs."`
	Next     option[string] `yaml:"next" doc:"Of the key that signs next; with _NEXT after it if not set."`
	Previous option[string] `yaml:"previous" doc:"Of the key that signed before; with _PREVIOUS after it if not set."`
}

// fileType is the type of store whose options a file by its path shares.
const fileType = "file"

// read decodes the options. Those of a file are read once more, as those of the
// store of its folder, so that the same rules speak.
func (s *outputSection) read(d *decoder, n *yaml.Node, path string) bool {
	s.bad = !s.readOptions(d, n, path)
	return !s.bad
}

func (s *outputSection) readOptions(d *decoder, n *yaml.Node, path string) bool {
	s.at = d.at(n, path)
	if n.Kind != yaml.MappingNode {
		d.fail(s.at, "such as: {format: env, path: ./.env}", "wants options, not %s", kindOf(n))
		return false
	}
	s.Format.value = format.Keyset
	if !d.fields(n, reflect.ValueOf(&s.outputOptions).Elem(), path) {
		return false
	}
	if !s.Path.at.known() {
		return true
	}
	written := s.Path.value
	if written == "" || strings.HasPrefix(written, "~") || strings.Contains(written, "$") || strings.HasSuffix(written, "/") || filepath.Base(written) == ".." {
		d.fail(s.Path.at, "write the whole path, or one that begins at this file's folder: ./.env; no shell replaces ~ and $ here", "is not the path of a file")
		return false
	}
	base, err := filepath.Abs(filepath.Dir(d.src.name))
	if err != nil {
		d.fail(s.Path.at, "", "the working directory is not known: %v", err)
		return false
	}
	if s.path = filepath.Clean(written); !filepath.IsAbs(written) {
		s.path = filepath.Join(base, written)
	}
	fresh, ok := d.registry[fileType]
	if !ok {
		return true
	}
	folder := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
	add := func(option string, value *yaml.Node) {
		folder.Content = append(folder.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: option, Line: value.Line, Column: value.Column}, value)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch value := n.Content[i+1]; n.Content[i].Value {
		case "path":
			add("dir", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: filepath.Dir(s.path), Line: value.Line, Column: value.Column})
		case "mode", "group":
			add(n.Content[i].Value, value)
		}
	}
	store := storeSection{typ: fileType, config: fresh()}
	s.file = store.config
	return d.fields(folder, reflect.ValueOf(store.config).Elem(), join(path, "path")) && store.finish(d, folder, path)
}

// output adds one to its key, if nothing is wrong with it.
func (r *resolver) output(k *Key, s outputSection) {
	if s.bad {
		return
	}
	before := len(r.mistakes)
	o := Output{Store: s.Store.value, Secret: s.Secret.value, Format: s.Format.value, Config: s.file}
	if s.Path.at.known() {
		o.Secret = filepath.Base(s.path)
		r.onlyWith(s.Path.at, "path is set: keep one of the two", s.Store.at, s.Secret.at)
	} else {
		r.outputStore(&o, s)
		r.onlyWith(s.at, "it is of the file at a path: the store has its own", s.Mode.at, s.Group.at)
	}
	r.outputFormat(&o, k, s)
	if len(r.mistakes) > before || r.broken["stores"] {
		return
	}
	o.Name = o.Store + " " + o.Secret
	if o.Store == "" {
		o.Name = s.path
	}
	for _, name := range r.placesOf(o, k) {
		id := r.where(o.Store, name)
		if o.Store == "" {
			id = [2]string{"type " + fileType, filepath.Join(filepath.Dir(s.path), name)}
		}
		if other, taken := r.secrets[id]; taken {
			r.fail(s.at, "give it another secret: or path:", "the key %s has this place already: the two would overwrite each other", r.named(other))
			return
		}
		r.secrets[id] = k.Name
	}
	k.Outputs = append(k.Outputs, o)
}

// PreviousOf is the name of the second secret that the format value keeps where
// a store keeps nothing of a value that was replaced.
func PreviousOf(secret string) string { return secret + ".previous" }

// KeepsPrevious reports whether the output has a second secret for the previous
// key. Of key pairs none is kept: what signed is dropped, and verifiers have
// other formats.
func (o Output) KeepsPrevious(k Key) bool {
	one, ok := o.Config.(providers.OneValued)
	return o.Format == format.Value && k.Spec.Algorithm.Symmetric() && ok && one.OneValue()
}

// placesOf is every secret that an output writes.
func (r *resolver) placesOf(o Output, k *Key) []string {
	if o.KeepsPrevious(*k) {
		return []string{o.Secret, PreviousOf(o.Secret)}
	}
	return []string{o.Secret}
}

func (r *resolver) onlyWith(at place, hint string, options ...place) {
	for _, o := range options {
		if o.known() {
			r.fail(o, hint, "does not belong here")
		}
	}
}

func (r *resolver) outputStore(o *Output, s outputSection) {
	known := slices.Sorted(maps.Keys(r.doc.Stores))
	store, ok := r.doc.Stores[o.Store]
	o.Config = store.config
	switch {
	case s.Store.bad || r.broken["stores"]:
	case !s.Store.at.known():
		r.fail(s.at, "such as: {format: env, path: ./.env}, or {store: NAME, secret: NAME, format: value}", "has neither a path nor a store")
	case !ok:
		r.fail(s.Store.at, didYouMean(o.Store, r.only(known)), "there is no store of this name")
	}
	switch {
	case s.Secret.bad || !s.Store.at.known():
	case !s.Secret.at.known():
		r.fail(s.at, "add secret: the name under which the store keeps it", "has no secret")
	case !secretName(o.Secret):
		r.fail(s.Secret.at, "secret is the name under which the store keeps it, never its value", "is not a name for a secret")
	}
}

// outputFormat holds the format against the key and the names.
func (r *resolver) outputFormat(o *Output, k *Key, s outputSection) {
	symmetric := k.Spec.Algorithm.Symmetric()
	if (o.Format == format.JWKS || o.Format == format.PEM) && symmetric {
		r.fail(s.Format.at, "take keyset, list or env, or an algorithm with key pairs such as ES256", "%s holds public keys, and %s has none", o.Format, k.Spec.Algorithm)
	}
	if s.Names.at.known() && o.Format != format.Env {
		r.fail(s.Names.at, "only format env has variables", "does not belong here")
		return
	}
	if o.Format != format.Env {
		return
	}
	names := s.Names.value
	o.Options = format.Options{Current: cmp.Or(names.Current.value, "JWT_SECRET")}
	o.Options.Next = cmp.Or(names.Next.value, o.Options.Current+"_NEXT")
	o.Options.Previous = cmp.Or(names.Previous.value, o.Options.Current+"_PREVIOUS")
	all := o.Options.Names()
	for i, name := range all {
		if !format.IsVariable(name) || slices.Contains(all[:i], name) {
			r.fail(r.blame(s.at, s.Names.at), "three different names of letters, digits and _, none beginning with a digit", "are not the names of three variables")
			return
		}
	}
}
