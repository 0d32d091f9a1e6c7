package judge_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
)

// BenchmarkText tells what one text costs, by its kind.
func BenchmarkText(b *testing.B) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	for _, c := range []struct{ name, text string }{
		{"base64url", base64.RawURLEncoding.EncodeToString(raw)},
		{"hex", hex.EncodeToString(raw)},
		{"sentence", "this is the secret key that I am using to sign JSON web tokens"},
		{"password", "Summer2026!"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				judge.Text([]byte(c.text), judge.Context{MinBytes: 32})
			}
		})
	}
}
