package intake

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/ssh"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// The labels of private keys, and what their form is called: RFC 7468 §10 and
// §11, RFC 8017 A.1.2, RFC 5915 §4, and OpenSSH's PROTOCOL.key.
const (
	labelPKCS8     = "PRIVATE KEY"
	labelEncrypted = "ENCRYPTED PRIVATE KEY"
	labelPKCS1     = "RSA PRIVATE KEY"
	labelSEC1      = "EC PRIVATE KEY"
	labelOpenSSH   = "OPENSSH PRIVATE KEY"
)

var forms = map[string]string{
	labelPKCS8: "PKCS #8", labelEncrypted: "encrypted PKCS #8", labelPKCS1: "PKCS #1", labelSEC1: "SEC 1", labelOpenSSH: "OpenSSH's own",
}

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// takePEM takes the one private key of a PEM file. What stands beside it, such
// as EC PARAMETERS or a certificate, is passed over.
func (t *taker) takePEM(data []byte) error {
	k, err := t.pemKey(data, t.ask.Kid)
	if err != nil {
		return err
	}
	if t.ask.Signs != "" && t.ask.Signs != k.Kid {
		return &Refusal{Code: NoSuchSigner, Kids: []string{k.Kid}}
	}
	t.Keys = append(t.Keys, k)
	return nil
}

func (t *taker) pemKey(data []byte, kid string) (keyset.Key, error) {
	if r := quoted(string(data)); r != nil {
		return keyset.Key{}, r
	}
	signer, err := t.privateKey(data)
	if err != nil {
		return keyset.Key{}, err
	}
	alg, err := t.algorithmOf(signer.Public())
	if err != nil {
		return keyset.Key{}, err
	}
	return t.pair(kid, alg, signer)
}

// pair is the key of a private key, if it is long enough.
func (t *taker) pair(kid string, alg keyset.Algorithm, signer crypto.Signer) (keyset.Key, error) {
	k, err := keyset.AdoptAsymmetric(kid, alg, signer)
	if err != nil {
		return k, &Refusal{Code: OtherAlgorithm, Name: kindOfKey(signer.Public()), Members: []string{string(alg)}}
	}
	return k, t.length(k.Kid, signer.Public())
}

// The lengths of RSA keys in bits: below 1024 a key can be factored by one
// person (RSA-768, 2009), below 2048 it may not be used (RFC 7518 §3.3).
const (
	leastRSA  = 1024
	enoughRSA = 2048
)

func (t *taker) length(kid string, public crypto.PublicKey) error {
	pub, ok := public.(*rsa.PublicKey)
	if !ok || pub.N.BitLen() >= enoughRSA {
		return nil
	}
	if pub.N.BitLen() < leastRSA {
		return &Refusal{Code: ShortRSA, Have: pub.N.BitLen(), Want: leastRSA, Kids: []string{kid}}
	}
	t.Short = append(t.Short, Note{Code: WeakRSA, N: pub.N.BitLen(), Kids: []string{kid}})
	return nil
}

// algorithmOf is the config's, or what a key is most likely used with. An
// Ed25519 key in use today is EdDSA to its verifiers: few know the name of RFC
// 9864 yet.
func (t *taker) algorithmOf(public crypto.PublicKey) (keyset.Algorithm, error) {
	want := t.ask.Spec.Algorithm
	switch {
	case want == "":
		want = common(public)
		t.once(Note{Code: GuessedPair, Name: string(want)})
	case want.Symmetric():
		return "", &Refusal{Code: NeedsText, Name: string(want)}
	}
	return want, nil
}

func common(public crypto.PublicKey) keyset.Algorithm {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return keyset.RS256
	case *ecdsa.PublicKey:
		for _, alg := range []keyset.Algorithm{keyset.ES256, keyset.ES384, keyset.ES512} {
			if public.Curve == alg.Curve() {
				return alg
			}
		}
	case ed25519.PublicKey:
		return keyset.EdDSA
	}
	return ""
}

// kindOfKey is what people call a key's kind.
func kindOfKey(public crypto.PublicKey) string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return public.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// privateKey finds the one private key. Line ends may be written as \n, the way
// variables hold a PEM, and lines may be indented, as in YAML: PEM itself has no
// backslash, and no blanks at either end of a line.
func (t *taker) privateKey(data []byte) (crypto.Signer, error) {
	rest := bytes.ReplaceAll(data, []byte(`\r\n`), []byte("\n"))
	rest = bytes.ReplaceAll(rest, []byte(`\n`), []byte("\n"))
	if len(rest) < len(data) {
		t.once(Note{Code: EscapedLines})
	}
	if trimmed := trimLines(rest); len(trimmed) < len(rest) {
		rest = trimmed
	}
	var found *pem.Block
	var others []string
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch _, private := forms[block.Type]; {
		case !private:
			others = append(others, block.Type)
		case found != nil:
			return nil, &Refusal{Code: SeveralPrivate}
		default:
			found = block
		}
	}
	switch {
	case found == nil && len(others) > 0:
		return nil, &Refusal{Code: NoPrivate, Members: others}
	case found == nil:
		return nil, &Refusal{Code: DamagedPEM}
	}
	others = slices.DeleteFunc(others, func(label string) bool { return label == "EC PARAMETERS" })
	if len(others) > 0 {
		t.once(Note{Code: PassedOver, Members: others})
	}
	return t.read(found)
}

// trimLines takes the blanks off both ends of each line.
func trimLines(data []byte) []byte {
	lines := bytes.Split(data, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimSpace(line)
	}
	return bytes.Join(lines, []byte("\n"))
}

// read reads a private key. The errors of libraries are left out: they could
// quote what they read.
func (t *taker) read(block *pem.Block) (crypto.Signer, error) {
	form := forms[block.Type]
	encrypted := block.Headers["DEK-Info"] != "" // RFC 1421 §4.6.1.3, as old OpenSSL writes it
	var key any
	var err error
	switch {
	case block.Type == labelEncrypted && !knownEncryption(block.Bytes):
		return nil, &Refusal{Code: UnknownCipher}
	case block.Type == labelEncrypted:
		key, err = t.unlocked(func(pass []byte) (any, error) { return decryptPKCS8(block.Bytes, pass) })
	case encrypted:
		form = "encrypted " + form
		key, err = t.unlocked(func(pass []byte) (any, error) {
			return ssh.ParseRawPrivateKeyWithPassphrase(pem.EncodeToMemory(block), pass)
		})
	case block.Type == labelOpenSSH:
		key, err = ssh.ParseRawPrivateKey(pem.EncodeToMemory(block))
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			form = "encrypted " + form
			key, err = t.unlocked(func(pass []byte) (any, error) {
				return ssh.ParseRawPrivateKeyWithPassphrase(pem.EncodeToMemory(block), pass)
			})
		}
	case block.Type == labelPKCS1:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == labelSEC1:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if refused := (*Refusal)(nil); errors.As(err, &refused) || errors.Is(err, errAsked) {
		return nil, err
	}
	if ed, ok := key.(*ed25519.PrivateKey); ok && ed != nil { // as ssh has it
		key = *ed
	}
	signer, ok := key.(crypto.Signer)
	if err != nil && closeInDER(block.Bytes) {
		return nil, &Refusal{Code: ClosePrimes}
	}
	if err != nil || !ok || common(signer.Public()) == "" {
		return nil, &Refusal{Code: UnknownKey, Kind: block.Type}
	}
	if block.Type != labelPKCS8 || encrypted {
		t.once(Note{Code: OtherForm, Name: form})
	}
	return signer, nil
}

// errAsked marks an error of the function that asks for the passphrase.
var errAsked = errors.New("the passphrase was not given")

// unlocked reads an encrypted key with the passphrase, which is asked for.
func (t *taker) unlocked(read func(pass []byte) (any, error)) (any, error) {
	if t.ask.Passphrase == nil {
		return nil, &Refusal{Code: NeedsPassphrase}
	}
	pass, err := t.ask.Passphrase()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAsked, err)
	}
	t.ask.Passphrase = func() (secret.Text, error) { return pass, nil }
	key, err := read(pass.Reveal())
	if err != nil {
		return nil, &Refusal{Code: WrongPassphrase}
	}
	return key, nil
}

// Object identifiers of RFC 8018 (PBES2, PBKDF2, CBC modes) and RFC 7914 (scrypt).
var (
	pbes2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	ciphers   = []string{"1.2.840.113549.3.7", "2.16.840.1.101.3.4.1.2", "2.16.840.1.101.3.4.1.22", "2.16.840.1.101.3.4.1.42"}
)

// knownEncryption tells an encryption that cannot be read from a wrong passphrase.
// PBES1, which OpenSSL wrote until 1.1, cannot.
func knownEncryption(der []byte) bool {
	var outer struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	var params struct{ Derivation, Cipher pkix.AlgorithmIdentifier }
	if _, err := asn1.Unmarshal(der, &outer); err != nil || !outer.Algorithm.Algorithm.Equal(pbes2) {
		return false
	}
	_, err := asn1.Unmarshal(outer.Algorithm.Parameters.FullBytes, &params)
	return err == nil && len(outer.Data)%8 == 0 && affordable(params.Derivation) && slices.Contains(ciphers, params.Cipher.Algorithm.String())
}

// affordable refuses a derivation that is not known, or that would take minutes
// or gigabytes: a file that was made for that, or a damaged one.
func affordable(derivation pkix.AlgorithmIdentifier) bool {
	var scrypt struct {
		Salt    []byte
		N, R, P int
	}
	params := derivation.Parameters.FullBytes
	switch {
	case derivation.Algorithm.Equal(oidPBKDF2):
		// What follows the count may be left out, so the rest is not looked at.
		var whole asn1.RawValue
		if _, err := asn1.Unmarshal(params, &whole); err != nil {
			return false
		}
		var salt []byte
		var iterations int
		rest, err := asn1.Unmarshal(whole.Bytes, &salt)
		if err == nil {
			_, err = asn1.Unmarshal(rest, &iterations)
		}
		return err == nil && iterations <= 10_000_000
	case derivation.Algorithm.Equal(oidScrypt):
		_, err := asn1.Unmarshal(params, &scrypt)
		return err == nil && scrypt.N <= 1<<20 && scrypt.R <= 16 && scrypt.P <= 16
	}
	return false
}

// decryptPKCS8 makes an error of a panic: the library trusts the lengths in what
// it reads.
func decryptPKCS8(der, pass []byte) (key any, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be decrypted")
		}
	}()
	if len(pass) == 0 { // which the library takes for a key that is not encrypted
		return nil, errors.New("no passphrase")
	}
	return pkcs8.ParsePKCS8PrivateKey(der, pass)
}
