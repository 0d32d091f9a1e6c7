package intake_test

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"

	"crypto/x509/pkix"

	"github.com/keyrotate/rotate/internal/intake"
)

// An RSA key whose primes are close is refused for that in each of its forms.
func TestClosePrimes(t *testing.T) {
	p, err := rand.Prime(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	q := new(big.Int).Add(p, new(big.Int).Lsh(big.NewInt(1), 900)) // closer than 2^924
	for q.SetBit(q, 0, 1); !q.ProbablyPrime(20); {
		q.Add(q, big.NewInt(2))
	}
	one, e := big.NewInt(1), big.NewInt(65537)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	n, d := new(big.Int).Mul(p, q), new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
	dp, dq, qi := new(big.Int).Mod(d, p1), new(big.Int).Mod(d, q1), new(big.Int).ModInverse(q, p)
	pkcs1, err := asn1.Marshal(struct {
		Version                     int
		N, E, D, P, Q, DP, DQ, Qinv *big.Int
	}{0, n, e, d, p, q, dp, dq, qi})
	if err != nil {
		t.Fatal(err)
	}
	rsa := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}
	pkcs8, err := asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{0, rsa, pkcs1})
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]string{"kty": "RSA", "kid": "a"}
	for name, v := range map[string]*big.Int{"n": n, "e": e, "d": d, "p": p, "q": q, "dp": dp, "dq": dq, "qi": qi} {
		members[name] = base64.RawURLEncoding.EncodeToString(v.Bytes())
	}
	jwk, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string][]byte{
		"JWK": jwk, "PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1}),
		"PKCS #8": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	} {
		_, err := intake.Take(intake.Source{Text: text}, intake.Ask{})
		if r, ok := errors.AsType[*intake.Refusal](err); !ok || r.Code != intake.ClosePrimes {
			t.Errorf("%s: %v", form, err)
		}
	}
}
