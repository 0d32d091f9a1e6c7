package config

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// host is a type of store whose words quote its options, and that tells where
// secrets are.
type host struct {
	Dir  string `yaml:"dir"`
	Mode string `yaml:"mode"`
	Pin  string `yaml:"pin" masked:"true"`
}

func (h *host) Open(context.Context) (providers.Store, error) { return memory.New(), nil }
func (h *host) Where(secret string) string                    { return filepath.Join("/", h.Dir, secret) }

type hostError struct{ mode string }

func (e hostError) Error() string         { return fmt.Sprintf("mode %q is not a mode", e.mode) }
func (e hostError) Option() (_, _ string) { return "mode", "leave " + e.mode + " out" }
func (h *host) Validate() error {
	if h.Mode != "" && h.Mode != "0600" {
		return errors.Join(hostError{h.Mode})
	}
	return nil
}

func hosts() stores.Registry {
	r := registry()
	r["host"] = func() providers.Config { return &host{} }
	return r
}

func mistakes(t *testing.T, text string) strictyaml.Problems {
	t.Helper()
	return mistakesAt(t, filepath.Join(t.TempDir(), "rotate.yaml"), text)
}

func mistakesAt(t *testing.T, path, text string) strictyaml.Problems {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, hosts())
	var found strictyaml.Problems
	if err != nil && !errors.As(err, &found) {
		t.Fatal(err)
	}
	return found
}

// Every place of a config that can hold key material, one at a time, takes a key;
// nothing that is printed has it. Such places are the options with masked:"true",
// what is no option, comments, and a text where a section belongs.
func TestNoKeyIsShown(t *testing.T) {
	const whole = `environment: staging
stores:
  disk: {type: host, dir: ./keys, pin: @x@, regions: [@a@, @b@], junk: @x@}  # @remark@
  other:
    type: fake
    auth: {token: @x@}
    password:
      - @eu@
defaults: {store: disk, grace: 24h, token_ttl: 15m, passphrase: @x@}
keys:
  one: {store: disk, secret: @shop/one@, algorithm: HS256, bytes: 32, graze: @24h@, outputs: [{format: template, template: @x@, path: ./a}, {store: disk, secret: @one@}]}
  two: @nothing@
  three:
    schedule: "0 3 1 */3 *"
    prefix: @sk_@
    algorithm: opaque
    grace_bounds: @x@
    outputs: [{path: ./b, format: value, after: {exec: [@/bin/x@, @y@]}}]
  four: [@x@]
listen: {address: ":99999", token_file: @t@, tls: {cert_file: c, key_file: @k@}}
notify: {to: {chat: {url: @u@}, file: {url_file: @f@, sign: {secret_file: @s@}}}}
outputs: @none@
more: @x@
`
	path := filepath.Join(t.TempDir(), "rotate.yaml")
	pieces := strings.Split(whole, "@") // the odd ones are places
	for _, broken := range []string{"", "  x: [\n", "\t\n", "y: *alias\n", "z: &anchor 1\n", "---\na: b\n", "q: \"open\n"} {
		for at := 1; at < len(pieces); at += 2 {
			for n, canary := range canaries() {
				for _, quote := range []string{"", `"`, "'"} {
					if broken != "" && (n > 1 || quote != "") {
						continue // what differs then is the place, not the value
					}
					filled := append([]string(nil), pieces...)
					filled[at] = quote + canary + quote
					text := strings.Join(filled, "") + broken
					said := mistakesAt(t, path, text).Error()
					if form := leaks(said, canary); form != "" {
						t.Fatalf("%s of %s is printed:\n%s\n%s", form, canary, text, said)
					}
				}
			}
		}
	}
	for _, canary := range canaries() {
		for _, text := range []string{
			"JWT_SECRET=" + canary, "JWT_SECRET: " + canary, "export A=" + canary + "\nB='x: y'\n", canary, "- " + canary, "root:" + canary + ":19000:0:99999:7:::\nbin:*:1:\n",
			"environment: test\nkeys: {a: {secret: \"" + canary + "\n}}", "environment: test\nkeys:\n  a: " + canary + ": x: y\n", "environment: test\npem: |\n  " + canary + "\n x: y",
			"environment: test\nkeys: {a: {grace: >\n      " + canary + "\n}}", "secret: *" + canary, "environment: &" + canary + " x", "environment: !" + canary + " x", "environment: !!" + canary + " x",
			"%" + canary + "\nenvironment: x", "environment: test\n" + canary, "environment: test\nkeys: {a: {prefix: \"\\" + canary + "\"", "environment: test\nkeys: {a: {secret: " + canary + ", gracee: 1}}",
		} {
			said := mistakesAt(t, path, text).Error()
			if n := leaks(said, canary); n != "" {
				t.Errorf("%s of %s is printed:\n%s\n%s", n, canary, text, said)
			}
		}
	}
}

// canaries are four keys that people set, and random ones as tools print them.
func canaries() []string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return []string{
		"supersecretpassword", "12345678901234567890123456789012", "abc123", "mycompany2026",
		base64.RawURLEncoding.EncodeToString(b), base64.StdEncoding.EncodeToString(b), hex.EncodeToString(b),
	}
}

// leaks is a part of the canary, 12 characters long, that was said.
func leaks(said, canary string) string {
	size := min(12, len(canary))
	for i := 0; i+size <= len(canary); i++ {
		if strings.Contains(said, canary[i:i+size]) {
			return canary[i : i+size]
		}
	}
	return ""
}

// A file that is something else is one problem, and nothing of it is shown.
func TestForeignFile(t *testing.T) {
	for _, text := range []string{
		"JWT_SECRET=x\nB=y\n", "A: b\nC: d\n", "root:*:19000:0:99999:7:::\nbin:*:1:\n", "- a\n- b\n", "A='x: y'\nB: [\n", "apiVersion: v1\nkind: Secret\ndata: {a: b}\n", "{\"kty\": \"oct\", \"k\": \"x\"}", "-----BEGIN PRIVATE KEY-----\nMIGH\n",
	} {
		found := mistakes(t, text)
		if len(found) != 1 || found[0].Excerpt != "" || !strings.Contains(found[0].Msg, "not a config") {
			t.Errorf("%s\n%v", text, found)
		}
	}
}

// Messages name what was typed: every name, and the value of every option that
// cannot hold key material. What a terminal would act on is escaped.
func TestWhatWasTypedIsShown(t *testing.T) {
	for text, want := range map[string][]string{
		"keys: {Payments Key: {store: disk}}":                  {`keys."Payments Key": is not a name`, `{Payments Key: {store: disk}}`},
		"keys: {a: {every: weekly}}":                           {`keys.a.every: "weekly" is not a duration`, `{every: weekly}`},
		"keys: {a: {every: 0 3 * * *}}":                        {`keys.a.every: "0 3 * * *" is not a duration`, "hint: that is a schedule; write it as schedule: \"0 3 * * *\""},
		"keys: {a: {schedule: 90d}}":                           {"write it as every: 90d"},
		"keys: {a: {every: \"@weekly\"}}":                      {`hint: that is a schedule; write it as schedule: "@weekly"`},
		"keys: {a: {grace: \"1 2 3 4 5\"}}":                    {"hint: write it like 30s"},
		"keys: {a: {algorithm: Hs-256-Sha}}":                   {`unknown value "Hs-256-Sha"`},
		"keys: {a: {store: dsk, secret: shop-jwt}}":            {`there is no store "dsk"`, "did you mean disk?", "{store: dsk, secret: …}"},
		"keys: {a: {outputs: [{path: /run/x, mode: rw}, {}]}}": {"{path: /run/x, mode: rw}"},
		"keys: {a: {rotateEveryNinetyDays: yes}}":              {"keys.a.rotateEveryNinetyDays: unknown option", "{rotateEveryNinetyDays: …}"},
		"keys: {a: {every: \"we\u202eekly\"}}":                 {`"we\u202eekly" is not a duration`, `{every: "we?ekly"}`},
		"keys: {a: {every: " + strings.Repeat("x", 200) + "}}": {`"` + strings.Repeat("x", 100) + `…" is not a duration`},
		"keys: {" + strings.Repeat("x", 64) + ": {}}":          {"keys.…: is not a name"},
		"listen: 9797":            {`"9797" is not an address and a port`, "hint: write 127.0.0.1:9797 for this host alone, or :9797 for every"},
		"listen: {address: 9797}": {"hint: write 127.0.0.1:9797 for this host alone"},
		"listen: nowhere":         {`"nowhere" is not`},
	} {
		if !strings.Contains(text, "keys:") {
			text += "\nkeys: {a: {store: disk}}"
		}
		said := mistakes(t, "environment: test\nstores: {disk: {type: host}}\ndefaults: {store: disk}\n"+text+"\n").Error()
		for _, w := range want {
			if !strings.Contains(said, w) {
				t.Errorf("%s: no %s in\n%s", text, w, said)
			}
		}
	}
}

// What one round finds is all there is: rules are held although another option,
// of the same key or not, could not be read.
func TestOneRound(t *testing.T) {
	for text, want := range map[string][]string{
		"a: {grace: 3h, schedule: 5, token_ttl: x, algorithm: RS256, bits: 1024}":   {"a.grace: grace 3h is outside", "a.schedule: wants a text", "a.token_ttl: ", "a.bits: RSA keys"},
		"a: {grace: 48, schedule: 1 2 3, sync: 0s}":                                 {"a.grace: ", "a.schedule: is not a schedule", "a.sync: sync is less"},
		"a: {algorithm: RS265, bits: 1, every: 0s}":                                 {"a.algorithm: ", "a.every: rotates more"},
		"a: {encoding: hexx, bytes: 1}":                                             {"a.encoding: ", "a.bytes: HS256 takes"},
		"a: {every: 0s, schedule: 1 2 3, bytes: 1, grace: 1h, propagation: 1m}":     {"a.every: schedule is set", "a.every: rotates", "a.schedule: is not", "a.bytes: ", "a.grace: grace 1h is outside"},
		"a: {grace: 24h, token_ttl: 30h, jitter: x, graze: 1h}":                     {"a.token_ttl: grace", "a.jitter: ", "a.graze: unknown"},
		"a: {stor: d}\n  b: {scedule: '@daily'}\n  c: x\n  d: {grce: 1h, bytes: 1}": {"a.stor: unknown", "b.scedule: unknown", "c: wants names", "d.grce: unknown", "d.bytes: "},
		"a: {bytes: 99999999999999999999999, bits: 99999999999}":                    {"a.bytes: HS256 takes 32 to 256", "a.bits: HS256 keys have no such"},
		"a: {algorithm: RS256, bits: 99999999999}":                                  {"a.bits: RSA keys are made with 2048"},
	} {
		found := mistakes(t, "environment: test\nstores: {d: {type: host}}\ndefaults: {store: d}\nkeys:\n  "+text+"\n")
		if len(found) != len(want) {
			t.Errorf("%s: %d problems, want %d:\n%v", text, len(found), len(want), found)
		}
		said := found.Error()
		for _, w := range want {
			if !strings.Contains(said, "keys."+w) {
				t.Errorf("%s: no %q in\n%s", text, w, said)
			}
		}
	}
	for _, text := range []string{
		"environmet: test\nstores: {d: {type: host}}\nkeys: {a: {store: d}}\n",
		"environment: test\nstorse: {d: {type: host}}\nkeys: {a: {store: d}}\n",
		"environment: test\nstores: {d: {type: host}}\ndefault: {store: d, grace: 3s}\nkeys: {a: , b: {propagation: 40h}}\n",
		"environment: test\nstores: {d: {type: host}}\nkeyz: {a: {store: d}}\n",
		"environment: test\nstores: [d]\nkeys: {a: {store: d}}\n",
		"environment: test\nstores: {d: {type: host}}\nkeys: [a]\n",
		"environment: test\nstores: {d: {type: host}}\nkeys: {a: b}\n",
	} {
		if found := mistakes(t, text); len(found) != 1 {
			t.Errorf("%s: false follow-ups:\n%v", text, found)
		}
	}
}

func TestStoreSaysWhichOption(t *testing.T) {
	found := mistakes(t, "environment: test\nstores:\n  d:\n    type: host\n    mode: \"0777\"\nkeys: {a: {store: d}}\n")
	if len(found) != 1 || found[0].Line != 5 || found[0].Path != "stores.d.mode" || found[0].Hint != "leave 0777 out" {
		t.Errorf("%+v", found)
	}
}

// Two stores may be one place.
func TestTwoStoresOnePlace(t *testing.T) {
	found := mistakes(t, "environment: test\nstores: {a: {type: host, dir: kk}, b: {type: host, dir: kk/../kk}}\nkeys: {one: {store: a, secret: x}, two: {store: b, secret: x}}\n")
	if len(found) != 1 || !strings.Contains(found[0].Msg, "overwrite each other") {
		t.Errorf("%v", found)
	}
	if found := mistakes(t, "environment: test\nstores: {a: {type: host, dir: kk}, b: {type: host, dir: kl}}\nkeys: {one: {store: a, secret: x}, two: {store: b, secret: x}}\n"); found != nil {
		t.Errorf("%v", found)
	}
}

// What is not closed is reported where the text ends, not on empty lines after.
func TestSyntaxErrorHasALine(t *testing.T) {
	found := mistakes(t, "environment: test\nkeys: {a: {\n\n\n\n")
	if len(found) != 1 || found[0].Line != 2 || found[0].Excerpt == "" {
		t.Errorf("%+v", found)
	}
}
