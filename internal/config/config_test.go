package config

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/trust"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

var update = flag.Bool("update", false, "write the golden files")

// fake is a type of store with an option of every kind.
type fake struct {
	files
	Region  string            `yaml:"region"`
	Retries int               `yaml:"retries"`
	Secure  bool              `yaml:"secure"`
	Timeout time.Duration     `yaml:"timeout"`
	Regions []string          `yaml:"regions"`
	Labels  map[string]string `yaml:"labels"`
	TLS     struct {
		CA string `yaml:"ca"`
	} `yaml:"tls"`
}

// files are options that several types of stores share.
type files struct {
	Dir   string `yaml:"dir" doc:"A folder."`
	Mode  string `yaml:"mode"`
	Group string `yaml:"group"`
}

func (f *fake) Open(context.Context) (providers.Store, error) { return memory.New(), nil }

func (f *fake) Relative(base string) {
	if f.Dir != "" && !filepath.IsAbs(f.Dir) {
		f.Dir = filepath.Join(base, f.Dir)
	}
}

func (f *fake) Validate() error {
	if f.Dir == "/forbidden" {
		return errors.New("dir is forbidden")
	}
	return nil
}

// fakeCluster is a type of store that keeps fields, with one value each.
type fakeCluster struct{ fake }

func (f *fakeCluster) TakesField(field string) bool { return !strings.Contains(field, "/") }

func (f *fakeCluster) OpenPart(context.Context, []string, providers.Marks) (providers.Store, error) {
	return memory.New(), nil
}

// Marked has one label of the store's own.
func (f *fakeCluster) Marked(m providers.Marks) (providers.Marks, error) {
	if _, ok := m.Labels["a/b/c"]; ok {
		return m, errors.New("labels: a/b/c is not a label that can be set")
	}
	labels := map[string]string{"team": "platform"}
	maps.Copy(labels, m.Labels)
	m.Labels = labels
	return m, nil
}

func (f *fakeCluster) OneValue() bool { return true }

func (f *fakeCluster) Rollout(context.Context, string, string, string) error { return nil }
func (f *fakeCluster) ProbeRollout(context.Context, string) error            { return nil }

func (f *fakeCluster) TakesWorkload(workload string) bool {
	return strings.HasPrefix(workload, "deployment/")
}

func (f *fakeCluster) PublicOnly() bool { return f.Region == "public" }

func registry() stores.Registry {
	return stores.Registry{"fake": func() providers.Config { return &fake{} }, "cluster": func() providers.Config { return &fakeCluster{} }}
}

// write puts files into a folder of the test's own.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Load(filepath.Join(write(t, map[string]string{"rotate.yaml": text}), "rotate.yaml"), registry())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every file in testdata is wrong, and its .txt is what the user reads.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, registry())
			var found strictyaml.Problems
			if !errors.As(err, &found) {
				t.Fatalf("%v; want Problems", err)
			}
			for _, p := range found {
				if p.File != file || p.Line < 1 || p.Column < 1 || p.Msg == "" {
					t.Errorf("a problem without its place: %+v", p)
				}
			}
			got := []byte(err.Error() + "\n")
			if bytes.Contains(got, []byte("canary")) {
				t.Errorf("a credential is quoted:\n%s", got)
			}
			golden(t, strings.TrimSuffix(file, "yaml")+"txt", got)
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestShortestConfig(t *testing.T) {
	c := load(t, "environment: production\nstores: {aws: {type: fake}}\nkeys: {auth-jwt: {store: aws}}")
	if c.Environment != "production" || len(c.Keys) != 1 || len(c.Warnings) != 0 || c.Stores["aws"].Type != "fake" {
		t.Fatalf("%+v", c)
	}
	got := c.Keys[0]
	want := Key{
		Name: "auth-jwt", Store: "aws", Secret: "production-auth-jwt",
		Spec: keygen.Spec{Algorithm: keyset.HS256, Encoding: keyset.Base64URL},
		Policy: rotation.Policy{
			Schedule: rotation.Every(90 * strictyaml.Day), Grace: 48 * time.Hour, Propagation: 2 * time.Hour,
			Jitter: got.Policy.Jitter,
		},
		Sync: time.Hour, Every: 90 * strictyaml.Day,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "45h55m") {
		t.Errorf("notes %q", c.Notes)
	}
}

func TestAllOptions(t *testing.T) {
	c := load(t, `
environment: test
stores:
  disk: {type: fake, dir: ./keys, mode: "0640", group: shop, region: r, retries: 3, secure: true, timeout: 1m,
         regions: [a, b], labels: {a: b}, tls: {ca: x}}
defaults: {store: disk, grace: 3s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 10s}, encoding: hex, bits: 4096, every: 6s}
keys:
  opaque: {algorithm: opaque, bytes: 48, prefix: sk_live_, secret: shop/a@b, encoding: base64}
  bytes: {algorithm: HS512, secret_as: bytes, token_ttl: 3s}
  rsa: {algorithm: PS256, schedule: "CRON_TZ=Europe/Berlin 0 3 1 */3 *", jitter: 0s}
  curve: {algorithm: ES256, schedule: "@every 1d"}
`)
	specs := map[string]keygen.Spec{
		"opaque": {Algorithm: keyset.Opaque, Bytes: 48, Prefix: "sk_live_", Encoding: keyset.Base64},
		"bytes":  {Algorithm: keyset.HS512, AsBytes: true, Encoding: keyset.Hex},
		"rsa":    {Algorithm: keyset.PS256, Bits: 4096},
		"curve":  {Algorithm: keyset.ES256},
	}
	keys := map[string]Key{}
	for _, k := range c.Keys {
		keys[k.Name] = k
		if k.Spec != specs[k.Name] {
			t.Errorf("%s: %+v, want %+v", k.Name, k.Spec, specs[k.Name])
		}
		if k.Policy.Grace != 3*time.Second || k.Policy.Propagation != 0 || k.Policy.Jitter != 0 || k.Sync != time.Second {
			t.Errorf("%s: %+v", k.Name, k)
		}
	}
	if k := keys["opaque"]; k.Secret != "shop/a@b" || k.Every != 6*time.Second || k.Schedule != "" {
		t.Errorf("%+v", k)
	}
	if k := keys["rsa"]; k.Every != 0 || k.Schedule != "CRON_TZ=Europe/Berlin 0 3 1 */3 *" {
		t.Errorf("%+v", k)
	}
	if k := keys["curve"]; k.Every != strictyaml.Day || k.Schedule != "" || k.Policy.Schedule != rotation.Every(strictyaml.Day) {
		t.Errorf("@every is not anchored: %+v", k)
	}
	if keys["bytes"].Policy.TokenTTL != 3*time.Second {
		t.Errorf("%+v", keys["bytes"])
	}
	f := c.Stores["disk"].Config.(*fake)
	if !filepath.IsAbs(f.Dir) || f.Mode != "0640" || f.Retries != 3 || !f.Secure || f.Timeout != time.Minute || len(f.Regions) != 2 || f.Labels["a"] != "b" || f.TLS.CA != "x" {
		t.Errorf("%+v", f)
	}
}

// A firing is the same moment wherever the program runs.
func TestScheduleIsUTCUnlessTold(t *testing.T) {
	for text, want := range map[string]string{
		"0 3 1 * *":                              "2024-07-01T03:00:00Z",
		"@monthly":                               "2024-07-01T00:00:00Z",
		"CRON_TZ=Europe/Berlin 0 3 1 * *":        "2024-07-01T01:00:00Z",
		"TZ=America/New_York   0 3 1 * *":        "2024-07-01T07:00:00Z",
		"CRON_TZ=Pacific/Kiritimati\t30 0 1 * *": "2024-06-30T10:30:00Z",
	} {
		s, err := parseSchedule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("x", 5*3600)} {
			from := time.Date(2024, 6, 15, 12, 0, 0, 0, time.UTC).In(zone)
			if got := s.Next(from).UTC().Format(time.RFC3339); got != want {
				t.Errorf("%s from %s: %s, want %s", text, from, got, want)
			}
		}
	}
}

func TestJitter(t *testing.T) {
	const window = 10 * time.Minute
	shares := map[time.Duration]bool{}
	for i := range 500 {
		s := share(window, "production", strings.Repeat("k", i))
		if s < 0 || s > window || s%time.Second != 0 || s != share(window, "production", strings.Repeat("k", i)) {
			t.Fatalf("share %s", s)
		}
		shares[s] = true
	}
	if len(shares) < 300 {
		t.Errorf("500 keys have %d shares of 601", len(shares))
	}
	if share(0, "production", "k") != 0 {
		t.Error("no window, but a share")
	}
	if share(window, "production", "k") == share(window, "staging", "k") && share(window, "production", "l") == share(window, "staging", "l") {
		t.Error("the environment does not count")
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, "environment: test\nstores: {d: {type: fake}}\nkeys:\n  a: {store: d, every: 365d, token_ttl: 1h}\n  b: {store: d, algorithm: opaque}\n")
	if len(c.Warnings) != 1 || c.Warnings[0].Line != 4 || c.Warnings[0].Path != "keys.a.every" || !strings.Contains(c.Warnings[0].Msg, "365d") {
		t.Errorf("warnings %v", c.Warnings)
	}
	if len(c.Notes) != 0 {
		t.Errorf("notes %q for a told token_ttl and for an opaque secret", c.Notes)
	}
}

// A template is read with the config, from where the config lies, and what it
// shows decides what its output carries.
func TestTemplates(t *testing.T) {
	dir := write(t, map[string]string{"k.tmpl": "A={{.current.text}}\n{{with .next}}B={{.text}}\n{{end}}", "rotate.yaml": `
environment: test
stores: {d: {type: fake}}
keys:
  k:
    store: d
    outputs:
      - {format: template, store: d, secret: a, template_file: k.tmpl}
      - format: template
        store: d
        secret: b
        template: |
          only {{.current.text}}
`})
	c, err := Load(filepath.Join(dir, "rotate.yaml"), registry())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]bool{{true, false}, {false, false}} {
		o := c.Keys[0].Outputs[i]
		if next, previous := o.Format.Carries(o.Options); next != want[0] || previous != want[1] {
			t.Errorf("%s: next %v, previous %v", o.Name, next, previous)
		}
	}
	if got := c.Keys[0].Outputs[1].Options.Template.String(); got != "only {{.current.text}}\n" {
		t.Errorf("%q", got)
	}
	if len(c.Notes) != 2 || !strings.Contains(c.Notes[1], "k: output d b: its template shows no next key") {
		t.Errorf("notes %q", c.Notes)
	}
}

// What a config's author has to know of readers is said, with the cure.
func TestReadersAreThoughtOf(t *testing.T) {
	c := load(t, `
environment: test
stores: {d: {type: fake}}
keys:
  pair: {store: d, algorithm: ES256, outputs: [{format: env, store: d, secret: a}, {format: value, store: d, secret: b}]}
  text: {store: d, outputs: [{format: env, store: d, secret: c}]}
  name: {store: d, algorithm: Ed25519}
  good: {store: d, algorithm: EdDSA}
`)
	var blind []string
	for _, note := range c.Notes {
		if strings.Contains(note, "docker") {
			blind = append(blind, note)
		}
	}
	if len(blind) != 1 || !strings.Contains(blind[0], "pair: output d a: docker --env-file cannot read a PEM") || !strings.Contains(blind[0], "format value") {
		t.Errorf("notes %q", blind)
	}
	if len(c.Warnings) != 1 || c.Warnings[0].Path != "keys.name.algorithm" || !strings.Contains(c.Warnings[0].Msg, "algorithm: EdDSA") {
		t.Errorf("warnings %v", c.Warnings)
	}
}

func TestFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"10-base.yaml":  "environment: test\nstores: {a: {type: fake, dir: k}}\ndefaults: {grace: 24h}",
		"20-more.yml":   "stores: {b: {type: fake}}\ndefaults: {store: b}",
		"30-keys.yaml":  "keys: {one: {store: a}}",
		"40-keys.yaml":  "keys: {two: }",
		"50-empty.yaml": "",
		".hidden.yaml":  "not: read",
		"README.md":     "not read",
	})
	c, err := Load(dir, registry())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Keys) != 2 || c.Keys[1].Store != "b" || c.Keys[0].Policy.Grace != 24*time.Hour || len(c.Stores) != 2 {
		t.Errorf("%+v", c)
	}
	if got := c.Stores["a"].Config.(*fake).Dir; got != filepath.Join(dir, "k") {
		t.Errorf("dir %s", got)
	}
}

func TestFolderRefusesTheSameTwice(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "environment: test\nstores: {d: {type: fake}}\ndefaults: {grace: 24h}\nkeys: {k: {store: d}}",
		"b.yaml": "environment: test\nstores: {d: {type: fake}}\ndefaults: {grace: 24h}\nkeys: {k: {store: d}}",
	})
	_, err := Load(dir, registry())
	var found strictyaml.Problems
	if !errors.As(err, &found) || len(found) != 4 {
		t.Fatalf("%v", err)
	}
	for _, p := range found {
		if filepath.Base(p.File) != "b.yaml" || !strings.Contains(p.Msg, "a.yaml:") {
			t.Errorf("%s names one file only", p)
		}
	}
}

func TestLoadCannotRead(t *testing.T) {
	for name, path := range map[string]string{
		"nothing there":   filepath.Join(t.TempDir(), "x.yaml"),
		"an empty folder": t.TempDir(),
	} {
		if _, err := Load(path, registry()); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	huge := filepath.Join(write(t, map[string]string{"huge.yaml": strings.Repeat("#\n", 1<<19+1)}), "huge.yaml")
	if _, err := Load(huge, registry()); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("a huge file: %v", err)
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	text := "environment: test\nstores: {d: {type: fake}}\nkeys:\n" + strings.Repeat("  k: {store: d}\n", 100)
	_, err := Load(filepath.Join(write(t, map[string]string{"r.yaml": text}), "r.yaml"), registry())
	var found strictyaml.Problems
	if !errors.As(err, &found) || len(found) != 99 {
		t.Fatalf("%d problems", len(found))
	}
	if said := err.Error(); strings.Count(said, "hint:") != strictyaml.MaxShown || !strings.Contains(said, "49 more: 99 mistakes") {
		t.Errorf("%s", said[len(said)-100:])
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	none := func(string) string { return "" }
	env := func(name string) string { return map[string]string{"ROTATE_CONFIG": "from-env"}[name] }
	if got, err := Find("from-flag", env); got != "from-flag" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Find("", env); got != "from-env" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat("/etc/rotate/rotate.yaml"); os.IsNotExist(err) {
		if _, err := Find("", none); err == nil || !strings.Contains(err.Error(), "/etc/rotate/rotate.yaml") {
			t.Errorf("%v", err)
		}
	}
	if err := os.WriteFile("rotate.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("", none); got != "rotate.yaml" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// The tags are the defaults that rotation and the docs speak of.
func TestDefaultGraceBounds(t *testing.T) {
	tag := func(field string) time.Duration {
		f, _ := reflect.TypeFor[graceBounds]().FieldByName(field)
		d, err := strictyaml.ParseDuration(f.Tag.Get("default"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if got := (rotation.GraceBounds{Min: tag("Min"), Max: tag("Max")}); got != rotation.DefaultGraceBounds {
		t.Errorf("%+v", got)
	}
}

func FuzzConfig(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range append(files, "../../config.example.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), "rotate.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, registry())
		if err == nil {
			if c.Environment == "" || len(c.Keys) == 0 {
				t.Fatal("a config without its least")
			}
			return
		}
		var found strictyaml.Problems
		if !errors.As(err, &found) || len(found) == 0 {
			t.Fatal(err)
		}
		lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
		for _, p := range found {
			if p.Line < 1 || p.Line > lines+1 || p.Column < 1 || p.Msg == "" || p.File != path {
				t.Fatalf("%+v of %d lines", p, lines)
			}
		}
	})
}

// A config that nobody named is taken only if nobody else could have put it there.
// One that was named is taken with a warning.
func TestAFoundConfigIsOnesOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	none := func(string) string { return "" }
	text := "environment: test\nstores: {m: {type: fake}}\nkeys: {one: {store: m}}\n"
	if err := errors.Join(os.WriteFile("rotate.yaml", []byte(text), 0o600), os.Chmod("rotate.yaml", 0o666)); err != nil {
		t.Fatal(err)
	}
	if trust.Check("rotate.yaml") == nil {
		t.Skip("the temporary folder is a volume of a container, or has no permissions")
	}
	_, err := Find("", none)
	var foreign *trust.Error
	if !errors.As(err, &foreign) || !strings.Contains(foreign.Why, "somebody else can change it: rotate.yaml has mode 0666") || !strings.Contains(foreign.Hint, "-c rotate.yaml") {
		t.Errorf("%v", err)
	}
	named, err := Find("rotate.yaml", none)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(named, registry())
	if err != nil || len(c.Warnings) != 1 || c.Warnings[0].String() != "rotate.yaml: somebody else can change the config: rotate.yaml has mode 0666: others may write it\n  hint: chmod go-w rotate.yaml" {
		t.Errorf("%v, %v", c, err)
	}
	if err := errors.Join(os.Remove("rotate.yaml"), syscall.Mkfifo("rotate.yaml", 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Find("", none); err == nil || !strings.Contains(err.Error(), "not a plain file") {
		t.Errorf("a pipe: %v", err)
	}
}

// An output has one way to make its readers read, and a note where nothing can note
// that they have.
func TestAfter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "rotate.yaml")
	const text = `environment: test
stores: {disk: {type: fake}, here: {type: cluster}}
keys:
  a:
    store: disk
    outputs:
      - {path: ./a}
      - {path: ./b, after: {systemd: 'shop@a\x2db.service'}}
      - {path: ./c, after: {signal: {pid_file: ./shop.pid}}}
      - {path: ./d, after: {exec: [/bin/reload, shop]}}
      - {store: here, secret: e, after: {kubernetes: deployment/shop}}
      - {store: disk, secret: f, after: {signal: {pid_file: /run/shop.pid, signal: USR1}}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, registry())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []after.Settings{
		{}, {Systemd: `shop@a\x2db.service`}, {PIDFile: filepath.Join(dir, "shop.pid"), Signal: "HUP"}, {Exec: []string{"/bin/reload", "shop"}},
		{Kubernetes: "deployment/shop"}, {PIDFile: "/run/shop.pid", Signal: "USR1"},
	} {
		if got := c.Keys[0].Outputs[i].After; !reflect.DeepEqual(got, want) {
			t.Errorf("output %d: %+v, want %+v", i, got, want)
		}
	}
	var notes []string
	for _, n := range c.Notes {
		if strings.Contains(n, "nothing in the store can note that after has run") {
			notes = append(notes, n)
		}
	}
	if len(notes) == 0 || !strings.Contains(notes[len(notes)-1], "output disk f: ") {
		t.Errorf("the notes are %q", notes)
	}
}
