package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPromise7NoMaterialInOutput runs every command, in good and in bad times,
// and looks for each key that ever lived in all that was said.
func TestPromise7NoMaterialInOutput(t *testing.T) {
	const canary = "canary-6f1d2c9b8a7e4f30-canary-6f1d2c9b8a7e"
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, `environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {a: {}, b: {algorithm: ES256}, c: {algorithm: opaque, prefix: sk_}, d: {}}
`)
		c.write("app.env", "export V='"+canary+"'\nW=\"$"+canary+"\"\n")
		c.write("twice.env", "V="+canary+"\nV="+canary+"\n")
		material := [][]byte{[]byte(canary)}
		for _, args := range [][]string{
			{"validate", "--probe"}, {"adopt", "d", "--from-env", c.dir + "/app.env:W"}, {"adopt", "d", "--from-env", c.dir + "/twice.env:V"},
			{"adopt", "d", "--from-env", c.dir + "/app.env:V", "--algorithm", "ES256"}, {"adopt", "b", "--from-env", c.dir + "/app.env:V"},
			{"adopt", "d", "--from-env", c.dir + "/app.env:V", "--dry-run"}, {"adopt", "d", "--from-env", c.dir + "/app.env:V"},
			{"now", "--all"}, {"status"}, {"status", "-o", "json"}, {"status", "-o", "yaml"}, {"plan"},
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
		c.spoil()
		for _, args := range [][]string{{"status"}, {"now", "--all"}, {"run", "--once"}, {"plan"}, {"get", "a"}, {"get", "b"}, {"get", "c"}, {"get", "d"},
			{"now", "--compromised", "a", "--yes"}, {"accept", "a", "--generation", "1", "--yes"}, {"accept", "b", "--generation", "1", "--yes"}} {
			c.try("", args...)
		}
		if len(material) < 20 {
			t.Fatalf("only %d keys to look for", len(material))
		}
		for _, m := range material {
			for _, form := range []string{string(m), base64.RawURLEncoding.EncodeToString(m), base64.RawStdEncoding.EncodeToString(m), hex.EncodeToString(m)} {
				if bytes.Contains(c.all.Bytes(), []byte(form)) {
					t.Errorf("material was printed: …%s", form[len(form)-6:])
				}
			}
		}
	})
}

// material is the texts and JWK members of every key in the console's files.
func (c *console) material() (found [][]byte) {
	files, _ := filepath.Glob(filepath.Join(c.dir, "keys", "*.json"))
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, name := range []string{`"current":"`, `"next":"`, `"previous":"`, `"k":"`, `"d":"`} {
			_, after, ok := strings.Cut(string(doc), name)
			if value, _, closed := strings.Cut(after, `"`); ok && closed {
				found = append(found, []byte(strings.ReplaceAll(value, `\n`, "\n")))
			}
		}
	}
	return found
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
