package keygen_test

import (
	"bytes"
	"testing"
	"testing/cryptotest"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Everything of a key comes from the system's source of randomness: where that
// is made to repeat itself, so does the key, kid and all, and where it does not,
// nothing of the key does.
func TestKeysComeFromTheSystemsRandomness(t *testing.T) {
	specs := map[string]keygen.Spec{
		"HS256":        {Algorithm: keyset.HS256},
		"HS512, bytes": {Algorithm: keyset.HS512, AsBytes: true},
		"opaque":       {Algorithm: keyset.Opaque, Prefix: "sk_", Bytes: 40},
		"ES256":        {Algorithm: keyset.ES256},
		"Ed25519":      {Algorithm: keyset.Ed25519},
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			draw := func(seed uint64) (key keyset.Key) {
				t.Run("", func(t *testing.T) {
					cryptotest.SetGlobalRandom(t, seed)
					var err error
					if key, err = spec.New(); err != nil {
						t.Fatal(err)
					}
				})
				return key
			}
			material := func(k keyset.Key) []byte {
				if k.Alg.Symmetric() {
					return k.Text().Reveal()
				}
				return k.PrivatePEM().Reveal()
			}
			one, again, other := draw(1), draw(1), draw(2)
			if !bytes.Equal(material(one), material(again)) || one.Kid != again.Kid {
				t.Error("the same randomness gives another key: some of it comes from elsewhere")
			}
			if bytes.Equal(material(one), material(other)) || one.Kid == other.Kid {
				t.Error("other randomness gives the same key or kid")
			}
		})
	}
}
