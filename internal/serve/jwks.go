package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"weak"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// allKeys is the public halves of every key. It is whole or it is refused: a
// verifier that took a part for the whole would log the others' users out.
func (s *Server) allKeys(w http.ResponseWriter, r *http.Request) {
	var public []part
	for k := range s.Keys() {
		if asymmetric(&k) {
			public = append(public, part{k.Key, k.Set, k.Fresh()})
		}
	}
	s.serveKeys(w, r, public)
}

// oneKey is the public halves of one key. What is symmetric is answered as what
// does not exist is.
func (s *Server) oneKey(w http.ResponseWriter, r *http.Request) {
	if k, ok := s.Key(r.PathValue("name")); ok && asymmetric(&k) {
		s.serveKeys(w, r, []part{{k.Key, k.Set, k.Fresh()}})
		return
	}
	s.serveKeys(w, r, nil)
}

// A part is what one key adds to a JWK Set.
type part struct {
	key   string
	set   *keyset.Set // nil if it was not read yet
	fresh time.Duration
}

// asymmetric tells whether a key has public halves, or will: its keyset says so,
// or while none is known the config.
func asymmetric(k *live.Key) bool {
	if k.Removed {
		return false // it has none, and keeps no other from being served
	}
	if k.Set == nil {
		alg := k.Facts.Algorithm
		return alg != "" && !alg.Symmetric()
	}
	for _, key := range k.Set.Keys {
		if !key.Alg.Symmetric() {
			return true
		}
	}
	return false
}

// serveKeys writes a JWK Set that may be kept for as long as all of its keys
// allow. After a key's store has failed, and while a key is halted, the last
// keys that could be trusted are served on, to be asked for again each time:
// they still sign.
func (s *Server) serveKeys(w http.ResponseWriter, r *http.Request, parts []part) {
	if len(parts) == 0 {
		plain(w, http.StatusNotFound, "no public keys here\n")
		return
	}
	fresh := parts[0].fresh
	sets := make([]*keyset.Set, 0, len(parts))
	for _, p := range parts {
		if p.set == nil {
			w.Header().Set("Retry-After", "5")
			plain(w, http.StatusServiceUnavailable, fmt.Sprintf("key %s was not read yet\n", p.key))
			return
		}
		fresh = min(fresh, p.fresh)
		sets = append(sets, p.set)
	}
	doc, err := s.document(r.URL.Path, sets)
	if err != nil {
		http.Error(w, "the keys cannot be written", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	name := contentType(r)
	header.Set("Content-Type", name)
	header.Add("Vary", "Accept")
	header.Set("Cache-Control", cacheControl(fresh))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", tagOf(doc, name))
	if conditional(r) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc.body)) // 304
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(doc.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(doc.body) // the client has gone
	}
}

// tagOf is another for each name: a strong validator is one of a representation
// (RFC 9110 section 8.8.1).
func tagOf(doc document, name string) string {
	if name == plainJSON {
		return strings.TrimSuffix(doc.tag, `"`) + `.json"`
	}
	return doc.tag
}

// conditional tells whether a request has preconditions (RFC 9110 §13). Few have,
// and net/http takes its time to look. A range alone gets the whole, as it may
// (§14.2).
func conditional(r *http.Request) bool {
	for name := range r.Header {
		if strings.HasPrefix(name, "If-") {
			return true
		}
	}
	return false
}

// A document is a JWK Set as it is sent. It is written once for the sets that it
// is of: a set never changes, and a pass that reads it again makes another. It does not
// keep them: sets have private halves, which would outlive their keys here.
type document struct {
	of   []weak.Pointer[keyset.Set]
	body []byte
	tag  string
}

// document is what a path answers for these sets. Only paths of keys that exist
// come here, so no caller decides how many are kept.
func (s *Server) document(path string, sets []*keyset.Set) (document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc, ok := s.documents[path]; ok && slices.EqualFunc(doc.of, sets, func(p weak.Pointer[keyset.Set], set *keyset.Set) bool { return p.Value() == set }) {
		return doc, nil
	}
	var of []weak.Pointer[keyset.Set]
	all := []json.RawMessage{}
	for _, set := range sets {
		all = append(all, publicKeys(set)...)
		of = append(of, weak.Make(set))
	}
	body, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	doc := document{of: of, body: body, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
	if s.documents == nil {
		s.documents = map[string]document{}
	}
	s.documents[path] = doc
	return doc, nil
}

// publicKeys is the members of a set's public JWK Set.
func publicKeys(set *keyset.Set) []json.RawMessage {
	var doc struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(set.PublicJWKs(), &doc); err != nil {
		return nil // not reached: it was written by canonical
	}
	return doc.Keys
}

func cacheControl(fresh time.Duration) string {
	if fresh < time.Second {
		return "no-cache"
	}
	return "public, max-age=" + strconv.Itoa(int(fresh.Seconds())) + ", must-revalidate"
}
