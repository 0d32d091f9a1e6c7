// Package keygen makes keys.
//
// It is the only place of rotate that draws key material. All of it comes from
// crypto/rand, and none of it stands in an error.
package keygen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Spec says what kind of key to make. Its zero value stands for the default:
// the text of 32 random bytes in base64url, for HS256.
type Spec struct {
	Algorithm keyset.Algorithm // "" is HS256
	Encoding  keyset.Encoding  // of a symmetric key's text; "" is base64url
	Bits      int              // of an RSA key; 0 is 3072
	Bytes     int              // random bytes of a symmetric key; 0 is the algorithm's least
	Prefix    string           // stands before the text of an opaque secret, such as sk_live_
	AsBytes   bool             // applications decode a symmetric key's text before use
}

// The limits of a Spec.
const (
	// DefaultBits is more than the least that JWA takes, 2048 (RFC 7518 §3.3):
	// those have 112 bits of strength, which NIST disallows after 2030
	// (SP 800-57 part 1, tables 2 and 4). 3072 has 128.
	DefaultBits = 3072

	// MaxBytes leaves room for eight live keys in a document of 20 KB. HMAC
	// gains nothing from keys longer than a block of its hash, 128 bytes at
	// most (RFC 2104 §3).
	MaxBytes = 256
)

// An OptionError is one option of a Spec that does not fit.
type OptionError struct {
	Option string // as the config names it
	Msg    string
}

// Error puts the option first.
func (e *OptionError) Error() string { return e.Option + ": " + e.Msg }

// prefixes are what shells, dotenv files and URLs leave as it is.
var prefixes = lazy.Regexp(`^[A-Za-z0-9_.-]{0,32}$`)

// Options are the options that the algorithm has a use for, as the config
// names them.
func Options(a keyset.Algorithm) []string {
	switch {
	case a == keyset.Opaque:
		return []string{"bytes", "encoding", "secret_as", "prefix"}
	case a.Symmetric():
		return []string{"bytes", "encoding", "secret_as"}
	case isRSA(a):
		return []string{"bits"}
	}
	return nil
}

// Validate joins an *OptionError for every option that is out of range or that
// the algorithm has no use for.
func (s Spec) Validate() error {
	f := s.filled()
	if !f.Algorithm.Known() {
		return &OptionError{"algorithm", fmt.Sprintf("unknown: %q; known are %v", s.Algorithm, keyset.Algorithms())}
	}
	var errs []error
	for _, option := range s.set() {
		if msg := f.mistake(option); msg != "" {
			errs = append(errs, &OptionError{option, msg})
		}
	}
	return errors.Join(errs...)
}

// set is the options that are not left to their defaults, besides the
// algorithm.
func (s Spec) set() (options []string) {
	for _, o := range [...]struct {
		name string
		set  bool
	}{
		{"bits", s.Bits != 0}, {"bytes", s.Bytes != 0}, {"encoding", s.Encoding != ""}, {"secret_as", s.AsBytes}, {"prefix", s.Prefix != ""},
	} {
		if o.set {
			options = append(options, o.name)
		}
	}
	return options
}

// mistake is what is wrong with an option that is set, "" if nothing is.
func (s Spec) mistake(option string) string {
	least := s.Algorithm.MinBytes()
	_, unknown := keyset.ParseEncoding(string(s.Encoding))
	switch {
	case !slices.Contains(Options(s.Algorithm), option):
		return fmt.Sprintf("%s keys have no such choice", s.Algorithm)
	case option == "bits" && !slices.Contains([]int{2048, 3072, 4096}, s.Bits):
		return "RSA keys are made with 2048, 3072 or 4096 bits"
	case option == "bytes" && (s.Bytes < least || s.Bytes > MaxBytes):
		return fmt.Sprintf("%s takes %d to %d random bytes", s.Algorithm, least, MaxBytes)
	case option == "encoding" && unknown != nil:
		return "one of base64url, base64 and hex"
	case option == "secret_as" && s.Prefix != "":
		return "a text with a prefix cannot be decoded: leave one of prefix and secret_as out"
	case option == "prefix" && !prefixes().MatchString(s.Prefix):
		return "at most 32 letters, digits, _, . and -"
	}
	return ""
}

// filled puts the defaults in.
func (s Spec) filled() Spec {
	s.Algorithm = cmp.Or(s.Algorithm, keyset.HS256)
	s.Encoding = cmp.Or(s.Encoding, keyset.Base64URL)
	s.Bits = cmp.Or(s.Bits, DefaultBits)
	s.Bytes = cmp.Or(s.Bytes, s.Algorithm.MinBytes())
	return s
}

func isRSA(a keyset.Algorithm) bool {
	switch a {
	case keyset.RS256, keyset.RS384, keyset.RS512, keyset.PS256, keyset.PS384, keyset.PS512:
		return true
	}
	return false
}
