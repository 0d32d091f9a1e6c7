package keyset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/keyrotate/rotate/secret"
)

// Parse reads and checks a document, whatever its white space. The error joins
// every mistake found and matches each one's Err… value; it quotes kids and
// names of members, nothing else of the document.
func Parse(data []byte) (*Set, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(data))
	}
	if !utf8.Valid(data) {
		return nil, ErrUTF8
	}
	// A text in canonical form says nothing twice, so it is read in one go. Most
	// texts are, since rotate wrote them. Any other is taken apart token by token,
	// which takes longer and finds out what is wrong.
	if s, err := ofTree(decode(data)); err == nil && bytes.Equal(s.text(), data) {
		return s, nil
	}
	tree, err := readTree(data)
	if err != nil {
		return nil, err
	}
	s, err := ofTree(tree)
	if err != nil {
		return nil, err
	}
	if digestOf(s.tree(true)) != s.Digest {
		// It would be another document once written again: a zero where nothing
		// belongs, a number with leading zeros, a part of an RSA key that does not
		// fit the rest.
		return nil, fmt.Errorf("%w: it is not in the form that rotate writes", ErrMalformed)
	}
	return s, nil
}

// ofTree reads a document from a tree, with every check that needs no text.
func ofTree(tree map[string]any) (*Set, error) {
	// guard 6: the schema is checked
	if tree["schema"] != Schema && tree["schema"] != RemovedSchema {
		return nil, fmt.Errorf("%w: this program knows %s", ErrSchema, Schema)
	}
	if _, removed := tree["removed"]; removed != (tree["schema"] == RemovedSchema) {
		return nil, fmt.Errorf("%w: the schema %s is for keys that were removed, and for no others", ErrMalformed, RemovedSchema)
	}
	digest := digestOf(tree)
	s, texts, err := readSet(&members{m: tree})
	// guard 6: the digest is checked
	if s.Digest != digest {
		err = errors.Join(err, ErrDigest)
	}
	return s, errors.Join(err, s.check(), s.checkTexts(texts))
}

// text is the document as Encode would write it.
func (s *Set) text() []byte {
	tree := s.tree(true)
	tree["digest"] = s.Digest
	return canonical(tree)
}

// digestOf hashes everything but the digest, which stays in the tree.
func digestOf(tree map[string]any) string {
	old, had := tree["digest"]
	delete(tree, "digest")
	sum := sha256.Sum256(canonical(tree))
	if had {
		tree["digest"] = old
	}
	return "sha-256:" + hex.EncodeToString(sum[:])
}

// readSet takes the members out of a tree. It also returns the three texts
// that repeat keys.
func readSet(m *members) (*Set, [3]secret.Text, error) {
	m.take("schema")
	s := &Set{
		Name: m.word("name"), Environment: m.word("environment"), Lineage: m.kid("lineage"),
		Generation: m.count("generation"),
		Parent:     m.optWord("parent"), Write: m.optWord("write"), Digest: m.word("digest"),
		Dropped:   m.optCount("dropped"),
		Accepted:  m.optCount("accepted"),
		MinWriter: int(m.optNumber("min_writer")),
	}
	var texts [3]secret.Text
	s.Removing, s.Removed, s.After = readRemoval(m), readTomb(m), readLines(m)
	for i, name := range []string{"current", "next", "previous"} {
		if s.Removed == nil {
			texts[i] = secret.New([]byte(m.text(name)))
		}
	}
	m.objects("keys", func(o *members) { s.Keys = append(s.Keys, readKey(o)) })
	s.Ready, s.Settled = readMark(m, "ready"), readMark(m, "settled")
	s.Paused = readPause(m)
	s.History = readHistory(m)
	m.objects("gone", func(o *members) {
		s.Gone = append(s.Gone, Gone{
			Kid: o.kid("kid"), At: o.someTime("at"), Made: o.optCount("made"), Generation: o.optCount("generation"),
			How: o.optWord("how"), Erased: o.time("erased"), Until: o.time("until"), extra: o.rest(),
		})
	})
	m.objects("requests", func(o *members) {
		s.Requests = append(s.Requests, Request{
			ID: o.kid("id"), From: o.word("from"), At: o.someTime("at"), By: o.optWord("by"), Named: o.flag("named"), extra: o.rest(),
		})
	})
	m.objects("outputs", func(o *members) {
		s.Outputs = append(s.Outputs, Output{Name: o.line("name"), Format: o.optWord("format"), Variables: o.words("variables"), extra: o.rest()})
	})
	for _, v := range m.optList("revoked") {
		o := &members{path: m.path, m: map[string]any{"revoked": v}}
		s.Revoked = append(s.Revoked, o.kid("revoked"))
		m.errs = append(m.errs, o.errs...)
	}
	s.extra = m.rest()
	return s, texts, errors.Join(m.errs...)
}

func readKey(m *members) Key {
	k := Key{
		Kid: m.kid("kid"), Status: Status(m.text("status")), Adopted: m.flag("adopted"), Made: m.optCount("made"),
		Issued: m.time("iat"), NotBefore: m.time("nbf"), Expires: m.time("exp"),
	}
	if err := k.readJWK(m); err != nil {
		m.errs = append(m.errs, fmt.Errorf("%skid %s: %w", m.path, k.Kid, err))
	}
	for _, name := range privateMembers {
		// guard 9: stray private members are refused
		if m.has(name) {
			m.errs = append(m.errs, fmt.Errorf("%w: %s%s", ErrPrivate, m.path, name))
		}
	}
	k.extra = m.rest()
	return k
}

func readMark(m *members, name string) *Mark {
	if !m.has(name) {
		return nil
	}
	var mark Mark
	m.object(m.take(name), name, func(o *members) {
		mark = Mark{Kid: o.kid("kid"), At: o.someTime("at"), Places: o.kid("outputs"), extra: o.rest()}
	})
	return &mark
}

func readPause(m *members) *Pause {
	if !m.has("paused") {
		return nil
	}
	var p Pause
	m.object(m.take("paused"), "paused", func(o *members) {
		p = Pause{At: o.someTime("at"), Until: o.someTime("until"), By: o.optWord("by"), Reason: o.optWord("reason"), extra: o.rest()}
	})
	return &p
}

// readHistory reads pairs [generation, digest].
func readHistory(m *members) []Past {
	var past []Past
	for _, v := range m.optList("history") {
		pair, _ := v.([]any)
		if len(pair) != 2 {
			m.fail("history", "a list of pairs")
			return nil
		}
		o := &members{path: "history.", m: map[string]any{"generation": pair[0], "digest": pair[1]}}
		past = append(past, Past{Generation: o.count("generation"), Digest: o.text("digest")})
		m.errs = append(m.errs, o.errs...)
	}
	return past
}

// check compares the keys with each other.
func (s *Set) check() error {
	var errs []error
	count := map[Status]int{}
	kids := map[string]bool{}
	for _, k := range s.Keys {
		count[k.Status]++
		if kids[k.Kid] {
			errs = append(errs, fmt.Errorf("%w: %s", ErrDuplicateKid, k.Kid))
		}
		kids[k.Kid] = true
		if slices.Contains(s.Revoked, k.Kid) {
			errs = append(errs, fmt.Errorf("%w: %s", ErrRevoked, k.Kid))
		}
		errs = append(errs, k.checkStatus())
	}
	errs = append(errs, s.checkRemoval(count)...)
	if count[Next] > 1 {
		errs = append(errs, ErrTwoNext)
	}
	if len(s.Keys) > MaxLive {
		errs = append(errs, ErrTooManyKeys)
	}
	if !slices.IsSortedFunc(s.Keys, inOrder) {
		errs = append(errs, fmt.Errorf("%w: keys stand in the order current, next, previous, the youngest first", ErrDates))
	}
	if s.Generation == 0 {
		errs = append(errs, fmt.Errorf("%w: generation 0", ErrMalformed))
	}
	return errors.Join(append(errs, s.checkPause())...)
}

// inOrder sorts keys as a document lists them.
func inOrder(a, b Key) int {
	rank := map[Status]int{Current: 0, Next: 1, Previous: 2}
	if d := rank[a.Status] - rank[b.Status]; d != 0 {
		return d
	}
	return b.NotBefore.Compare(a.NotBefore)
}

// checkStatus checks one key's dates and private half against its status.
func (k Key) checkStatus() error {
	var errs []error
	ordered := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: kid %s: %s", ErrDates, k.Kid, what))
		}
	}
	ordered(!k.Issued.IsZero(), "no iat")
	switch k.Status {
	case Next:
		ordered(k.NotBefore.IsZero() && k.Expires.IsZero(), "nbf or exp on the next key")
	case Current:
		ordered(!k.NotBefore.Before(k.Issued), "nbf is before iat")
		ordered(k.Expires.IsZero(), "exp on the current key")
	case Previous:
		ordered(!k.NotBefore.Before(k.Issued), "nbf is before iat")
		ordered(k.Expires.IsZero() || !k.Expires.Before(k.NotBefore), "exp is before nbf")
		// guard 9: a private half that only verifies is refused
		if k.Private() && !k.Alg.Symmetric() {
			errs = append(errs, fmt.Errorf("%w: kid %s", ErrPrivate, k.Kid))
		}
	default:
		errs = append(errs, fmt.Errorf("%w: kid %s: unknown status", ErrMalformed, k.Kid))
	}
	if k.Status != Previous && k.Alg.Known() && !k.Private() {
		errs = append(errs, fmt.Errorf("%w: kid %s cannot sign: its private half is missing", ErrBadKey, k.Kid))
	}
	return errors.Join(errs...)
}

// texts are the three values that most applications read: current, next and
// previous. If there is no next or previous key, its value repeats current,
// because templates render a missing value as a text that libraries take for a
// key. Of an asymmetric key it repeats the public half: whoever only verifies
// must not sign.
func (s *Set) texts() [3]secret.Text {
	current := s.Signing()
	standIn := current
	standIn.Status = Previous
	texts := [3]secret.Text{current.Text(), standIn.Text(), standIn.Text()}
	if k, ok := s.Next(); ok {
		texts[1] = k.Text()
	}
	if p := s.Previous(); len(p) > 0 {
		texts[2] = p[0].Text()
	}
	return texts
}

// checkTexts refuses a document whose three values are not those of its keys.
func (s *Set) checkTexts(got [3]secret.Text) error {
	if len(s.Keys) == 0 {
		return nil // reported by check
	}
	for i, want := range s.texts() {
		if !want.Equal(got[i]) {
			return ErrTextMismatch
		}
	}
	return nil
}

// seconds is what the document keeps of a time.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
