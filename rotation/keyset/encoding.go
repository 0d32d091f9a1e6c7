package keyset

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// An Encoding turns random bytes into the text of a symmetric key.
type Encoding string

// The encodings of RFC 4648. Base64URL has no padding, as in RFC 7515.
const (
	Base64URL Encoding = "base64url"
	Base64    Encoding = "base64"
	Hex       Encoding = "hex"
)

// Encode writes b as text. An unknown encoding is Base64URL; ParseEncoding
// keeps those out.
func (e Encoding) Encode(b []byte) string {
	switch e {
	case Base64:
		return base64.StdEncoding.EncodeToString(b)
	case Hex:
		return hex.EncodeToString(b)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseEncoding takes an encoding's name as it stands in a config or document.
func ParseEncoding(s string) (Encoding, error) {
	switch e := Encoding(s); e {
	case Base64URL, Base64, Hex:
		return e, nil
	}
	return "", fmt.Errorf("unknown encoding %q; known are base64url, base64 and hex", s)
}
