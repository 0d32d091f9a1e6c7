package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
)

// An outputSection is one output's options.
type outputSection struct {
	outputOptions
	at   strictyaml.Place
	file providers.Config // of the folder, where it is a file by its path
	path string           // of the file, absolute
	bad  bool             // reported already
}

// outputOptions are what may stand there.
type outputOptions struct {
	Format strictyaml.Option[format.Format] `yaml:"format" default:"keyset" doc:"What is written: keyset, value, env, list, jwks, pem or template; see docs/outputs.md."`
	Store  strictyaml.Option[string]        `yaml:"store" doc:"Name of the store that gets it; or path."`
	Secret strictyaml.Option[string]        `yaml:"secret" masked:"true" doc:"Name under which that store keeps it, never its value."`
	Path   strictyaml.Option[string]        `yaml:"path" doc:"The file that gets it, from this file's folder; instead of store and secret."`
	Mode   strictyaml.Option[string]        `yaml:"mode" doc:"Mode of the file at path: 0600 if not set, 0644 if it holds public keys only."`
	Group  strictyaml.Option[string]        `yaml:"group" doc:"Group of the file at path, by name or number."`
	Names  strictyaml.Option[envNames]      `yaml:"names" doc:"Names of the variables of format env."`

	DataKey strictyaml.Option[string] `yaml:"data_key" doc:"The data key of a Kubernetes Secret that gets it. The others stay as they are, and may be other keys'."`

	Labels      strictyaml.Option[map[string]string] `yaml:"labels" doc:"Labels of the Kubernetes Secret or ConfigMap, put on it at each write, over those of the store."`
	Annotations strictyaml.Option[map[string]string] `yaml:"annotations" doc:"Annotations of it, put on it at each write, over those of the store."`

	Template     strictyaml.Option[string] `yaml:"template" masked:"true" doc:"The text of format template: Go's text/template over the keys; docs/outputs.md lists what it can name."`
	TemplateFile strictyaml.Option[string] `yaml:"template_file" masked:"true" doc:"The file that has this text, from this file's folder; instead of template."`

	After strictyaml.Option[afterOptions] `yaml:"after" doc:"Makes readers read, once this output is written: one of systemd, kubernetes, signal and exec. Until it succeeds the output is behind."`
}

// envNames are the names of three variables.
type envNames struct {
	Current  strictyaml.Option[string] `yaml:"current" default:"JWT_SECRET" doc:"Of the key that signs."`
	Next     strictyaml.Option[string] `yaml:"next" doc:"Of the key that signs next; with _NEXT after it if not set."`
	Previous strictyaml.Option[string] `yaml:"previous" doc:"Of the key that signed before; with _PREVIOUS after it if not set."`
}

// fileType is the type of store whose options a file by its path shares.
const fileType = "file"

// read decodes the options. Those of a file are read once more, as those of the
// store of its folder, so that the same rules speak.
func (s *outputSection) Read(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	s.bad = !s.readOptions(d, n, path)
	return !s.bad
}

func (s *outputSection) readOptions(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	s.at = d.At(n, path)
	if n.Kind != yaml.MappingNode {
		d.Fail(s.at, "such as: {format: env, path: ./.env}", "wants options, not %s", strictyaml.KindOf(n))
		return false
	}
	s.Format.Value = format.Keyset
	if !d.Fields(n, reflect.ValueOf(&s.outputOptions).Elem(), path) {
		return false
	}
	if !s.Path.At.Known() {
		return true
	}
	written := s.Path.Value
	if written == "" || strings.HasPrefix(written, "~") || strings.Contains(written, "$") || strings.HasSuffix(written, "/") || filepath.Base(written) == ".." {
		d.Fail(s.Path.At, "write the whole path, or one that begins at this file's folder: ./.env; no shell replaces ~ and $ here", "is not the path of a file")
		return false
	}
	base, err := d.Base()
	if err != nil {
		d.Fail(s.Path.At, "", "the working directory is not known: %v", err)
		return false
	}
	if s.path = filepath.Clean(written); !filepath.IsAbs(written) {
		s.path = filepath.Join(base, written)
	}
	fresh, ok := d.Extra().(stores.Registry)[fileType]
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
	return d.Fields(folder, reflect.ValueOf(store.config).Elem(), strictyaml.Join(path, "path")) && store.finish(d, folder, path)
}

// output adds one to its key, if nothing is wrong with it.
func (r *resolver) output(k *Key, s outputSection) {
	if s.bad {
		return
	}
	before := r.Failed()
	o := Output{Store: s.Store.Value, Secret: s.Secret.Value, Format: s.Format.Value, Config: s.file}
	if s.Path.At.Known() {
		o.Secret = filepath.Base(s.path)
		r.onlyWith(s.Path.At, "path is set: keep one of the two", s.Store.At, s.Secret.At)
		if own, ok := s.file.(providers.Owner); ok && own.Owns(o.Secret) {
			r.Fail(s.Path.At, "give it another path", "is a file that rotate itself keeps beside a key: its lock, its witness, or its next text")
		}
	} else {
		r.outputStore(&o, s)
		r.onlyWith(s.at, "it is of the file at a path: the store has its own", s.Mode.At, s.Group.At)
	}
	r.outputField(&o, s)
	r.outputMarks(&o, s)
	r.outputPublic(o, s)
	r.outputFormat(&o, k, s)
	r.outputTemplate(&o, k, s)
	r.outputAfter(&o, s)
	if r.Failed() > before || r.Lacks("stores") {
		return
	}
	o.Name = o.Store + " " + o.Secret
	switch {
	case o.Store == "":
		o.Name = s.path
	case o.Field != "":
		o.Name += "#" + o.Field
	}
	for _, name := range r.placesOf(o, k) {
		if !r.outputPlace(o, k, s, name) {
			return
		}
	}
	k.Outputs = append(k.Outputs, o)
	r.outputNotes(o, k)
}

// outputPlace takes one of the places that an output writes, if it can be had.
func (r *resolver) outputPlace(o Output, k *Key, s outputSection, name string) bool {
	// What one name stands for in status and in the document is one output.
	apart := !slices.ContainsFunc(k.Outputs, func(other Output) bool { return other.Name == o.Name })
	id, parts := placeOf(fileType, filepath.Join(filepath.Dir(s.path), name)), o.Parts(*k)
	if o.Store != "" {
		if !r.takesName(o.Store, name, r.blame(s.at, s.Secret.At)) {
			return false
		}
		id = r.config.Place(o.Store, name)
	}
	other, named, ok := r.places.claim(id, k.Name, parts, apart)
	switch {
	case ok:
		return r.oneMode(id, o, s) && r.sameMarks(id, o, s)
	case named:
		r.Fail(r.blame(s.at, s.Names.At, s.DataKey.At), "give it another name: data_key, or names: {current: SESSION_SECRET} of format env", "the key %s has a variable or data key of the same name there already", other)
	default:
		r.Fail(s.at, "give it another secret: or path:", "the key %s has this place already: the two would overwrite each other", other)
	}
	return false
}

// oneMode holds the outputs that share a file to one mode and group: the last one that
// writes it would set its own.
func (r *resolver) oneMode(id [2]string, o Output, s outputSection) bool {
	if o.Store != "" {
		return true
	}
	text := fmt.Sprintf("%+v", o.Config)
	if other, ok := r.modes[id]; ok && other != text {
		r.Fail(r.blame(s.at, s.Mode.At, s.Group.At), "give all outputs in this file the same mode: and group:", "another output in this file has another mode or group")
		return false
	}
	r.modes[id] = text
	return true
}

// Parts is the variables or data keys that an output of a key has in a .env file or a
// Secret, of which the rest may be others'; nil if it has a place to itself.
func (o Output) Parts(k Key) []string {
	_, fields := o.Config.(providers.FieldKeeper)
	switch {
	case o.Field != "" && o.KeepsPrevious(k):
		return []string{o.Field, PreviousOf(o.Field)}
	case o.Field != "":
		return []string{o.Field}
	case o.Format == format.Env && (o.Store == "" || fields):
		return o.Options.Names()
	}
	return nil
}

// outputNotes says what follows from an output for those who read it.
func (r *resolver) outputNotes(o Output, k *Key) {
	note := func(format string, args ...any) {
		r.config.Notes = append(r.config.Notes, fmt.Sprintf("%s: output %s: %s", k.Name, o.Name, fmt.Sprintf(format, args...)))
	}
	if o.Format != format.JWKS && o.Format != format.PEM && forEveryone(o.Config) {
		note("%s", signsForEveryone)
	}
	if o.Format == format.Env && !k.Spec.Algorithm.Symmetric() {
		for _, reader := range format.PairBlind() {
			note("%s cannot read a PEM, which has line ends, and refuses the whole file; give it a file of format value, mounted", reader)
		}
	}
	if next, _ := o.Format.Carries(o.Options); o.Format == format.Templated && !next {
		note("its template shows no next key, so its readers learn of a key only when it signs already")
	}
	if text := afterNote(o); text != "" {
		note("%s", text)
	}
}

const signsForEveryone = "every user of the host may read it, and whoever reads it can sign; for one reader mode 0640 and a group are enough"

func forEveryone(c providers.Config) bool {
	shared, ok := c.(providers.Shared)
	return ok && shared.Everyone()
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
	if o.KeepsPrevious(*k) && o.Field == "" {
		return []string{o.Secret, PreviousOf(o.Secret)}
	}
	return []string{o.Secret}
}

func (r *resolver) onlyWith(at strictyaml.Place, hint string, options ...strictyaml.Place) {
	for _, o := range options {
		if o.Known() {
			r.Fail(o, hint, "does not belong here")
		}
	}
}

func (r *resolver) outputStore(o *Output, s outputSection) {
	known := slices.Sorted(maps.Keys(r.doc.Stores))
	store, ok := r.doc.Stores[o.Store]
	o.Config = store.config
	switch {
	case s.Store.Bad || r.Lacks("stores"):
	case !s.Store.At.Known():
		r.Fail(s.at, "such as: {format: env, path: ./.env}, or {store: NAME, secret: NAME, format: value}", "has neither a path nor a store")
	case !ok:
		r.Fail(s.Store.At, strictyaml.DidYouMean(o.Store, known), "there is no store %s", strictyaml.Quote(o.Store))
	}
	switch {
	case s.Secret.Bad || !s.Store.At.Known():
	case !s.Secret.At.Known():
		r.Fail(s.at, "add secret: the name under which the store keeps it", "has no secret")
	case !secretName(o.Secret):
		r.Fail(s.Secret.At, "secret is the name under which the store keeps it, never its value", "is not a name for a secret")
	}
}

// outputField takes the data key, if it is one.
func (r *resolver) outputField(o *Output, s outputSection) {
	at := s.DataKey.At
	if !at.Known() {
		return
	}
	keeper, ok := o.Config.(providers.FieldKeeper)
	switch {
	case s.Path.At.Known():
		r.Fail(at, "a Secret of Kubernetes has data keys", "does not belong here")
	case o.Format == format.Env:
		r.Fail(at, "format env has a data key for each variable: set names", "does not belong here")
	case !ok && o.Config != nil:
		r.Fail(at, "leave data_key out; of rotate's own types only kubernetes has them", "a store of this type has no data keys")
	case ok && !(keeper.TakesField(s.DataKey.Value) && keeper.TakesField(PreviousOf(s.DataKey.Value))):
		r.Fail(at, "letters, digits, - _ and ., at most 244, which leaves room for .previous", "is not the name of a data key")
	}
	o.Field = s.DataKey.Value
}

// outputPublic keeps what is not public out of a store that anybody can read.
func (r *resolver) outputPublic(o Output, s outputSection) {
	switch {
	case !publicOnly(o.Config):
	case o.Format != format.JWKS && o.Format != format.PEM:
		r.Fail(r.blame(s.at, s.Format.At), "take jwks or pem, or a store of Secrets", "this store is for public keys, and %s has more", o.Format)
	case o.Field == "":
		r.Fail(s.at, "such as data_key: jwks.json", "has no data_key, and this store wants one")
	}
}

// publicOnly reports whether anybody may read what a store holds.
func publicOnly(c providers.Config) bool {
	p, ok := c.(providers.PublicKeeper)
	return ok && p.PublicOnly()
}

// outputFormat holds the format against the key and the names.
func (r *resolver) outputFormat(o *Output, k *Key, s outputSection) {
	symmetric := k.Spec.Algorithm.Symmetric()
	if (o.Format == format.JWKS || o.Format == format.PEM) && symmetric {
		r.Fail(s.Format.At, "take keyset, list or env, or an algorithm with key pairs such as ES256", "%s holds public keys, and %s has none", o.Format, k.Spec.Algorithm)
	}
	if s.Names.At.Known() && o.Format != format.Env {
		r.Fail(s.Names.At, "only format env has variables", "does not belong here")
		return
	}
	if o.Format != format.Env {
		return
	}
	names := s.Names.Value
	o.Options = format.Options{Current: cmp.Or(names.Current.Value, "JWT_SECRET")}
	o.Options.Next = cmp.Or(names.Next.Value, o.Options.Current+"_NEXT")
	o.Options.Previous = cmp.Or(names.Previous.Value, o.Options.Current+"_PREVIOUS")
	all := o.Options.Names()
	for i, name := range all {
		if !format.IsVariable(name) || slices.Contains(all[:i], name) {
			r.Fail(r.blame(s.at, s.Names.At), "three different names of letters, digits and _, none beginning with a digit", "are not the names of three variables")
			return
		}
	}
}
