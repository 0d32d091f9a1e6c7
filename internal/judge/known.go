package judge

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"strings"
	"sync"
	"unicode"

	"github.com/keyrotate/rotate/internal/judge/rice"
)

// packedKnown is what gen/known.go makes of lists of public secrets: hashes
// alone, so that nobody finds a list of secrets in the program. data/SOURCES.md
// names the lists and their licences.
//
//go:embed data/known.rice
var packedKnown string

// The sets of packedKnown, in their order.
const (
	setCollected = iota
	setDefaults
	setDigests
	setKeys
	sets
)

// Who published what is known.
const (
	FromCollection = "wallarm/jwt-secrets"
	FromDefaults   = "documentation and defaults of frameworks"
	FromKeys       = "keys of standards and test suites"
)

var knownSets = sync.OnceValue(func() [sets]rice.Set {
	all, err := rice.Parse(packedKnown)
	if err != nil || len(all) != sets {
		panic("internal/judge: data/known.rice is damaged")
	}
	return [sets]rice.Set(all)
})

// The kinds of what is hashed: a text as it stands, and bytes that a text
// decodes to or that a key is made of.
const (
	KindText  = 't'
	KindBytes = 'b'
)

// KnownHash is what the sets hold of a secret. gen uses it, too.
func KnownHash(kind byte, secret string) uint64 {
	text := make([]byte, 0, 128)
	sum := sha256.Sum256(append(append(text, kind), secret...))
	return binary.BigEndian.Uint64(sum[:])
}

// published tells who made a reading known, with a small change or without.
func published(r reading) (reasons []Reason) {
	n := len(r.runes)
	if r.how != AsIs {
		hash := KnownHash(KindBytes, r.bytes)
		if knownSets()[setDigests].Has(hash) {
			reasons = append(reasons, Reason{Code: Digest, In: r.how, N: n})
		}
		if from := publisher(hash); from != "" {
			return append(reasons, Reason{Code: Known, In: r.how, N: n, From: from})
		}
	}
	if r.binary {
		return reasons
	}
	for _, text := range variants(r.bytes) {
		if from := publisher(KnownHash(KindText, text)); from != "" {
			return append(reasons, Reason{Code: Known, In: r.how, N: n, From: from})
		}
	}
	if isMarked(r.bytes) {
		reasons = append(reasons, Reason{Code: Placeholder, In: r.how, N: n})
	}
	return reasons
}

func publisher(hash uint64) string {
	switch all := knownSets(); {
	case all[setDefaults].Has(hash):
		return FromDefaults
	case all[setCollected].Has(hash):
		return FromCollection
	}
	return ""
}

// variants are a text and what it was before somebody quoted it, put capitals
// into it or a few digits and signs behind it. Each one more makes false alarms
// more likely, see docs/judge.md.
func variants(text string) []string {
	all := []string{text}
	add := func(t string) {
		if t != "" && t != all[len(all)-1] {
			all = append(all, t)
		}
	}
	bare := strings.Trim(strings.TrimSpace(text), `"'`)
	add(bare)
	add(strings.ToLower(bare))
	const few = 4
	cut := strings.TrimRightFunc(bare, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(bare)-len(cut) <= few && len(cut) >= few {
		add(cut)
	}
	return all
}

// markers are what makers of templates write into a secret so that nobody keeps
// it, without the signs between. Django's checks refuse its own, too
// (security.W009).
var markers = [][]byte{
	[]byte("djangoinsecure"), []byte("changeme"), []byte("changethis"), []byte("replaceme"), []byte("replacethis"),
	[]byte("donotuse"), []byte("placeholder"),
}

func isMarked(text string) bool {
	bare := make([]byte, 0, 128)
	for i := range len(text) {
		switch b := text[i]; {
		case b >= 'a' && b <= 'z':
			bare = append(bare, b)
		case b >= 'A' && b <= 'Z':
			bare = append(bare, b-'A'+'a')
		}
	}
	for _, m := range markers {
		if bytes.Contains(bare, m) {
			return true
		}
	}
	return false
}
