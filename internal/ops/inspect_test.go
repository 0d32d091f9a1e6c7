package ops_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var begun = time.Unix(1_700_000_000, 0)

// store puts a keyset where a key of a fleet has it.
func store(t *testing.T, path string, set *keyset.Set) {
	t.Helper()
	_, text, err := set.Encode("", "write")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, text.Reveal(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func made(t *testing.T, alg keyset.Algorithm) keyset.Key {
	t.Helper()
	var k keyset.Key
	var err error
	switch {
	case alg.Symmetric():
		k, err = keyset.NewSymmetric("kid-of-"+string(alg)+rand.Text(), alg, secret.New(bytes.Repeat(key32(), 2)), keyset.Base64URL)
	case alg.Curve() != nil:
		key, _ := ecdsa.GenerateKey(alg.Curve(), rand.Reader)
		k, err = keyset.NewAsymmetric(alg, key)
	case alg == keyset.Ed25519 || alg == keyset.EdDSA:
		_, key, _ := ed25519.GenerateKey(rand.Reader)
		k, err = keyset.NewAsymmetric(alg, key)
	default:
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		k, err = keyset.NewAsymmetric(alg, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signed is a token as applications sign it with a key.
func signed(t *testing.T, k keyset.Key, kid string, claims jwt.MapClaims) string {
	t.Helper()
	name := string(k.Alg)
	if k.Alg == keyset.Ed25519 {
		name = "EdDSA"
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(name), claims)
	token.Header["alg"] = string(k.Alg)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(k.SignKey())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each algorithm that rotate makes keys for: what the key made verifies, and nothing
// that was changed, or that another key made.
func TestInspectEveryAlgorithm(t *testing.T) {
	for _, alg := range keyset.Algorithms() {
		if alg == keyset.Opaque {
			continue // signs nothing
		}
		f := fleetOf(t, t.TempDir(), "production", map[string]string{"jwt": "one"})
		k := made(t, alg)
		set, err := keyset.Create("jwt", "production", "lineage", k, begun)
		if err != nil {
			t.Fatal(err)
		}
		store(t, f.Keys[0].Where(), set)
		inspect := func(token string) ops.Inspected {
			return clockHost().Inspect(t.Context(), f.Keys, []byte(token), false)
		}
		token := signed(t, k, k.Kid, jwt.MapClaims{"sub": "someone"})
		if i := inspect("Bearer " + token + "\n"); i.Code != ops.TokenVerifies || !i.Made || i.Key != "jwt" || i.Kid != k.Kid || i.Algorithm != string(alg) || i.Status != "current" || i.Refused() {
			t.Errorf("%s: %+v", alg, i)
		}
		if i := inspect(signed(t, k, "", jwt.MapClaims{})); i.Code != ops.TokenVerifies || i.MadeBy != k.Kid {
			t.Errorf("%s without a kid: %+v", alg, i)
		}
		if i := inspect(signed(t, k, "another", jwt.MapClaims{})); i.Code != ops.TokenUnknown || !i.Made || !i.Refused() {
			t.Errorf("%s with another kid: %+v", alg, i)
		}
		if i := inspect(signed(t, made(t, alg), k.Kid, jwt.MapClaims{})); i.Code != ops.TokenForged || i.Made {
			t.Errorf("%s of another key: %+v", alg, i)
		}
		parts := strings.Split(token, ".")
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"admin"}`))
		if i := inspect(strings.Join(parts, ".")); i.Code != ops.TokenForged || i.Made {
			t.Errorf("%s with other claims: %+v", alg, i)
		}
	}
}

// The public half of a pair is no secret, so a token that uses it as one is refused.
func TestInspectRefusals(t *testing.T) {
	f := fleetOf(t, t.TempDir(), "production", map[string]string{"jwt": "one"})
	k := made(t, keyset.ES256)
	set, err := keyset.Create("jwt", "production", "lineage", k, begun)
	if err != nil {
		t.Fatal(err)
	}
	set.Gone = []keyset.Gone{{Kid: "retired-kid", At: begun, Generation: 1}, {Kid: "revoked-kid", At: begun, Generation: 1}}
	set.Revoked = []string{"revoked-kid"}
	store(t, f.Keys[0].Where(), set)
	hmac, err := keyset.AdoptSymmetric(k.Kid, keyset.HS256, secret.New(k.PublicPEM()), "")
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	curve, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	other, err := keyset.NewAsymmetric(keyset.ES384, curve)
	if err != nil {
		t.Fatal(err)
	}
	now := clockHost().Now().Unix()
	for name, c := range map[string]struct {
		token  string
		claims bool
		want   ops.TokenCode
	}{
		"confusion":       {signed(t, hmac, k.Kid, jwt.MapClaims{}), false, ops.TokenAlgorithm},
		"other curve":     {signed(t, other, k.Kid, jwt.MapClaims{}), false, ops.TokenAlgorithm},
		"none":            {b64([]byte(`{"alg":"none","kid":"`+k.Kid+`"}`)) + "." + b64([]byte(`{}`)) + ".", false, ops.TokenUnsigned},
		"None":            {b64([]byte(`{"alg":"nOnE"}`)) + "." + b64([]byte(`{}`)) + ".AAAA", false, ops.TokenUnsigned},
		"no signature":    {b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte(`{}`)) + ".", false, ops.TokenUnsigned},
		"crit":            {b64([]byte(`{"alg":"ES256","crit":["exp"]}`)) + "." + b64([]byte(`{}`)) + ".AAAA", false, ops.TokenCritical},
		"unknown":         {signed(t, made(t, keyset.ES256), "unknown", jwt.MapClaims{}), false, ops.TokenUnknown},
		"retired":         {signed(t, made(t, keyset.ES256), "retired-kid", jwt.MapClaims{}), false, ops.TokenRetired},
		"revoked":         {signed(t, made(t, keyset.ES256), "revoked-kid", jwt.MapClaims{}), false, ops.TokenRevoked},
		"empty":           {"", false, ops.TokenMalformed},
		"a text":          {"a.b", false, ops.TokenMalformed},
		"no header":       {"e30x!.e30.AAAA", false, ops.TokenMalformed},
		"large":           {strings.Repeat("a", ops.MaxToken+1), false, ops.TokenMalformed},
		"encrypted":       {b64([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + "..a.b.c", false, ops.TokenEncrypted},
		"expired unasked": {signed(t, k, k.Kid, jwt.MapClaims{"exp": now - 1}), false, ops.TokenVerifies},
		"expired":         {signed(t, k, k.Kid, jwt.MapClaims{"exp": now}), true, ops.TokenExpired},
		"not expired":     {signed(t, k, k.Kid, jwt.MapClaims{"exp": now + 1}), true, ops.TokenVerifies},
		"early":           {signed(t, k, k.Kid, jwt.MapClaims{"nbf": now + 1}), true, ops.TokenEarly},
	} {
		i := clockHost().Inspect(t.Context(), f.Keys, []byte(c.token), c.claims)
		if i.Code != c.want || i.Refused() != (c.want != ops.TokenVerifies) || (i.Gone != nil) != (c.want == ops.TokenRetired || c.want == ops.TokenRevoked) {
			t.Errorf("%s: %+v", name, i)
		}
		var text bytes.Buffer
		if err := answer.Inspected(&text, i); err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(c.token, ".")
		if last := parts[len(parts)-1]; len(last) > 8 && len(parts) == 3 && strings.Contains(text.String()+string(doc), last) {
			t.Errorf("%s: the signature is printed", name)
		}
		if !c.claims && (i.Claims != nil || strings.Contains(text.String(), "claims")) {
			t.Errorf("%s: claims that nobody asked for:\n%s", name, &text)
		}
	}
	if err := os.WriteFile(f.Keys[0].Where(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if i := clockHost().Inspect(t.Context(), f.Keys, []byte(signed(t, k, k.Kid, jwt.MapClaims{})), false); i.Code != ops.TokenUnreadable || len(i.Errs) != 1 {
		t.Errorf("a store that cannot be read: %+v", i)
	}
}

// A signature by one key under the kid of another names the one that made it; and claims that are no dates refuse a token.
func TestInspectNamesTheMaker(t *testing.T) {
	f := fleetOf(t, t.TempDir(), "production", map[string]string{"alpha": "one", "beta": "two"})
	keys := map[string]keyset.Key{}
	for _, k := range f.Keys {
		keys[k.Name] = made(t, keyset.ES256)
		set, err := keyset.Create(k.Name, "production", "lineage-"+k.Name, keys[k.Name], begun)
		if err != nil {
			t.Fatal(err)
		}
		store(t, k.Where(), set)
	}
	i := clockHost().Inspect(t.Context(), f.Keys, []byte(signed(t, keys["beta"], keys["alpha"].Kid, nil)), false)
	var text bytes.Buffer
	if err := answer.Inspected(&text, i); err != nil {
		t.Fatal(err)
	}
	if i.Maker != "beta" || i.Key != "alpha" || !strings.Contains(text.String(), "made by    key beta") || strings.Contains(text.String(), "verifies  ") {
		t.Errorf("%+v\n%s", i, text.String())
	}
	for claim, want := range map[string]ops.TokenCode{`"1"`: ops.TokenMalformed, `1e300`: ops.TokenVerifies, `1`: ops.TokenExpired} {
		k := keys["alpha"]
		body := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"`+k.Kid+`"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":`+claim+`}`))
		sig, err := jwt.SigningMethodES256.Sign(body, k.SignKey())
		if err != nil {
			t.Fatal(err)
		}
		if i := clockHost().Inspect(t.Context(), f.Keys, []byte(body+"."+base64.RawURLEncoding.EncodeToString(sig)), true); i.Code != want {
			t.Errorf("exp %s: %s, %s", claim, i.Code, i.Problem)
		}
	}
}
