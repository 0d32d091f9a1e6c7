package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// TestPromise7NoMaterialInOutput runs every command, in good and in bad times,
// and looks for each key that ever lived in all that was said.
func TestPromise7NoMaterialInOutput(t *testing.T) {
	const canary = "canary-6f1d2c9b8a7e4f30-canary-6f1d2c9b8a7e"
	synctest.Test(t, func(t *testing.T) {
		const withOutputs = `environment: test
audit: {file: audit.jsonl}
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys:
  a: {}
  b: {algorithm: ES256, outputs: [{path: ./public.json, format: jwks}]}
  c: {algorithm: opaque, prefix: sk_}
  d: {}
  e:
    outputs:
      - {path: ./.env, format: env}
      - {path: ./text, format: value}
      - {store: disk, secret: list, format: list}
      - {path: ./strange.env, format: env}
      - {path: ./strange, format: value}
`
		c := newConsole(t, withOutputs)
		c.write(".env", "# "+canary+"\nexport W='"+canary+"'\n")
		c.write("strange.env", "JWT_SECRET="+canary+"\n")
		c.write("strange", canary)
		c.write("app.env", "export V='"+canary+"'\nW=\"$"+canary+"\"\n")
		c.write("twice.env", "V="+canary+"\nV="+canary+"\n")
		material := [][]byte{[]byte(canary)}
		for _, args := range [][]string{
			{"validate", "--probe"}, {"adopt", "d", "--from-env", c.dir + "/app.env:W"}, {"adopt", "d", "--from-env", c.dir + "/twice.env:V"},
			{"adopt", "d", "--from-env", c.dir + "/app.env:V", "--algorithm", "ES256"}, {"adopt", "b", "--from-env", c.dir + "/app.env:V"},
			{"adopt", "d", "--from-env", c.dir + "/app.env:V", "--dry-run"}, {"adopt", "d", "--from-env", c.dir + "/app.env:V"},
			{"now", "--all"}, {"status"}, {"status", "-o", "json"}, {"status", "-o", "yaml"}, {"plan"}, {"audit", "a"}, {"audit", "b", "-o", "json"},
			{"now", "--all", "--dry-run"}, {"now", "--all", "--request", canary[:6]}, {"run", "--once"}, {"get", "a"}, {"get", "b", "--format", "jwks"},
			{"adopt", "d", "--from", "disk:test-a"}, {"adopt", "a", "--from", "disk:test-d"},
			{"now", "--compromised", "b", "--dry-run"}, {"now", "--compromised", "b", "--yes", "--log-format", "json"}, {"revoke", "c", canary, "--yes"},
			{"accept", "a", "--generation", "1", "--revoke", canary, "--yes"},
		} {
			c.try(canary, args...)
			material = append(material, c.material()...)
		}
		time.Sleep(50 * time.Hour)
		c.try("", "run", "--once")
		out, _, _ := strings.Cut(withOutputs, "    outputs:")
		c.write("rotate.yaml", out+"    propagation: 0s\n")
		for _, args := range [][]string{
			{"validate", "--probe"}, {"status"}, {"plan"}, {"run", "--once"}, {"forget", "e", c.dir + "/" + canary, "--yes"}, {"forget", "e", c.dir + "/strange.env", "--yes"}, {"forget", "e", c.dir + "/strange", "--yes"},
			{"forget", "e", c.dir + "/.env", "--yes", "--log-format", "json"}, {"forget", "e", c.dir + "/text", "--yes"}, {"forget", "e", "disk list", "--yes"}, {"audit", "e"},
		} {
			c.try(canary, args...)
		}
		for _, want := range []string{"holds a value that rotate did not write", "e: removed from " + c.dir + "/.env", "e: removed from " + c.dir + "/text", "e: removed from disk list"} {
			if !strings.Contains(c.all.String(), want) {
				t.Errorf("%s: that was not tried", want)
			}
		}
		c.write("rotate.yaml", withOutputs)
		c.spoil()
		c.write(".env", "JWT_SECRET='"+canary)
		c.write("strange", strings.Repeat(canary, 3))
		for _, args := range [][]string{{"status"}, {"now", "--all"}, {"run", "--once"}, {"plan"}, {"audit", "a"}, {"get", "a"}, {"get", "b"}, {"get", "c"}, {"get", "d"},
			{"now", "--compromised", "a", "--yes"}, {"accept", "a", "--generation", "1", "--yes"}, {"accept", "b", "--generation", "1", "--yes"}} {
			c.try("", args...)
		}
		c.all.WriteString(c.read("audit.jsonl"))
		c.holdsNone(material)
	})
}

// TestPromise7DaemonTellsNoMaterial runs a daemon through two lives of its keys,
// then with documents that must be refused and with a store that panics with
// what it was given, and looks for each key that ever lived in every endpoint,
// log line and audit line.
func TestPromise7DaemonTellsNoMaterial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, "")
		c.write("rotate.yaml", `environment: test
audit: {file: audit.jsonl}
stores: {disk: {type: file, dir: ./keys}, bad: {type: spills}}
defaults: {store: disk, propagation: 0s, every: 60h}
keys: {a: {}, b: {algorithm: ES256}, c: {algorithm: opaque, encoding: hex}, d: {algorithm: RS256, bits: 2048}, e: {store: bad}}
notify: {ahead: 10h, to: {file: {exec: [/bin/sh, -c, 'cat >>"$0"', `+c.dir+`/told.json]}}}
`)
		spilt := &spills{panics: 3}
		c.stores = registry()
		c.stores["spills"] = func() providers.Config { return spilt }
		var said bytes.Buffer // passes write to it at any time
		d := c.daemonTo(slog.New(slog.NewJSONHandler(&say.Voice{Err: &said}, nil)))
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- d.Rotate(ctx) }()
		endpoints := d.Handler()
		look := func() {
			synctest.Wait()
			for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status", "/", "/.well-known/jwks.json", "/keys/a/jwks.json", "/keys/b/jwks.json", "/keys/e/jwks.json", "/debug/pprof/heap"} {
				w := httptest.NewRecorder()
				endpoints.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				fmt.Fprintln(&c.all, w.Header(), w.Body)
			}
		}
		var material [][]byte
		for range 6 {
			look()
			material = append(material, c.material()...)
			time.Sleep(20 * time.Hour)
		}
		c.spoil()
		time.Sleep(2 * time.Hour)
		look()
		spilt.panics = 1
		c.try("", "now", "e") // a panic in a command
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		c.all.Write(said.Bytes())
		c.all.WriteString(c.read("audit.jsonl"))
		c.all.WriteString(c.read("told.json"))
		for _, want := range []string{"key.transition", "key.upcoming", "key.halt", "key.attention", "a panic of type []uint8", "a pass panicked", `"action":"promote"`, "rotate_key_state", `"crv":"P-256"`} {
			if !strings.Contains(c.all.String(), want) {
				t.Errorf("%s: that was not tried", want)
			}
		}
		if len(spilt.seen) != 4 {
			t.Errorf("%d panics", len(spilt.seen))
		}
		c.holdsNone(append(material, spilt.seen...))
	})
}

// spills is a type of store that panics with what it is to write, so many times.
type spills struct {
	panics int
	seen   [][]byte
}

func (s *spills) Open(context.Context) (providers.Store, error) {
	return spilling{memory.New(), s}, nil
}

type spilling struct {
	providers.Store
	*spills
}

func (s spilling) Write(_ context.Context, name string, v providers.Secret, _ providers.RevisionID, _ providers.Note) (providers.Revision, error) {
	if s.panics == 0 {
		return providers.Revision{}, &providers.Error{Op: "write", Name: name, Kind: providers.ErrDenied}
	}
	s.panics--
	s.seen = append(s.seen, v.Reveal())
	panic(v.Reveal())
}

// material is the texts and private JWK members of every key in the console's
// files.
func (c *console) material() (found [][]byte) {
	files, _ := filepath.Glob(filepath.Join(c.dir, "keys", "*.json"))
	member := regexp.MustCompile(`"(?:current|next|previous|k|d)":"([^"]*)"`)
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, m := range member.FindAllStringSubmatch(string(doc), -1) {
			if text := strings.ReplaceAll(m[1], `\n`, "\n"); len(text) > 26 && !strings.Contains(text, "PUBLIC KEY") { // longer than a kid
				found = append(found, []byte(text))
			}
		}
	}
	return found
}

// forms is every way in which material is known to leak.
func forms(m []byte) (all []string) {
	variants := [][]byte{m}
	if raw, err := base64.RawURLEncoding.DecodeString(string(m)); err == nil {
		variants = append(variants, raw)
	}
	for _, v := range variants {
		all = append(all, string(v), base64.RawURLEncoding.EncodeToString(v), base64.RawStdEncoding.EncodeToString(v),
			hex.EncodeToString(v), strings.ToUpper(hex.EncodeToString(v)), strings.Trim(fmt.Sprint(v), "[]"), strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ", "),
			strings.Trim(strconv.Quote(string(v)), `"`))
	}
	return all
}

// holdsNone fails the test if anything that was said holds material.
func (c *console) holdsNone(material [][]byte) {
	c.t.Helper()
	if len(material) < 20 {
		c.t.Fatalf("only %d keys to look for", len(material))
	}
	said := c.all.String()
	slices.SortFunc(material, bytes.Compare)
	for _, m := range slices.CompactFunc(material, bytes.Equal) {
		for _, form := range forms(m) {
			if strings.Contains(said, form) {
				c.t.Errorf("material was told: …%s", form[len(form)-6:])
			}
		}
	}
}

// spoil makes every document one that must be refused, each in another way.
func (c *console) spoil() {
	for i, name := range []string{"test-a", "test-b", "test-c", "test-d"} {
		path := filepath.Join(c.dir, "keys", name+".json")
		doc, err := os.ReadFile(path)
		if err != nil {
			c.t.Fatal(err)
		}
		switch i {
		case 0:
			doc = bytes.Replace(doc, []byte(`"current":"`), []byte(`"current":"x`), 1)
		case 1:
			doc = doc[:len(doc)/2]
		case 2:
			doc = append(doc, doc...)
		case 3:
			doc = bytes.Replace(doc, []byte(`"kty":"oct"`), []byte(`"kty":{"a":1}`), 1)
		}
		if err := os.WriteFile(path, doc, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}
