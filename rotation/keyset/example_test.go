package keyset_test

import (
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// document stands for what the application reads: os.ReadFile, or its secret
// manager's client.
func document() []byte {
	k, err := keyset.NewSymmetric("2026-a", keyset.HS256, secret.New([]byte("an example key, thirty-two bytes")), "")
	if err != nil {
		panic(err)
	}
	set, err := keyset.Create("auth-jwt", "development", "example", k, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		panic(err)
	}
	_, doc, err := set.Encode("", "example")
	if err != nil {
		panic(err)
	}
	return doc.Reveal()
}

// With golang-jwt: the key's algorithm decides, never the token's.
func Example_golangJWT() {
	set, err := keyset.Parse(document())
	if err != nil {
		panic(err)
	}

	key := set.Signing()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(string(key.Alg)), jwt.MapClaims{"sub": "alice"})
	token.Header["kid"] = key.Kid
	signed, err := token.SignedString(key.SignKey())
	if err != nil {
		panic(err)
	}

	verify := func(raw string) (string, error) {
		unverified, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
		if err != nil {
			return "", err
		}
		kid, _ := unverified.Header["kid"].(string)
		for _, key := range set.Verifying(kid) {
			only := jwt.WithValidMethods([]string{string(key.Alg)})
			token, err := jwt.Parse(raw, func(*jwt.Token) (any, error) { return key.VerifyKey(), nil }, only)
			if err == nil {
				return token.Claims.GetSubject()
			}
		}
		return "", jwt.ErrTokenUnverifiable
	}
	fmt.Println(verify(signed))
	// Output: alice <nil>
}

// With go-jose.
func Example_goJOSE() {
	set, err := keyset.Parse(document())
	if err != nil {
		panic(err)
	}

	key := set.Signing()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Alg), Key: key.SignKey()},
		(&jose.SignerOptions{}).WithHeader("kid", key.Kid),
	)
	if err != nil {
		panic(err)
	}
	signed, err := josejwt.Signed(signer).Claims(josejwt.Claims{Subject: "alice"}).Serialize()
	if err != nil {
		panic(err)
	}

	verify := func(raw string, kid string) (string, error) {
		err := jose.ErrCryptoFailure
		for _, key := range set.Verifying(kid) {
			token, failed := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Alg)})
			if failed != nil {
				err = failed
				continue
			}
			var claims josejwt.Claims
			if err = token.Claims(key.VerifyKey(), &claims); err == nil {
				return claims.Subject, nil
			}
		}
		return "", err
	}
	fmt.Println(verify(signed, key.Kid))
	fmt.Println(verify(signed, "")) // a token from before kids were used
	// Output:
	// alice <nil>
	// alice <nil>
}
