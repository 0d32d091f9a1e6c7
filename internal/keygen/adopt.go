package keygen

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// An Adoption is an existing secret as a key.
type Adoption struct {
	Key   keyset.Key
	Weak  []string // why it should be replaced at once; empty for a sound key
	Notes []string // what was changed or guessed on the way
}

// The limits of what is taken in.
const (
	maxAdopted = 4096 // bytes; the PEM of an RSA key of 4096 bits has 3.2 KB
	maxKid     = 128
)

// Adopt takes in the raw value or PEM that applications use today, exactly as
// they read it; only one line end after the last line is cut, since editors
// and most commands add one. With an empty s.Algorithm a text is taken for
// HS256 and a PEM for what its key type is commonly used with. An empty kid is
// replaced as New makes them; otherwise it is what tokens carry today.
//
// With s.AsBytes the text is decoded as s.Encoding says.
func Adopt(s Spec, raw []byte, kid string) (Adoption, error) {
	var a Adoption
	if err := checkKid(kid); err != nil {
		return a, err
	}
	value := cutLineEnd(raw)
	switch {
	case len(value) == 0:
		return a, errors.New("there is nothing to adopt: the value is empty")
	case len(raw) > maxAdopted:
		return a, fmt.Errorf("the value has %d bytes, more than the %d that a keyset has room for", len(raw), maxAdopted)
	}
	if len(value) < len(raw) {
		a.Notes = append(a.Notes, "one line end after the value was cut; applications that read it as part of the key would differ")
	}
	var err error
	if bytes.Contains(value, []byte("-----BEGIN ")) {
		err = a.takePEM(s.Algorithm, value, kid)
	} else {
		err = a.takeText(s, value, kid)
	}
	if err != nil {
		return Adoption{}, err
	}
	return a, nil
}

func (a *Adoption) takePEM(alg keyset.Algorithm, value []byte, kid string) error {
	signer, form, err := privateKey(value)
	if err != nil {
		return err
	}
	if alg == "" {
		alg = commonAlgorithm(signer)
		a.note("taken for %s, as its key type is commonly used", alg)
	}
	if alg.Symmetric() {
		return fmt.Errorf("the value is a private key in PEM, which %s has no use for: name the algorithm that it signs with", alg)
	}
	if form != pkcs8 {
		a.note("the value was %s and is PKCS #8 from now on: the same key, in the form that current libraries all read", form)
	}
	if a.Key, err = keyset.AdoptAsymmetric(kid, alg, signer); err != nil {
		return err
	}
	a.judged(weakSigner(signer))
	return nil
}

func (a *Adoption) takeText(s Spec, value []byte, kid string) error {
	if s.Algorithm == "" {
		a.note("taken for HS256, as texts commonly are")
	}
	s = s.filled()
	if !s.Algorithm.Symmetric() {
		return fmt.Errorf("%s needs a private key in PEM, and the value is not one", s.Algorithm)
	}
	if !utf8.Valid(value) || bytes.ContainsRune(value, 0) {
		return errors.New("the value is not text, which variables and documents hold: adopt it in base64 or hex, with secret_as: bytes")
	}
	if last, _ := utf8.DecodeLastRune(value); unicode.IsSpace(last) {
		a.note("white space at the end is part of the key")
	}
	key, encoding := value, keyset.Encoding("")
	if s.AsBytes {
		var err error
		if key, err = decodeExactly(s.Encoding, string(value)); err != nil {
			return err
		}
		encoding = s.Encoding
	}
	if kid == "" {
		kid = RandomKid()
	}
	var err error
	a.Key, err = keyset.AdoptSymmetric(kid, s.Algorithm, secret.New(key), encoding)
	a.judged(weakText(s.Algorithm, len(key), string(value)))
	return err
}

func (a *Adoption) judged(weak, advice []string) {
	a.Weak, a.Notes = weak, append(a.Notes, advice...)
}

func (a *Adoption) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}

// decodeExactly refuses a text that would read differently once it is encoded
// again: its readers must find it unchanged.
func decodeExactly(e keyset.Encoding, text string) ([]byte, error) {
	var b []byte
	var err error
	switch e {
	case keyset.Base64:
		b, err = base64.StdEncoding.DecodeString(text)
	case keyset.Hex:
		b, err = hex.DecodeString(text)
	default:
		b, err = base64.RawURLEncoding.DecodeString(text)
	}
	if err != nil || e.Encode(b) != text {
		return nil, fmt.Errorf("the value is not in %s as rotate writes it, so its readers would find another text: choose the encoding that it is in, or leave secret_as: bytes out", e)
	}
	return b, nil
}

// cutLineEnd removes one \n or \r\n.
func cutLineEnd(b []byte) []byte {
	if cut, ok := bytes.CutSuffix(b, []byte("\n")); ok {
		return bytes.TrimSuffix(cut, []byte("\r"))
	}
	return b
}

// checkKid keeps out what could not stand in a log line or a token's header.
func checkKid(kid string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(kid) > maxKid || strings.ContainsFunc(kid, odd) {
		return fmt.Errorf("a kid is at most %d printable ASCII characters without spaces", maxKid)
	}
	return nil
}
