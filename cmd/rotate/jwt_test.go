package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
)

// A token issuer that knows only the text of JWT_SECRET, and a verifier that
// knows the three of them, both with golang-jwt.
func (c *console) signText(id string) string {
	c.t.Helper()
	text := strings.TrimSpace(c.do("get", "auth-jwt"))
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": id, "iat": time.Now().Unix()}).SignedString([]byte(text))
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

func (c *console) verifyText(token string) error {
	c.t.Helper()
	var texts []string
	if err := json.Unmarshal([]byte(c.do("get", "auth-jwt", "--format", "list")), &texts); err != nil {
		c.t.Fatal(err)
	}
	var keys jwt.VerificationKeySet
	for _, text := range texts {
		keys.Keys = append(keys.Keys, []byte(text))
	}
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return keys, nil }, jwt.WithValidMethods([]string{"HS256"}))
	return err
}

// The same with go-jose and the document as a JWK Set.
func (c *console) jwks() jose.JSONWebKeySet {
	c.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(c.do("get", "auth-jwt", "--format", "keyset")), &set); err != nil {
		c.t.Fatal(err)
	}
	return set
}

func (c *console) signJWK(id string) string {
	c.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: c.jwks().Keys[0]}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	token, err := josejwt.Signed(signer).Claims(map[string]any{"sub": id}).Serialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

func (c *console) verifyJWK(token string) error {
	c.t.Helper()
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		c.t.Fatal(err)
	}
	set, kid := c.jwks(), parsed.Headers[0].KeyID
	for _, k := range set.Keys {
		if kid != "" && k.KeyID != kid {
			continue
		}
		var claims map[string]any
		if parsed.Claims(k.Key, &claims) == nil {
			return nil
		}
	}
	return errors.New("no key verifies it")
}

// wants holds all tokens against both verifiers.
func (c *console) wants(valid bool, when string, tokens ...string) {
	c.t.Helper()
	for _, token := range tokens {
		for library, verify := range map[string]func(string) error{"golang-jwt": c.verifyText, "go-jose": c.verifyJWK} {
			if err := verify(token); (err == nil) != valid {
				c.t.Errorf("%s, %s: valid is %v: %v", when, library, err == nil, err)
			}
		}
	}
}

// TestPromise3TokensVerifyThroughRotations signs with what applications read,
// by text and by JWK, and verifies everything everywhere: before, during and
// after two rotations of an adopted secret.
func TestPromise3TokensVerifyThroughRotations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConsole(t, storyConfig)
		c.write("app.env", "export JWT_SECRET='an old secret with 36 bytes, as it is'\n")
		if code, out, errs := c.try("", "adopt", "auth-jwt", "--from-env", c.dir+"/app.env:JWT_SECRET"); code != 0 {
			t.Fatal(out, errs)
		}
		old, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "from before"}).SignedString([]byte("an old secret with 36 bytes, as it is"))
		if err != nil {
			t.Fatal(err)
		}
		adopted := []string{old, c.signText("a"), c.signJWK("b")}
		c.wants(true, "adopted", adopted...)

		c.do("now") // published
		adopted = append(adopted, c.signText("c"), c.signJWK("d"))
		c.wants(true, "published", adopted...)

		time.Sleep(2*time.Hour + 5*time.Minute)
		c.do("run", "--once") // promoted
		second := []string{c.signText("e"), c.signJWK("f")}
		c.wants(true, "promoted", append(second, adopted...)...)

		time.Sleep(48*time.Hour + 4*time.Minute)
		c.do("run", "--once") // not yet: the skew of clocks
		c.wants(true, "at the end of the grace", append(second, adopted...)...)

		time.Sleep(time.Minute)
		c.do("run", "--once") // retired
		c.wants(true, "retired, the new key", second...)
		c.wants(false, "retired, the adopted key", adopted...)

		c.do("now")
		time.Sleep(2*time.Hour + 5*time.Minute)
		c.do("run", "--once")
		c.wants(true, "rotated again", append(second, c.signText("g"), c.signJWK("h"))...)
	})
}
