package keygen

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// A form is how a private key is written inside its PEM.
type form string

// The forms that are read, by their label (RFC 7468 §10, RFC 8017 A.1.2,
// RFC 5915 §4).
const (
	pkcs8 form = "PKCS #8"
	pkcs1 form = "PKCS #1"
	sec1  form = "SEC 1"
)

// privateKey finds the one private key in a PEM file. What stands beside it,
// such as EC PARAMETERS or a certificate, is passed over. Line ends may be
// written as \n, the way variables hold a PEM; PEM itself has no backslash.
func privateKey(file []byte) (crypto.Signer, form, error) {
	rest := bytes.ReplaceAll(file, []byte(`\n`), []byte("\n"))
	var found crypto.Signer
	var foundForm form
	var others []string
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		signer, f, err := readBlock(block)
		switch {
		case err != nil:
			return nil, "", err
		case signer == nil:
			others = append(others, block.Type)
		case found != nil:
			return nil, "", errors.New("the PEM holds more than one private key: adopt the one that signs")
		default:
			found, foundForm = signer, f
		}
	}
	switch {
	case found != nil:
		return found, foundForm, nil
	case len(others) > 0:
		return nil, "", fmt.Errorf("the PEM holds no private key, only %q: what signs is needed", others)
	}
	return nil, "", errors.New("the value begins like PEM but is not: were its line ends lost?")
}

// readBlock reads a private key; nil if the block is something else. The
// errors of x509 are left out: they could quote what they read.
func readBlock(block *pem.Block) (crypto.Signer, form, error) {
	var key any
	var err error
	var f form
	switch block.Type {
	case "PRIVATE KEY":
		f = pkcs8
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		f = pkcs1
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		f = sec1
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, "", errEncrypted
	default:
		return nil, "", nil
	}
	if block.Headers["DEK-Info"] != "" { // RFC 1421 §4.6.1.3, as old OpenSSL writes it
		return nil, "", errEncrypted
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok || commonAlgorithm(signer) == "" {
		return nil, "", fmt.Errorf("the PEM block %q does not hold a private key of RSA, P-256, P-384, P-521 or Ed25519 that can be read", block.Type)
	}
	return signer, f, nil
}

var errEncrypted = errors.New("the private key is encrypted with a passphrase: decrypt it first (openssl pkey -in key.pem)")

// commonAlgorithm is what a key is most likely used with; "" for a kind that
// serves no algorithm. An Ed25519 key in use today is EdDSA to its verifiers:
// few know the name of RFC 9864 yet.
func commonAlgorithm(key crypto.Signer) keyset.Algorithm {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return keyset.RS256
	case *ecdsa.PrivateKey:
		for _, alg := range []keyset.Algorithm{keyset.ES256, keyset.ES384, keyset.ES512} {
			if key.Curve == alg.Curve() {
				return alg
			}
		}
	case ed25519.PrivateKey:
		return keyset.EdDSA
	}
	return ""
}
