// A service that signs with current, verifies with every live key, and reads
// the keyset again whenever it is used.
//
//	KEYSET=keys/development-auth-jwt.json ADDR=127.0.0.1:8080 go run ./examples/go
package main

import (
	"log"
	"net/http"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/rotation/keyset"
)

func sign(set *keyset.Set, subject string) (string, error) {
	key := set.Signing()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(string(key.Alg)), jwt.MapClaims{"sub": subject, "exp": time.Now().Add(3 * time.Second).Unix()})
	token.Header["kid"] = key.Kid
	return token.SignedString(key.SignKey())
}

func verify(set *keyset.Set, raw string) (string, error) {
	unverified, _, err := jwt.NewParser().ParseUnverified(raw, jwt.MapClaims{})
	if err != nil {
		return "", err
	}
	kid, _ := unverified.Header["kid"].(string)
	for _, key := range set.Verifying(kid) {
		only := jwt.WithValidMethods([]string{string(key.Alg)}) // the key's algorithm, never the token's
		if token, err := jwt.Parse(raw, func(*jwt.Token) (any, error) { return key.VerifyKey(), nil }, only); err == nil {
			return token.Claims.GetSubject()
		}
	}
	return "", jwt.ErrTokenUnverifiable
}

func serve(path, parameter string, answer func(set *keyset.Set, value string) (string, error)) {
	http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		// Read at each use: rotate's config says how old what we know may be
		// (propagation), and a small file is read faster than a signature checked.
		data, err := os.ReadFile(os.Getenv("KEYSET"))
		set, invalid := keyset.Parse(data)
		if err != nil || invalid != nil {
			http.Error(w, "no keys", http.StatusServiceUnavailable)
		} else if text, err := answer(set, r.FormValue(parameter)); err != nil {
			http.Error(w, "refused", http.StatusUnauthorized)
		} else {
			_, _ = w.Write([]byte(text))
		}
	})
}

func main() {
	serve("GET /token", "sub", sign)
	serve("GET /verify", "token", verify)
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), nil))
}
