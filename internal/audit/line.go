package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/keyrotate/rotate/rotation/engine"
)

// A Line is an event as it stands in the file. Lines of older versions have no
// link.
type Line struct {
	engine.Event
	Link
	Previous string `json:"previous,omitempty"` // digest of the line before it in its chain; for the first, of the line that the writer found last
}

// A Link is one line's place in the chain of its writer.
type Link struct {
	Writer string `json:"writer,omitempty"` // host, process id and a random part: one process's lines
	Number uint64 `json:"number,omitempty"` // from 1
	Digest string `json:"digest,omitempty"` // SHA-256, in hex, of the line up to the comma before this member
}

// newChain is the name of a chain that nobody has yet.
func newChain() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:10])
}

// digestMember is how the last member of a line begins.
const digestMember = `,"digest":"`

// encode is the line of an event that follows last in its chain, and its link.
func encode(last Link, ev engine.Event) ([]byte, Link, error) {
	next := Link{Writer: last.Writer, Number: last.Number + 1}
	text, err := json.Marshal(Line{ev, next, last.Digest})
	if err != nil {
		return nil, Link{}, err
	}
	text = text[:len(text)-1] // its brace
	next.Digest = digestOf(text)
	return fmt.Appendf(text, "%s%s\"}\n", digestMember, next.Digest), next, nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var errNoEvent = errors.New("no event")

// decode takes a line without its line end. The error is that it is none.
func decode(text []byte) (Line, error) {
	var l Line
	if err := json.Unmarshal(text, &l); err != nil || l.Time.IsZero() || l.Action == "" {
		return l, errNoEvent
	}
	return l, nil
}

// whole reports whether a line is as its writer made it.
func (l Line) whole(text []byte) bool {
	body, rest, ok := cutLast(text, digestMember)
	return ok && rest == l.Digest+`"}` && digestOf(body) == l.Digest
}

func cutLast(text []byte, sep string) (before []byte, after string, found bool) {
	i := bytes.LastIndex(text, []byte(sep))
	if i < 0 {
		return text, "", false
	}
	return text[:i], string(text[i+len(sep):]), true
}
