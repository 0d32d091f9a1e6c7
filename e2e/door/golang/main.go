// Command golang is golang-jwt, as an application calls it: a request a line in, an
// answer a line out.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

type ask struct {
	Do, Alg, Form, Token string
	Key                  json.RawMessage
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a ask
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			panic(err)
		}
		answer, err := json.Marshal(a.answer())
		if err != nil {
			panic(err)
		}
		fmt.Println(string(answer))
	}
}

func (a ask) answer() map[string]any {
	if a.Form == "jwk" { // golang-jwt reads none
		return map[string]any{"lacks": true}
	}
	key := a.key()
	if a.Do == "sign" {
		token, err := jwt.NewWithClaims(jwt.GetSigningMethod(a.Alg), jwt.MapClaims{"sub": "door"}).SignedString(key)
		if err != nil {
			panic(err)
		}
		return map[string]any{"token": token}
	}
	_, err := jwt.Parse(a.Token, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{a.Alg}))
	if err != nil && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		panic(err)
	}
	return map[string]any{"verified": err == nil}
}

// key is the key as golang-jwt reads it.
func (a ask) key() any {
	var text string
	if err := json.Unmarshal(a.Key, &text); err != nil {
		panic(err)
	}
	pem := []byte(text)
	switch private := a.Do == "sign"; {
	case a.Form == "text":
		return []byte(text)
	case a.Form == "base64":
		return must(base64.StdEncoding.DecodeString(text))
	case strings.HasPrefix(a.Alg, "RS") && private:
		return must(jwt.ParseRSAPrivateKeyFromPEM(pem))
	case strings.HasPrefix(a.Alg, "RS"):
		return must(jwt.ParseRSAPublicKeyFromPEM(pem))
	case strings.HasPrefix(a.Alg, "ES") && private:
		return must(jwt.ParseECPrivateKeyFromPEM(pem))
	case strings.HasPrefix(a.Alg, "ES"):
		return must(jwt.ParseECPublicKeyFromPEM(pem))
	case private:
		return must(jwt.ParseEdPrivateKeyFromPEM(pem))
	}
	return must(jwt.ParseEdPublicKeyFromPEM(pem))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
