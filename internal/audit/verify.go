package audit

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
)

// VerifiedSchema names the form of a Verified. Members may be added to it.
const VerifiedSchema = "rotate/audit-verify/v1"

// Verified is what the chains of an audit file, and of those that were moved away
// from it, show.
type Verified struct {
	Schema   string    `json:"schema"`          // rotate/audit-verify/v1
	Files    []string  `json:"files"`           // the oldest first
	Lines    int       `json:"lines"`           // that are events
	Older    int       `json:"older,omitempty"` // lines of a rotate that made no chains
	Chains   []Chain   `json:"chains"`          // the youngest last
	Findings []Finding `json:"findings"`        // in the order of the lines
	Worth    []string  `json:"worth"`           // what this proves, and what not
}

// A Chain is the lines of one writer, as far as they are there.
type Chain struct {
	Writer string    `json:"writer"` // the process that made it
	First  uint64    `json:"first"`  // number of its first line here
	Last   uint64    `json:"last"`   // number of its last line
	Digest string    `json:"digest"` // of the last
	At     time.Time `json:"at"`     // of the last

}

// A Finding is one place where a file is not as its writers left it.
type Finding struct {
	Kind   string `json:"kind"`             // spoilt, changed, missing, misplaced or unchained
	File   string `json:"file"`             // where it was found
	Line   int    `json:"line"`             // from 1
	Writer string `json:"writer,omitempty"` // of the chain, if it is known
	What   string `json:"what"`             // in words
}

// The kinds of findings.
const (
	Spoilt    = "spoilt"    // a line that is no event
	Altered   = "changed"   // a line that is not what its writer wrote
	Missing   = "missing"   // lines of a chain that are not there
	Misplaced = "misplaced" // a line that stands twice, or after a later one
	Unchained = "unchained" // lines without a chain, after lines that have one
)

// Verify reads the file at a path and those that were moved away from it, and
// follows each chain. The error is that of reading them.
func Verify(path string) (Verified, error) {
	files, err := Files(path)
	if err != nil {
		return Verified{}, err
	}
	v := verifier{chains: map[string]*Chain{}, seen: map[string]bool{}, findings: []Finding{}}
	read := []string{}
	for i, file := range files {
		v.file, v.oldest = file, i == 0 && len(files) > 1
		err := eachLine(file, v.line)
		if err != nil && (file == path || !errors.Is(err, fs.ErrNotExist)) {
			return Verified{}, err
		}
		read = append(read, file)
	}
	r := Verified{
		Schema: VerifiedSchema, Files: read, Lines: v.lines, Older: v.older,
		Chains: []Chain{}, Findings: v.findings, Worth: say.ChainsWorth(),
	}
	for _, c := range slices.SortedFunc(maps.Values(v.chains), func(a, b *Chain) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Writer, b.Writer))
	}) {
		r.Chains = append(r.Chains, *c)
	}
	return r, nil
}

// A verifier follows the chains line by line.
type verifier struct {
	file     string
	oldest   bool // of several: what came before it may have been deleted on purpose
	chains   map[string]*Chain
	seen     map[string]bool // digests
	lines    int
	older    int
	loose    bool // of unchained lines was told
	findings []Finding
}

func (v *verifier) find(kind string, n int, writer, what string) {
	v.findings = append(v.findings, Finding{kind, v.file, n, writer, what})
}

func (v *verifier) line(n int, text []byte) {
	l, err := decode(text)
	switch {
	case err != nil:
		v.find(Spoilt, n, "", say.NoEvent)
		return
	case l.Link == Link{} && l.Previous == "":
		v.unchained(n)
		return
	}
	v.lines++
	if !l.whole(text) {
		v.find(Altered, n, l.Writer, say.NotAsWritten(l.Number))
	}
	defer func() { v.seen[l.Digest] = true }()
	c := v.chains[l.Writer]
	if c == nil {
		v.begins(n, l)
		return
	}
	switch {
	case l.Number <= c.Last:
		v.find(Misplaced, n, l.Writer, say.OutOfOrder(l.Number, c.Last))
		return
	case l.Number > c.Last+1:
		v.find(Missing, n, l.Writer, say.Gap(c.Last+1, l.Number-1, false))
	case l.Previous != c.Digest:
		v.find(Altered, n, l.Writer, say.OtherBefore(l.Number, c.Last))
	}
	c.Last, c.Digest, c.At = l.Number, l.Digest, l.Time
}

// begins takes the first line that is there of a chain. The beginning of a chain
// may be in files that were deleted when they were old enough.
func (v *verifier) begins(n int, l Line) {
	if l.Number > 1 && !v.oldest {
		v.find(Missing, n, l.Writer, say.Gap(1, l.Number-1, true))
	}
	if l.Number == 1 && l.Previous != "" && !v.seen[l.Previous] {
		v.find(Missing, n, l.Writer, say.LastFound)
	}
	v.chains[l.Writer] = &Chain{Writer: l.Writer, First: l.Number, Last: l.Number, Digest: l.Digest, At: l.Time}
}

// unchained tells, once, of lines of an older rotate among those of newer ones:
// anyone can write such a line.
func (v *verifier) unchained(n int) {
	v.lines++
	v.older++
	if len(v.chains) > 0 && !v.loose {
		v.loose = true
		v.find(Unchained, n, "", say.NoChain)
	}
}
