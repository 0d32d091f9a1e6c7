package awssm

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// A label is the staging label that rotate puts on each version it writes:
//
//	rotate/SEQ/TIME/NONCE/GENERATION/LINEAGE/DIGEST[/GENERATION/DIGEST of the witness]
//
// A label stands on one version at a time: whoever puts it on another version takes it from the first. The nonce keeps
// two writers apart. It is the beginning of the version's id. The API gives labels 1 to 256 characters and no pattern
// (SecretVersionStageType); what is not plain is escaped.
type label struct {
	seq     uint64    // one more than the base's; 0 means that there is no label
	at      time.Time // the service's clock when it was written
	nonce   string
	note    providers.Note
	witness providers.Note // the newest note up to this version
}

const (
	prefix   = "rotate/"
	maxLabel = 256
	nonceLen = 12
)

// of tells whether the label was made for a version, as far as its id tells.
func (l label) of(id string) bool { return l.seq > 0 && strings.HasPrefix(id, l.nonce) }

// String is what stands in Secrets Manager.
func (l label) String() string {
	gen, lineage, digest := strconv.FormatUint(l.note.Generation, 10), l.note.Lineage, l.note.Digest
	if l.note == (providers.Note{}) {
		gen, lineage = "-", l.witness.Lineage
	}
	fields := []string{strconv.FormatUint(l.seq, 10), strconv.FormatInt(max(0, l.at.Unix()), 10), l.nonce, gen, lineage, digest}
	if l.witness != l.note {
		fields = append(fields, strconv.FormatUint(l.witness.Generation, 10), l.witness.Digest)
	}
	for i, f := range fields {
		fields[i] = url.PathEscape(f)
	}
	return prefix + strings.Join(fields, "/")
}

// parseLabel finds our label among others; the zero label if there is none.
func parseLabel(stages ...string) label {
	for _, text := range stages {
		fields := strings.Split(strings.TrimPrefix(text, prefix), "/")
		if !strings.HasPrefix(text, prefix) || len(fields) != 6 && len(fields) != 8 {
			continue
		}
		ok := true
		for i := range fields {
			var err error
			fields[i], err = url.PathUnescape(fields[i])
			ok = ok && err == nil
		}
		number := func(i int) uint64 {
			n, err := strconv.ParseUint(fields[i], 10, 63)
			ok = ok && err == nil
			return n
		}
		l := label{seq: number(0), nonce: fields[2]}
		if at := number(1); at > 0 {
			l.at = time.Unix(int64(at), 0).UTC() // #nosec G115 -- 63 bits are parsed
		}
		if fields[3] != "-" {
			l.note = providers.Note{Lineage: fields[4], Generation: number(3), Digest: fields[5]}
		}
		l.witness = l.note
		if len(fields) == 8 {
			l.witness = providers.Note{Lineage: fields[4], Generation: number(6), Digest: fields[7]}
		}
		if ok {
			return l
		}
	}
	return label{}
}
