package format_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

func fill(t *testing.T, body string, alg keyset.Algorithm, s *keyset.Set) string {
	t.Helper()
	tmpl, err := format.ParseTemplate(body, alg)
	if err != nil {
		t.Fatal(err)
	}
	out, err := format.Templated.Render(s, format.Options{Template: tmpl})
	if err != nil {
		t.Fatal(err)
	}
	return string(out.Reveal())
}

func texts(s *keyset.Set) (all []string) {
	for _, k := range s.Keys {
		all = append(all, string(k.Text().Reveal()))
	}
	return all
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// The forms that frameworks document for rotating their secrets, read back the
// way they read them.
func TestTemplatesOfFrameworks(t *testing.T) {
	s := symmetric(t)
	all := texts(s)

	// Django settings: SECRET_KEY and SECRET_KEY_FALLBACKS (docs.djangoproject.com,
	// settings). JSON texts and lists are Python's, too.
	django := fill(t, "SECRET_KEY = {{json .current.text}}\nSECRET_KEY_FALLBACKS = {{json .fallbackTexts}}\n", keyset.HS256, s)
	first, second, _ := strings.Cut(strings.TrimSpace(django), "\n")
	var key string
	var fallbacks []string
	parseAfter(t, first, "SECRET_KEY = ", &key)
	parseAfter(t, second, "SECRET_KEY_FALLBACKS = ", &fallbacks)
	same(t, "Django", append([]string{key}, fallbacks...), all)

	// Auth.js (NextAuth 5): secret: [current, …old], newest first (authjs.dev, "rotation of
	// secrets"); express-session: secret: an array, the first signs
	// (expressjs.com/en/resources/middleware/session).
	var list []string
	parseAfter(t, fill(t, "{{json .texts}}", keyset.HS256, s), "", &list)
	same(t, "Auth.js and express-session", list, all)

	// Auth.js: AUTH_SECRET, AUTH_SECRET_1, AUTH_SECRET_2, …
	authjs := fill(t, "AUTH_SECRET={{.current.text}}\n{{range $i, $t := .fallbackTexts}}"+
		"{{if eq $i 0}}AUTH_SECRET_1={{$t}}\n{{else if eq $i 1}}AUTH_SECRET_2={{$t}}\n{{else if eq $i 2}}AUTH_SECRET_3={{$t}}\n{{end}}{{end}}", keyset.HS256, s)
	for i, name := range []string{"AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3"} {
		read, err := dotenv.Read([]byte(authjs), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, string(read.Value.Reveal()), all[i])
	}

	// Better Auth: BETTER_AUTH_SECRETS=VERSION:SECRET,… with the newest first
	// (better-auth.com, options, secrets). The time of issue is a version that stays.
	better := fill(t, "BETTER_AUTH_SECRETS={{range $i, $k := .keys}}{{if $i}},{{end}}{{$k.issued}}:{{$k.text}}{{end}}\n", keyset.HS256, s)
	var versioned []string
	seen := map[string]bool{}
	for _, part := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(better, "BETTER_AUTH_SECRETS="), "\n"), ",") {
		version, text, _ := strings.Cut(part, ":")
		if version == "" || strings.Trim(version, "0123456789") != "" || seen[version] {
			t.Errorf("Better Auth: version %q", version)
		}
		versioned, seen[version] = append(versioned, text), true
	}
	same(t, "Better Auth", versioned, all)

	// Rails: config/secrets.yml read with config_for; secret_key_base, and the old
	// ones for cookies_rotations (guides.rubyonrails.org, security).
	rails := fill(t, "shared:\n  secret_key_base: {{json .current.text}}\n  rotations: {{json .fallbackTexts}}\n", keyset.HS256, s)
	var shared struct {
		Shared struct {
			Base      string   `yaml:"secret_key_base"`
			Rotations []string `yaml:"rotations"`
		}
	}
	if err := yaml.Unmarshal([]byte(rails), &shared); err != nil {
		t.Fatal(err)
	}
	same(t, "Rails", append([]string{shared.Shared.Base}, shared.Shared.Rotations...), all)
}

func symmetricAlone(t *testing.T) *keyset.Set {
	return set(t, adopted(t, keyset.HS256, strings.Repeat("a", 43), "kid-a"))
}

func parseAfter(t *testing.T, text, prefix string, into any) {
	t.Helper()
	if !strings.HasPrefix(text, prefix) {
		t.Fatalf("%q does not begin with %q", text, prefix)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, prefix)), into); err != nil {
		t.Fatal(err)
	}
}

// nginx: ssl_session_ticket_key FILE has 80 or 48 random bytes; the file that is
// named first encrypts, the others decrypt (ngx_http_ssl_module).
func TestTemplateOfNginx(t *testing.T) {
	raw := func(c byte) keyset.Key {
		b := []byte(strings.Repeat(string(rune(c)), 79) + "\x80")
		b[0] = 0xff
		b[1] = 0
		k, err := keyset.NewSymmetric(string(rune(c)), keyset.Opaque, secret.New(b[:80]), keyset.Base64)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s := set(t, raw('a'), raw('b'), raw('c'))
	for body, kid := range map[string]string{
		"{{.current.bytes}}": "b",
		"{{with .next}}{{.bytes}}{{else}}{{$.current.bytes}}{{end}}":     "c",
		"{{with .previous}}{{.bytes}}{{else}}{{$.current.bytes}}{{end}}": "a",
	} {
		got := fill(t, body, keyset.Opaque, s)
		k, _ := s.Key(kid)
		if len(got) != 80 || got != string(k.VerifyKey().([]byte)) {
			t.Errorf("%s: %d bytes", body, len(got))
		}
	}
	// HAProxy has three in one file, a base64 line each, of which the last but one
	// encrypts (tls-ticket-keys).
	haproxy := fill(t, "{{with .previous}}{{base64 .bytes}}{{else}}{{base64 $.current.bytes}}{{end}}\n{{base64 .current.bytes}}\n{{with .next}}{{base64 .bytes}}{{else}}{{base64 $.current.bytes}}{{end}}\n", keyset.Opaque, s)
	lines := strings.Split(strings.TrimSpace(haproxy), "\n")
	if len(lines) != 3 || lines[1] != base64.StdEncoding.EncodeToString(s.Signing().VerifyKey().([]byte)) {
		t.Errorf("%q", lines)
	}
}

// Of pairs a template shows one private half at most: the signing one, and only
// where it is asked for.
func TestTemplateOfPairs(t *testing.T) {
	s := asymmetric(t)
	if got := fill(t, "{{json .texts}}", keyset.EdDSA, s); strings.Count(got, "PRIVATE") != 2 { // BEGIN and END
		t.Error("more than one private half")
	}
	for _, body := range []string{"{{.jwks}}", "{{.pem}}", "{{.current.public}}", `keys: {{join "" .fallbackTexts}}`, "{{range .keys}}{{.public}}{{end}}"} {
		if got := fill(t, body, keyset.EdDSA, s); strings.Contains(got, "PRIVATE") || strings.Contains(got, `"d"`) || got == "" {
			t.Errorf("%s shows what signs", body)
		}
	}
	same(t, "jwks", fill(t, "{{.jwks}}", keyset.EdDSA, s), string(render(t, format.JWKS, s)))
	same(t, "pem", fill(t, "{{.pem}}", keyset.EdDSA, s), string(render(t, format.PEM, s)))
}

func TestTemplateCarries(t *testing.T) {
	for body, want := range map[string][2]bool{
		"{{.current.text}}":                                    {false, false},
		"{{.current.kid}} {{.generation}} {{.name}}":           {false, false},
		"{{.current.text}}{{with .next}} {{.text}}{{end}}":     {true, false},
		"{{.current.text}}{{with .previous}} {{.text}}{{end}}": {false, true},
		"{{json .texts}}":                                      {true, true},
		`{{.current.text}},{{join "," .fallbackTexts}}`:        {true, true},
		"{{range .keys}}{{.kid}}:{{.text}};{{end}}":            {true, true},
		"{{.current.text}}{{if .next}}{{end}}":                 {false, false},
		"{{len .texts}} {{.current.text}}":                     {true, true},
		"{{.current.text}}{{if gt (len .keys) 9}}x{{end}}":     {false, false},
	} {
		tmpl, err := format.ParseTemplate(body, keyset.HS256)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if next, previous := format.Templated.Carries(format.Options{Template: tmpl}); next != want[0] || previous != want[1] {
			t.Errorf("%s: next %v, previous %v", body, next, previous)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	for body, want := range map[string]string{
		"{{.current.texx}}":              "there is no member",
		"{{.currant.text}}":              "there is no member",
		"{{.next.text}}":                 "with a current key alone",
		"{{.previous.text}}":             "with a current key alone",
		"{{.next}}":                      "a key that is not there cannot be printed",
		"{{.current}}":                   "a key cannot be printed",
		"{{.keys}}":                      "a list cannot be printed",
		"{{.texts}}":                     "a list cannot be printed",
		"{{eq 1 1}}":                     "true or false cannot be printed",
		"{{json .current}}":              "json takes a text",
		"{{json .next}}":                 "a key that is not there",
		`{{index .current "no"}}`:        "cannot be printed",
		"{{.jwks}}":                      "there is no member",
		"{{.current.public}}":            "there is no member",
		`{{printf "%v" .current}}`:       "there is no function printf",
		"{{print .current}}":             "there is no function print",
		"{{html .current.text}}":         "there is no function html",
		"{{call .current.text}}":         "there is no function call",
		"{{if (print .next)}}x{{end}}":   "there is no function print",
		"{{_printed .current.text}}":     "there is no function _printed",
		"{{env \"HOME\"}}":               "line 1",
		"{{.current.text":                "line 1",
		"x\n{{end}}":                     "line 2",
		"":                               "renders nothing",
		"no braces":                      "shows no key",
		"{{.generation}} {{.name}}":      "shows no key",
		"{{with .next}}{{.text}}{{end}}": "renders nothing",
		"{{define \"a\"}}{{.keys}}{{end}}{{template \"a\" .}}":   "a list cannot be printed",
		"{{define \"a\"}}{{print 1}}{{end}}{{template \"a\" .}}": "there is no function print",
	} {
		_, err := format.ParseTemplate(body, keyset.HS256)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "text-current") {
			t.Errorf("%s: %v; want %q", body, err, want)
		}
	}
	if _, err := format.ParseTemplate("{{.current.bytes}}", keyset.ES256); err == nil {
		t.Error("a pair has no bytes")
	}
	if _, err := format.Templated.Render(symmetric(t), format.Options{}); err == nil {
		t.Error("rendered without a template")
	}
}

// A template that was tried renders each set of its algorithm.
func FuzzTemplate(f *testing.F) {
	for _, body := range []string{"{{json .texts}}", "{{with .next}}{{.text}}{{end}}x", `{{join "," .fallbackTexts}}{{.current.kid}}`, "{{range $i, $k := .keys}}{{$i}}{{$k.alg}}{{end}}"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tmpl, err := format.ParseTemplate(body, keyset.HS256)
		if err != nil {
			return
		}
		for _, s := range []*keyset.Set{symmetric(t), symmetricAlone(t)} {
			out, err := format.Templated.Render(s, format.Options{Template: tmpl})
			if err == nil && (out.Len() == 0 || strings.Contains(string(out.Reveal()), "<no value>") && !strings.Contains(body, "<no value>")) {
				t.Errorf("%q", out.Reveal())
			}
		}
	})
}
