package notify

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// The example that the libraries of Standard Webhooks test themselves with.
func TestSignature(t *testing.T) {
	material, err := parseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	sign(header, [][]byte{material, material}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	const one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := header.Get("webhook-signature"); got != one+" "+one || header.Get("webhook-timestamp") != "1614265330" {
		t.Error(header)
	}
	unsigned := http.Header{}
	sign(unsigned, nil, "id", time.Unix(1, 0), nil)
	if _, there := unsigned["Webhook-Signature"]; there || unsigned.Get("webhook-id") != "id" {
		t.Error(unsigned)
	}
}

func TestSecrets(t *testing.T) {
	secretOf := func(n int) string { return SecretPrefix + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, next := write("good", secretOf(24)), write("next", secretOf(64)+"\n")
	absent := filepath.Join(dir, "canary-absent")
	for name, c := range map[string]struct {
		from Signing
		want int    // secrets
		err  string // a part of it
	}{
		"none":            {Signing{}, 0, ""},
		"one":             {Signing{File: good}, 1, ""},
		"two":             {Signing{File: good, Next: next}, 2, ""},
		"no next yet":     {Signing{File: good, Next: absent}, 1, ""},
		"no file":         {Signing{File: absent}, 0, "the secret's file: there is none"},
		"a folder":        {Signing{File: dir}, 0, "it is not a file"},
		"too large":       {Signing{File: write("large", strings.Repeat("canary", 1000))}, 0, "larger than 4 KiB"},
		"no prefix":       {Signing{File: write("bare", secretOf(32)[6:])}, 0, "it is not whsec_"},
		"too short":       {Signing{File: write("short", secretOf(23))}, 0, "24 to 64 bytes"},
		"too long":        {Signing{File: write("long", secretOf(65))}, 0, "24 to 64 bytes"},
		"no base64":       {Signing{File: good, Next: write("canary", SecretPrefix+"canary-canary-canary-canary-canary")}, 0, "it is not whsec_"},
		"a key unread":    {Signing{Key: "other"}, 0, "the key other, whose secret signs, was not read yet"},
		"a key":           {Signing{Key: "hooks"}, 2, ""},
		"a key of others": {Signing{Key: "texts"}, 0, "the key texts, whose secret signs: it is not whsec_"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.from.secrets(own(t))
			if len(got) != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%d secrets and %v, want %d and %q", len(got), err, c.want, c.err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("it tells a path, or what is there: %v", err)
			}
		})
	}
}

// own are two keys of a config, of which hooks has a next one.
func own(t *testing.T) func(string) *keyset.Set {
	t.Helper()
	fresh := func(s keygen.Spec) keyset.Key {
		k, err := s.New()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	hook := keygen.Spec{Algorithm: keyset.Opaque, Prefix: SecretPrefix, Encoding: keyset.Base64}
	hooks, err := keyset.Create("hooks", "test", "l", fresh(hook), start)
	if err == nil {
		hooks, err = hooks.Publish(fresh(hook), start)
	}
	if err != nil {
		t.Fatal(err)
	}
	texts, err := keyset.Create("texts", "test", "l", fresh(keygen.Spec{}), start)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) *keyset.Set { return map[string]*keyset.Set{"hooks": hooks, "texts": texts}[name] }
}
