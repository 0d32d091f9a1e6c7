package ops

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func checked(t *testing.T, src CheckSource, o CheckOptions) string {
	t.Helper()
	c, err := Check(src, o)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range c.Findings {
		all = append(all, fmt.Sprintf("%s:%d=%s", f.Name, f.Line, f.Result.Verdict))
	}
	return strings.Join(all, " ")
}

// A weak secret is found in every form in which a source can hold it, and what is
// told never has a part of it.
func TestCheckFindsEveryForm(t *testing.T) {
	const weak, good = "letmein-canary", "q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs"
	b64 := base64.RawURLEncoding.EncodeToString([]byte(weak))
	oct := `{"kty":"oct","kid":"a","alg":"HS256","k":"` + b64 + `"}`
	fine := `{"kty":"oct","kid":"b","alg":"HS256","k":"` + good + `"}`
	for name, c := range map[string]struct {
		src  CheckSource
		want string
	}{
		"text":             {CheckSource{Read: intake.Source{Text: []byte(weak)}}, ":0=guessable"},
		"line":             {CheckSource{Read: intake.Source{Text: []byte(weak + "\r\n")}}, ":0=guessable"},
		"BOM":              {CheckSource{Read: intake.Source{Text: []byte("\ufeff" + weak)}}, ":0=guessable"},
		"quotes":           {CheckSource{Read: intake.Source{Text: []byte(`"` + weak + `"`)}}, ":0=guessable"},
		"blanks":           {CheckSource{Read: intake.Source{Text: []byte(" " + weak + " ")}}, ":0=guessable"},
		"base64":           {CheckSource{Read: intake.Source{Text: []byte(b64)}}, ":0=guessable"},
		"JWK":              {CheckSource{Read: intake.Source{Text: []byte(oct)}}, ":0=guessable"},
		"JWK Set":          {CheckSource{Read: intake.Source{Text: []byte(`{"keys":[` + fine + "," + oct + `]}`)}}, "kid b:0=fine kid a:0=guessable"},
		"list":             {CheckSource{Read: intake.Source{Text: []byte(`["` + good + `","` + weak + `"]`)}}, "#0:0=fine #1:0=guessable"},
		"member":           {CheckSource{Read: intake.Source{Text: []byte(`{"a":{"b":"` + weak + `"}}`)}, Field: "a.b"}, "a.b:0=guessable"},
		"members":          {CheckSource{Read: intake.Source{Text: []byte(`{"apiKey":"` + good + `","jwt":"` + weak + `","port":1,"host":"db"}`)}}, "apiKey:0=fine jwt:0=guessable"},
		"JWK in a member":  {CheckSource{Read: intake.Source{Text: []byte(`{"signing":` + oct + `}`)}}, "signing:0=guessable"},
		"JSON in a member": {CheckSource{Read: intake.Source{Text: []byte(`{"config":"{\"jwt\":\"` + weak + `\"}"}`)}}, "config.jwt:0=guessable"},
		"env":              {CheckSource{Env: true, Read: intake.Source{Text: []byte("PORT=1\nJWT='" + weak + "'\nexport API_KEY=" + good + "\n")}}, "JWT:2=guessable API_KEY:3=fine"},
		"env, one":         {CheckSource{Env: true, Field: "PORT", Read: intake.Source{Text: []byte("PORT=1\nJWT=" + weak + "\n")}}, "PORT:1=guessable"},
		"env, comment":     {CheckSource{Env: true, Read: intake.Source{Text: []byte("JWT=" + weak + " # note that " + good + "\n")}}, "JWT:1=guessable"},
	} {
		if got := checked(t, c.src, CheckOptions{}); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		all, _ := Check(c.src, CheckOptions{All: true})
		said := fmt.Sprintf("%+v %v", all.Findings, all.Settings)
		for _, r := range all.Remarks {
			said += r.Why.Error()
		}
		if strings.Contains(said, "canary") || strings.Contains(said, good) || strings.Contains(said, b64) {
			t.Errorf("%s: a secret is told: %s", name, said)
		}
	}
}

// What rotate makes is fine in every form, and so is a keyset of it.
func TestCheckOfOwnKeys(t *testing.T) {
	for _, alg := range []keyset.Algorithm{keyset.HS256, keyset.HS512, keyset.ES256, keyset.EdDSA} {
		text, err := keygen.Spec{Algorithm: alg}.Text()
		if err != nil {
			t.Fatal(err)
		}
		if got := checked(t, CheckSource{Read: intake.Source{Text: text.Reveal()}}, CheckOptions{Algorithm: alg}); got != ":0=fine" {
			t.Errorf("%s: %s", alg, got)
		}
		quoted, _ := json.Marshal(string(text.Reveal()))
		if got := checked(t, CheckSource{Read: intake.Source{Text: []byte(`{"jwt":` + string(quoted) + `}`)}}, CheckOptions{}); got != "jwt:0=fine" {
			t.Errorf("%s as a member: %s", alg, got)
		}
	}
}

// The length that an algorithm needs counts only where somebody names it.
func TestCheckForAlgorithm(t *testing.T) {
	src := CheckSource{Read: intake.Source{Text: []byte("q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs")}}
	if got := checked(t, src, CheckOptions{}); got != ":0=fine" {
		t.Error(got)
	}
	c, err := Check(src, CheckOptions{Algorithm: keyset.HS512})
	if err != nil || len(c.Findings) != 1 || !c.Findings[0].Result.Has(judge.Short) {
		t.Errorf("%+v, %v", c, err)
	}
}

// What is no secret, or cannot be read, is an error of the one source, and a remark
// on one of many.
func TestCheckCannot(t *testing.T) {
	for text, want := range map[string]intake.Code{
		"": intake.Empty, "op://vault/app": intake.Reference, "JWT_SECRET=abc": intake.Assignment, "first line\nsecond line\n": intake.Lines, "\xff\xfea": intake.BOM, "{\"a\":": intake.Broken,
	} {
		c, err := Check(CheckSource{Read: intake.Source{Text: []byte(text)}}, CheckOptions{})
		refusal, _ := errors.AsType[*intake.Refusal](err)
		if want == intake.Broken { // it may be the secret: judged as it stands
			if err != nil || len(c.Findings) != 1 || len(c.Remarks) != 1 {
				t.Errorf("%q: %+v, %v", text, c, err)
			}
		} else if refusal == nil || refusal.Code != want || len(c.Findings) > 0 {
			t.Errorf("%q: %+v, %v, want %s", text, c, err, want)
		}
	}
	c, err := Check(CheckSource{Env: true, Read: intake.Source{Text: []byte("A_TOKEN=op://vault/app\nB_TOKEN=\nC_TOKEN=${X}\nHOST=\n")}}, CheckOptions{})
	if err != nil || len(c.Findings) > 0 || len(c.Remarks) != 3 || len(c.Settings) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Check(CheckSource{Env: true, Read: intake.Source{Text: []byte("A=1\x00\n")}}, CheckOptions{}); err == nil {
		t.Error("a .env file that its readers cannot read was judged")
	}
}

func TestNamesSecret(t *testing.T) {
	for _, name := range []string{
		"JWT_SECRET", "SECRET_KEY", "jwtSecret", "API_KEY", "APIKEY", "apiKey", "DB_PASSWORD", "PGPASSWORD", "auth.signing", "APP_KEY", "AUTH", "NEXTAUTH_SECRET",
		"JWT", "DJANGO_SECRET_KEY", "keys.0", "AccessToken", "SESSION_SALT", "DB_PASS", "kid", "secret-key",
	} {
		if namesSecret(name) == (name == "kid") {
			t.Errorf("%s: %v", name, namesSecret(name))
		}
	}
	for _, name := range []string{
		"PORT", "NODE_ENV", "DATABASE_URL", "JWT_EXPIRES_IN", "JWT_ALGORITHM", "KEY_ID", "TOKEN_TTL", "AUTH_URL", "NEXT_PUBLIC_KEY", "SESSION_DRIVER", "KEYCLOAK_REALM",
		"sessionTimeout", "AUTHOR", "", "_", "PASSWORD_MIN_LENGTH",
	} {
		if namesSecret(name) {
			t.Errorf("%s is taken for a secret", name)
		}
	}
}
