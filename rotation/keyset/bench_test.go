package keyset_test

import (
	"testing"

	"github.com/keyrotate/rotate/rotation/keyset"
)

func BenchmarkParse(b *testing.B) {
	for name, s := range map[string]*keyset.Set{"HS256": full(b), "ES256": create(b, asymmetric(b, keyset.ES256)), "RS256": create(b, asymmetric(b, keyset.RS256))} {
		doc := encode(b, s)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keyset.Parse(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	s := full(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Encode("parent", "write"); err != nil {
			b.Fatal(err)
		}
	}
}
