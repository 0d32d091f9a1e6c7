package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/rotation/keyset"
)

const exampleFile = "../../config.example.yaml"

// option lines of the example are commented out with a # and no space.
var commentedOut = regexp.MustCompile(`(?m)^( *)#(\S)`)

func readExample(t *testing.T) (asItStands, allOptions []byte) {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return data, commentedOut.ReplaceAll(data, []byte("$1$2"))
}

func exampleRegistry() stores.Registry {
	return stores.Registry{"file": func() providers.Config { return &fake{} }, "kubernetes": func() providers.Config { return &fakeCluster{} }}
}

func TestExampleLoads(t *testing.T) {
	asItStands, all := readExample(t)
	c, err := Load(exampleFile, exampleRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Keys) != 1 || c.Keys[0].Policy.Propagation != 0 || c.Keys[0].Policy.Jitter != 0 || len(c.Warnings) > 0 {
		t.Errorf("%+v", c)
	}
	if want, _ := filepath.Abs("../../keys"); c.Stores["disk"].Config.(*fake).Dir != want {
		t.Errorf("%+v", c.Stores["disk"])
	}
	if reflect.DeepEqual(asItStands, all) {
		t.Fatal("no option is commented out")
	}
	dir := write(t, map[string]string{"rotate.yaml": string(all), "keys.py.tmpl": "KEYS = {{json .texts}}\n"})
	if c, err = Load(filepath.Join(dir, "rotate.yaml"), exampleRegistry()); err != nil {
		t.Fatal(err)
	}
	if len(c.Keys) != 3 || len(c.Warnings) > 0 {
		t.Errorf("%+v", c)
	}
}

// Every option that exists is shown, and nothing that does not exist.
func TestExampleShowsEveryOption(t *testing.T) {
	_, all := readExample(t)
	var shown map[string]any
	if err := yaml.Load(all, &shown); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	collect(shown, names)
	for _, typ := range []reflect.Type{reflect.TypeFor[document](), reflect.TypeFor[keySection](), reflect.TypeFor[graceBounds](), reflect.TypeFor[outputOptions](), reflect.TypeFor[envNames](), reflect.TypeFor[afterOptions](), reflect.TypeFor[signalOptions](), reflect.TypeFor[listenOptions](), reflect.TypeFor[tlsOptions](), reflect.TypeFor[notifySection](), reflect.TypeFor[heartbeatSection](), reflect.TypeFor[receiverSection](), reflect.TypeFor[signSection]()} {
		for _, name := range strictyaml.FieldsOf(typ).Names {
			if !names[name] {
				t.Errorf("%s is not in %s", name, exampleFile)
			}
		}
	}
}

func collect(v any, names map[string]bool) {
	if m, ok := v.(map[string]any); ok {
		for name, value := range m {
			names[name] = true
			collect(value, names)
		}
	}
	if list, ok := v.([]any); ok {
		for _, value := range list {
			collect(value, names)
		}
	}
}

func TestSchema(t *testing.T) {
	schema := resolved(t)
	asItStands, all := readExample(t)
	for _, text := range [][]byte{asItStands, all, []byte("environment: x\nkeys: \n"), []byte("listen: :9797"), []byte("listen: {address: :9797, serve: [keys]}"), []byte("listen: [:9797]"), []byte("stores: {disk: {type: file, labels: {Example.com/Team: x}}}")} {
		if err := validate(t, schema, text); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{
		"environmnt: test",
		"environment: 5",
		"stores: {disk: {dir: x}}",
		"stores: {disk: {type: file, password: x}}",
		"stores: {disk: {type: unknown}}",
		"keys: {Bad Name: {}}",
		"keys: {a: {algorithm: none}}",
		"keys: {a: {grace: 48}}",
		"keys: {a: {grace: 48x}}",
		"keys: {a: {bits: many}}",
		"defaults: {secret: x}",
		"listen: 9797",
		"listen: [{serve: [probes]}]",
		"listen: [{address: :9797, serve: [pages]}]",
		"listen: {address: :9797, port: 9797}",
	} {
		if err := validate(t, schema, []byte(text)); err == nil {
			t.Errorf("the schema takes %s", text)
		}
	}
}

// Editors show the members in the order in which they are printed: that of the
// options in the config, not of the alphabet.
func TestSchemaAsPrinted(t *testing.T) {
	type sample struct {
		Stores    map[string]storeSection             `yaml:"stores" doc:"Places that keep keysets."`
		Algorithm strictyaml.Option[keyset.Algorithm] `yaml:"algorithm" default:"HS256" doc:"Signs & <verifies>."`
	}
	got, err := json.MarshalIndent(formOf(registry()).Schema(reflect.TypeFor[sample]()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "schema.json"), got)
}

// Everything that it describes is described.
func TestSchemaDescribes(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[document](), reflect.TypeFor[keySection](), reflect.TypeFor[graceBounds](), reflect.TypeFor[outputOptions](), reflect.TypeFor[envNames](), reflect.TypeFor[afterOptions](), reflect.TypeFor[signalOptions](), reflect.TypeFor[notifySection](), reflect.TypeFor[heartbeatSection](), reflect.TypeFor[receiverSection](), reflect.TypeFor[signSection]()} {
		for _, option := range formOf(nil).Schema(typ).Properties {
			if option.Schema.Description == "" {
				t.Errorf("%s has no doc", option.Name)
			}
		}
	}
}

func TestDurationPattern(t *testing.T) {
	pattern := regexp.MustCompile(strictyaml.DurationPattern)
	for _, s := range []string{"90d", "1d12h", "2w", "1h30m", "0s", "500ms", "1.5h", "", "48", "1h1d", "-1h", "x", time.Hour.String()} {
		_, err := strictyaml.ParseDuration(s)
		if got := s != "" && pattern.MatchString(s); got != (err == nil) {
			t.Errorf("%q: schema %v, parser %v", s, got, err)
		}
	}
}

func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	data, err := Schema(exampleRegistry())
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func validate(t *testing.T, s *jsonschema.Resolved, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Load(text, &v); err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}
