package fleet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func load(t *testing.T, text string) (*config.Config, string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rotate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path, stores.Registry{"file": func() providers.Config { return &file.Config{} }})
	if err != nil {
		t.Fatal(err)
	}
	return conf, dir
}

const some = `environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys: {a: {outputs: [{path: ./jwt, format: value}, {store: disk, secret: copy}]}, b: {every: 30d}, a.b: {}}
`

func TestChoose(t *testing.T) {
	conf, _ := load(t, some)
	keys := Of(conf, nil)
	for _, c := range []struct {
		names []string
		all   bool
		want  string // names, or what the error says
	}{
		{nil, true, "a a.b b"}, {[]string{"b", "a", "b"}, false, "a b"},
		{nil, false, "which one?"}, {[]string{"a"}, true, "one of the two"}, {[]string{"c"}, false, `no key "c"`},
		{[]string{strings.Repeat("x", 64)}, false, "no key of the name given"},
	} {
		chosen, err := Choose(keys, c.names, c.all)
		var names []string
		for _, k := range chosen {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != c.want && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, all %v: %q, %v, want %q", c.names, c.all, got, err, c.want)
		}
	}
	if one, err := Choose(keys[:1], nil, false); err != nil || len(one) != 1 {
		t.Error("the only key is not chosen", err)
	}
}

// A digest changes with what the config says of its key, and with nothing else.
func TestDigest(t *testing.T) {
	digests := func(text string) map[string]string {
		conf, _ := load(t, text)
		all := map[string]string{}
		for _, k := range Of(conf, nil) {
			all[k.Name] = k.Digest
		}
		return all
	}
	const text = "environment: test\nstores: {disk: {type: file, dir: /srv/keys}}\ndefaults: {store: disk}\nkeys: {a: {}, b: {every: 30d}}\n"
	before, after := digests(text), digests(strings.Replace(text, "30d", "40d", 1))
	if before["a"] != after["a"] || before["b"] == after["b"] {
		t.Error("the digest of the wrong key has changed")
	}
	if moved := digests(strings.Replace(text, "/srv/keys", "/srv/other", 1)); moved["a"] == before["a"] {
		t.Error("the digest does not know the store's options")
	}
}

// A reload that finds the same outputs begins nothing anew, and one that finds
// another template does.
func TestDigestOfOutputs(t *testing.T) {
	dir := t.TempDir()
	tmpl, path := filepath.Join(dir, "k.tmpl"), filepath.Join(dir, "rotate.yaml")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {a: {store: disk, outputs: [{path: ./jwt, format: template, template_file: k.tmpl}]}}")
	digest := func() string {
		conf, err := config.Load(path, stores.Registry{"file": func() providers.Config { return &file.Config{} }})
		if err != nil {
			t.Fatal(err)
		}
		return Of(conf, nil)[0].Digest
	}
	write(tmpl, "{{json .texts}}")
	before := digest()
	if digest() != before {
		t.Error("the same config has another digest")
	}
	write(tmpl, "{{.current.text}}")
	if digest() == before {
		t.Error("nobody notices that a template changed")
	}
}

// A template of the current key alone keeps what a value keeps.
func TestTemplateOfOneKey(t *testing.T) {
	conf, _ := load(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk}\n"+
		"keys: {a: {outputs: [{path: ./one, format: template, template: '{{.current.text}}'}, {path: ./all, format: template, template: '{{json .texts}}'}]}}")
	one, all := Of(conf, nil)[0].Outputs[0], Of(conf, nil)[0].Outputs[1]
	if one.CarriesNext || !one.OneKey || !all.CarriesNext || all.OneKey {
		t.Errorf("%+v %+v", one, all)
	}
}

// What a document has on record is found by the place that status shows, with the
// secret of the previous key, and not where the config has an output still.
func TestWritten(t *testing.T) {
	conf, dir := load(t, some)
	k := Of(conf, nil)[0]
	old := filepath.Join(dir, "old")
	set := &keyset.Set{Outputs: []keyset.Output{
		{Name: old, Format: "value"}, {Name: config.PreviousOf(old), Format: "value"}, {Name: filepath.Join(dir, "jwt"), Format: "value"}, {Name: "disk gone", Format: "keyset"},
	}}
	for place, want := range map[string]int{old: 2, "disk gone": 1, filepath.Join(dir, "jwt"): 0, "disk never": 0} {
		if got := k.Written(set, place); len(got) != want {
			t.Errorf("%s: %v, want %d", place, got, want)
		}
	}
	t.Chdir(dir)
	if got := k.AsShown(set, "old"); got != old {
		t.Error(got)
	}
	if !k.Writes(filepath.Join(dir, "jwt")) || !k.Writes("disk copy") || k.Writes(old) {
		t.Error("it is not known which places are outputs")
	}
}

// What after names is run with the key's name and the output's, for the second secret of
// a value, too; and readers that are slow delay no other key.
func TestAfterOfAnOutput(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	conf, dir := load(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk}\n"+
		"keys: {a: {outputs: [{path: ./jwt, format: value, after: {exec: [/bin/sh, -c, 'echo $ROTATE_KEY $ROTATE_OUTPUT $ROTATE_REVISION >>"+seen+"']}}]}, b: {outputs: [{path: ./b}]}}")
	keys := Of(conf, nil)
	one, path := keys[0].Outputs, filepath.Join(dir, "jwt")
	if len(one) != 2 || one[0].After == nil || one[1].After == nil || keys[1].Outputs[0].After != nil {
		t.Fatalf("%+v", one)
	}
	if err := errors.Join(one[0].After(t.Context(), "r1"), one[1].After(t.Context(), "r2")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(seen)
	if want := "a " + path + " r1\na " + path + ".previous r2\n"; err != nil || string(got) != want {
		t.Errorf("it got %q, want %q: %v", got, want, err)
	}
	if got, want := strings.Join(keys[0].Schedule().OutputStores, ", "), path+", after "+path; got != want {
		t.Errorf("it shares %q, want %q", got, want)
	}
	if len(keys[0].Afters) != 1 || keys[0].Afters[path].Name != "exec /bin/sh" || len(keys[1].Afters) != 0 {
		t.Errorf("what can be tried: %v, %v", keys[0].Afters, keys[1].Afters)
	}
}

// A cluster is a type of store that keeps fields; it notes which ones are opened.
type cluster struct {
	Name   string `yaml:"name"`
	opened []string
}

func (c *cluster) Open(context.Context) (providers.Store, error) { return memory.New(), nil }
func (c *cluster) OneValue() bool                                { return true }
func (c *cluster) TakesField(string) bool                        { return true }

func (c *cluster) Marked(m providers.Marks) (providers.Marks, error) { return m, nil }

func (c *cluster) OpenPart(_ context.Context, fields []string, m providers.Marks) (providers.Store, error) {
	c.opened = append(c.opened, strings.TrimSpace(strings.Join(fields, " ")+" "+m.Labels["team"]))
	return memory.New(), nil
}

// Outputs in fields of a secret open these fields, those of the previous key of a
// value too, and so does what a document has on record of them.
func TestFieldsOfASecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rotate.yaml")
	text := "environment: test\nstores: {c: {type: cluster}}\nkeys: {a: {store: c, outputs: [{store: c, secret: app, format: value, data_key: jwt}, " +
		"{store: c, secret: env, format: env, names: {current: A}}, {store: c, secret: whole}, {store: c, secret: marked, labels: {team: shop}}]}}"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cluster{}
	conf, err := config.Load(path, stores.Registry{"cluster": func() providers.Config { return c }})
	if err != nil {
		t.Fatal(err)
	}
	k, names := Of(conf, nil)[0], []string{}
	for _, o := range k.Outputs {
		names = append(names, o.Name+" in "+o.Secret)
		if _, err := o.Store.History(t.Context(), o.Secret); err != nil {
			t.Error(err)
		}
	}
	for _, o := range []keyset.Output{{Name: "c old#jwt", Format: "list"}, {Name: "c old", Format: "env", Variables: []string{"B", "B_NEXT", "B_PREVIOUS"}}, {Name: "c old", Format: "list"}} {
		out, err := k.OpenWritten(t.Context(), o)
		if err != nil || out.Secret != "old" {
			t.Errorf("%v: %q, %v", o, out.Secret, err)
			continue
		}
		if _, err := out.Store.History(t.Context(), out.Secret); err != nil {
			t.Error(err)
		}
	}
	if got, want := strings.Join(names, ", "), "c app#jwt in app, c app#jwt.previous in app, c env in env, c whole in whole, c marked in marked"; got != want {
		t.Errorf("outputs %s, want %s", got, want)
	}
	if got, want := strings.Join(c.opened, ", "), "jwt, jwt.previous, A A_NEXT A_PREVIOUS, shop, jwt, B B_NEXT B_PREVIOUS"; got != want {
		t.Errorf("fields %s, want %s", got, want)
	}
}

// Patterns find the keys whose names they fit, each once; a name that is no key's, and a pattern that fits none, are
// mistakes.
func TestMatch(t *testing.T) {
	var keys []*Key
	for _, name := range []string{"auth-a", "auth-b", "billing", "mail.out"} {
		keys = append(keys, &Key{Target: engine.Target{Name: name}})
	}
	for _, c := range []struct {
		patterns string
		want     string // names, or a part of the error
		fails    bool
	}{
		{"", "auth-a auth-b billing mail.out", false},
		{"auth-* billing", "auth-a auth-b billing", false},
		{"*", "auth-a auth-b billing mail.out", false},
		{"auth-? auth-a", "auth-a auth-b", false},
		{"auth-[b-z]", "auth-b", false},
		{"mail*", "mail.out", false},
		{"x*", `no key has a name like "x*"`, true},
		{"auth-* nope", `there is no key "nope"`, true},
		{"auth-[a", "is no pattern", true},
		{"Zm7qXw3kRt9pLv2n*", `no key has a name like "Zm7qXw3kRt9pLv2n*"`, true},
	} {
		got, err := Match(keys, strings.Fields(c.patterns))
		var names []string
		for _, k := range got {
			names = append(names, k.Name)
		}
		if c.fails && (err == nil || !strings.Contains(err.Error(), c.want)) || !c.fails && (err != nil || strings.Join(names, " ") != c.want) {
			t.Errorf("%s: %v, %v; want %s", c.patterns, names, err, c.want)
		}
	}
}
