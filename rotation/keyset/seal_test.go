package keyset_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// reseal gives an edited document the digest that it ought to have. It is
// written apart from the package's own, to hold it against the definition:
// SHA-256 over the canonical document without the member digest.
func reseal(t tb, doc []byte) []byte {
	t.Helper()
	var digest string
	without := edit(t, doc, func(m map[string]any) { delete(m, "digest") })
	sum := sha256.Sum256(without)
	digest = "sha-256:" + hex.EncodeToString(sum[:])
	return edit(t, without, func(m map[string]any) { m["digest"] = digest })
}

func TestDigestIsOverTheCanonicalDocument(t *testing.T) {
	doc := encode(t, full(t))
	var a, b struct{ Digest string }
	if json.Unmarshal(doc, &a) != nil || json.Unmarshal(reseal(t, doc), &b) != nil {
		t.Fatal("not JSON")
	}
	if a != b {
		t.Errorf("digest %s, want %s", a.Digest, b.Digest)
	}
}
