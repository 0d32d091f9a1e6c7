package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// The rules of names. Environment and key together fit the strictest store's
// limit for a secret's name, 127 characters (Azure Key Vault). A secret's own name
// has at most maxSecret: counted in the pattern, that takes a millisecond to compile.
const maxSecret = 512

var (
	nameRule   = lazy.Regexp(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	secretRule = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9._/+=@-]*$`)
)

const nameHint = "use up to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"

// A resolver makes a Config of a document: it fills the defaults in and checks
// what no option can tell by itself.
type resolver struct {
	*strictyaml.Decoder
	doc    *document
	config *Config
	places places
	modes  map[[2]string]string            // of files that are outputs
	marks  map[[2]string]map[string]string // of secrets that outputs share, by kind and name
}

// resolve adds what is wrong to d's mistakes; the Config counts only if there
// are none.
func resolve(d *strictyaml.Decoder, doc *document) *Config {
	r := &resolver{
		Decoder: d, doc: doc, places: places{}, modes: map[[2]string]string{}, marks: map[[2]string]map[string]string{},
		config: &Config{Environment: doc.Environment.Value, Stores: map[string]Store{}},
	}
	file := d.Start()
	if env := doc.Environment; !env.At.Known() && !env.Bad {
		d.Fail(file, "such as: environment: production", "environment is not set")
	} else if !env.Bad && !nameRule().MatchString(env.Value) {
		d.Fail(env.At, nameHint, "%s is not a name", strictyaml.Quote(env.Value))
	}
	if len(doc.Keys) == 0 && !d.Lacks("keys") {
		d.Fail(file, "such as: keys: {auth-jwt: {store: disk}}", "there are no keys")
	}
	for name, s := range doc.Stores {
		r.checkName("stores", name)
		r.config.Stores[name] = Store{Type: s.typ, Config: s.config}
	}
	r.listen(doc.Listen)
	r.audit(doc.Audit.File)
	r.checkPair(&doc.Defaults)
	for _, name := range slices.Sorted(maps.Keys(doc.Keys)) {
		r.checkName("keys", name)
		r.config.Keys = append(r.config.Keys, r.key(name, doc.Keys[name]))
	}
	for i := range r.config.Keys { // after all keys: no output may lie where one of them does
		k := &r.config.Keys[i]
		for _, o := range doc.Keys[k.Name].Outputs.Value {
			r.output(k, o)
		}
	}
	r.checkPace()
	r.notify(doc.Notify)
	return r.config
}

func (r *resolver) checkName(section, name string) {
	if !nameRule().MatchString(name) {
		r.Fail(r.SetAt(strictyaml.Join(section, name)), nameHint, "is not a name")
	}
}

// key fills one key in, as far as what is set can be read.
func (r *resolver) key(name string, s keySection) Key {
	at := r.SetAt(strictyaml.Join("keys", name))
	r.checkPair(&s.shared)
	r.inherit(&s.shared)
	k := Key{
		Name: name, Store: s.Store.Value, Sync: s.Sync.Value,
		Secret: cmp.Or(s.Secret.Value, r.config.Environment+"-"+name),
		Spec: keygen.Spec{
			Algorithm: s.Algorithm.Value, Encoding: s.Encoding.Value, Bits: s.Bits.Value,
			Bytes: s.Bytes.Value, Prefix: s.Prefix.Value, AsBytes: s.SecretAs.Value == asBytes,
		},
		Chosen: s.Algorithm.At.Known(), Purpose: r.line(s.Purpose), Owner: r.line(s.Owner),
	}
	r.checkStore(&k, s, at)
	r.checkSecret(&k, s, at)
	r.checkSpec(k.Spec, &s.shared, at)
	if k.Spec.Algorithm == keyset.Ed25519 {
		r.Warn(r.blame(at, s.Algorithm.At), unknownName)
	}
	r.policy(&k, &s.shared, at)
	r.was(&k, s)
	k.Fresh = string(s.Fresh.Value)
	return k
}

// line takes a text of one line, which never is a secret.
func (r *resolver) line(o strictyaml.Option[string]) string {
	if o.At.Known() && !o.Bad && (len(o.Value) > 200 || strings.ContainsFunc(o.Value, unicode.IsControl) || strings.TrimSpace(o.Value) == "") {
		r.Fail(o.At, "a few words, such as: sessions of the shop", "is not a line of at most 200 bytes")
	}
	return o.Value
}

// checkPair: one section says when to rotate in one way.
func (r *resolver) checkPair(s *shared) {
	if s.twice() {
		r.Fail(s.Every.At, "keep one of the two", "schedule is set as well, in line %d", s.Schedule.At.Line)
	}
}

// twice reports whether schedule and every are both set.
func (s *shared) twice() bool { return s.Schedule.At.Known() && s.Every.At.Known() }

// inherit fills what the key does not set from the defaults section, and what
// that does not set from the tags. It passes over what does not concern the
// key: an encoding where all is PEM, an every where the key has a schedule.
func (r *resolver) inherit(s *shared) {
	inherited := reflect.ValueOf(r.doc.Defaults)
	own := reflect.ValueOf(s).Elem()
	timed := s.Schedule.At.Known() || s.Every.At.Known() || s.Schedule.Bad || s.Every.Bad
	for i := range own.NumField() {
		field, name := own.Field(i), own.Type().Field(i).Tag.Get("yaml")
		o, ok := field.Addr().Interface().(strictyaml.Optional)
		if !ok || o.Place().Known() || o.Refused() || timed && (name == "schedule" || name == "every") || !concerns(name, s.Algorithm.Value) {
			continue
		}
		field.Set(inherited.Field(i))
		if r.Lacks("defaults") && !o.Place().Known() {
			o.Spoil()
		}
		if text := own.Type().Field(i).Tag.Get("default"); !o.Place().Known() && !o.Refused() && text != "" {
			r.preset(text, reflect.ValueOf(o.Target()).Elem())
		}
	}
}

// concerns reports whether an option is of use to the algorithm. The algorithm
// itself stands before those that depend on it.
func concerns(option string, a keyset.Algorithm) bool {
	special := keygen.Options(keyset.Opaque)
	special = append(special, keygen.Options(keyset.RS256)...)
	return !slices.Contains(special, option) || slices.Contains(keygen.Options(a), option)
}

// preset reads a `default` tag as the config itself is read.
func (r *resolver) preset(text string, v reflect.Value) {
	r.Value(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, v, "")
}

func (r *resolver) checkStore(k *Key, s keySection, at strictyaml.Place) {
	known := slices.Sorted(maps.Keys(r.doc.Stores))
	switch store, ok := r.doc.Stores[k.Store]; {
	case ok && publicOnly(store.config):
		r.Fail(r.blame(at, s.Store.At), "give the key another store; this one is for outputs of the formats jwks and pem", "its store is for public keys, which anybody can read")
	case s.Store.Bad || ok || r.Lacks("stores"):
	case len(known) == 0:
		r.Fail(r.blame(at, s.Store.At), "such as: stores: {disk: {type: file, dir: ./keys}}", "there are no stores")
	case !s.Store.At.Known():
		r.Fail(at, "add store: with one of "+strings.Join(known, ", "), "has no store")
	default:
		r.Fail(s.Store.At, strictyaml.DidYouMean(k.Store, known), "there is no store %s", strictyaml.Quote(k.Store))
	}
}

// secretName reports whether a store could keep a secret under this name.
func secretName(s string) bool {
	return len(s) <= maxSecret && secretRule().MatchString(s) && !strings.Contains(s, "..") && !strings.Contains(s, "//") && !strings.Contains(s+"/", "/./")
}

// checkSecret never quotes what stands there: it might be a secret in fact.
func (r *resolver) checkSecret(k *Key, s keySection, at strictyaml.Place) {
	if s.Secret.Bad {
		return
	}
	if !secretName(k.Secret) {
		if s.Secret.At.Known() {
			r.Fail(s.Secret.At, "secret is the name under which the store keeps the keyset, never its value", "is not a name for a secret")
		}
		return
	}
	if s.Store.Bad || !r.takesName(k.Store, k.Secret, r.blame(at, s.Secret.At)) {
		return
	}
	if other, _, ok := r.places.claim(r.config.Place(k.Store, k.Secret), k.Name, nil, false); !ok {
		r.Fail(r.blame(at, s.Secret.At), "give one of them another secret: or store:", "its secret is that of the key %s, too: the two would overwrite each other", other)
	}
	if forEveryone(r.doc.Stores[k.Store].config) {
		r.config.Notes = append(r.config.Notes, fmt.Sprintf("%s: store %s: %s", k.Name, k.Store, signsForEveryone))
	}
}

// unknownName is about a name that is younger than most libraries (RFC 9864,
// jpadilla/pyjwt#1190).
const unknownName = "PyJWT, golang-jwt, go-jose, jwx, go-oidc and jjwt do not know the name Ed25519 and refuse its tokens; " +
	"algorithm: EdDSA is the same kind of key under the name that they know (RFC 8037)"

// checkSpec puts what keygen says about an option where that is set.
func (r *resolver) checkSpec(spec keygen.Spec, s *shared, at strictyaml.Place) {
	joined, ok := spec.Validate().(interface{ Unwrap() []error })
	if !ok || s.Algorithm.Bad {
		return
	}
	fields := strictyaml.FieldsOf(reflect.TypeFor[shared]())
	for _, err := range joined.Unwrap() {
		var o *keygen.OptionError
		if !errors.As(err, &o) {
			r.Fail(at, "", "%v", err)
			continue
		}
		option := reflect.ValueOf(s).Elem().FieldByIndex(fields.Index[o.Option]).Addr().Interface().(strictyaml.Optional)
		if !option.Refused() {
			r.Fail(r.blame(at, option.Place()), "", "%s", o.Msg)
		}
	}
}

// blame is the place to look at first: the key's own option before one of the
// defaults, and the key itself if neither set it.
func (r *resolver) blame(key strictyaml.Place, candidates ...strictyaml.Place) strictyaml.Place {
	for _, c := range candidates {
		if c.Known() && strings.HasPrefix(c.Path, "keys"+strictyaml.Separator) {
			return c
		}
	}
	for _, c := range candidates {
		if c.Known() {
			return c
		}
	}
	return key
}
