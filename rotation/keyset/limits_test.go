package keyset

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/secret"
)

// What lies exactly on a limit of the document, and just beside it.

var epoch = time.Unix(1_800_000_000, 0).UTC()

func someKey(t *testing.T, kid string) Key {
	t.Helper()
	k, err := NewSymmetric(kid, HS256, secret.New([]byte(strings.Repeat("k", 32))), "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func someSet(t *testing.T) *Set {
	t.Helper()
	s, err := Create("name", "env", "lineage", someKey(t, "k0"), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMembersAtTheirLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("w", n) }
	word := func(m *members) { m.word("v") }
	line := func(m *members) { m.line("v") }
	kid := func(m *members) { m.kid("v") }
	number := func(m *members) { m.number("v") }
	text := func(m *members) { m.text("v") }
	for _, tt := range []struct {
		name  string
		read  func(*members)
		value any
		ok    bool
	}{
		{"word", word, long(256), true},
		{"word", word, long(257), false},
		{"word", word, "two words", true},
		{"word", word, "a\tb", false},
		{"line", line, long(1024), true},
		{"line", line, long(1025), false},
		{"line", line, "a\nb", false},
		{"kid", kid, long(256), true},
		{"kid", kid, long(257), false},
		{"kid", kid, "!~", true},
		{"kid", kid, "a b", false},
		{"kid", kid, "a\x7fb", false},
		{"kid", kid, FromNothing, false},
		{"kid", kid, "", false},
		{"text", text, "x", true},
		{"text", text, "", false},
		{"text", text, 7, false},
		{"number", number, json.Number("0"), true},
		{"number", number, json.Number("9007199254740992"), true},
		{"number", number, json.Number("9007199254740993"), false},
		{"number", number, json.Number("-1"), false},
		{"number", number, json.Number("1.5"), false},
		{"number", number, "1", false},
		{"number", number, nil, false},
	} {
		m := &members{m: map[string]any{"v": tt.value}}
		tt.read(m)
		if (len(m.errs) == 0) != tt.ok {
			t.Errorf("%s of %.20v: %v", tt.name, tt.value, m.errs)
		}
	}
	m := &members{m: map[string]any{"v": []any{"a", long(257)}}}
	if words := m.words("v"); len(words) != 2 || words[0] != "a" || len(m.errs) != 1 {
		t.Errorf("words are %q with %v", words, m.errs)
	}
	if (&members{m: map[string]any{}}).rest() != nil || (&members{m: map[string]any{"a": 1}}).rest() == nil {
		t.Error("what no one took is not kept")
	}
}

// padded is a set whose document, with its digest, has exactly so many bytes.
func padded(t *testing.T, s *Set, size func(*Set) int, want int) *Set {
	t.Helper()
	n := *s
	n.extra = map[string]any{"pad": ""}
	room := want - size(&n)
	if room < 0 {
		t.Fatalf("%d bytes without any padding", size(&n))
	}
	n.extra = map[string]any{"pad": strings.Repeat("p", room)}
	if got := size(&n); got != want {
		t.Fatalf("%d bytes, want %d", got, want)
	}
	return &n
}

func TestDocumentAtItsSize(t *testing.T) {
	written := func(s *Set) int {
		c := *s
		c.Parent, c.Write = "p", "w"
		return len(canonical(c.tree(true))) + len(`,"digest":"sha-256:"`) + 64
	}
	small := someSet(t)
	for over, ok := range map[int]bool{0: true, 1: false} {
		s := padded(t, small, written, MaxBytes+over)
		sealed, text, err := s.Encode("p", "w")
		if (err == nil) != ok || !ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes too many: %v", over, err)
			continue
		}
		if !ok {
			continue
		}
		doc := text.Reveal()
		if again, err := Parse(doc); err != nil || len(doc) != MaxBytes || again.Digest != sealed.Digest {
			t.Errorf("%d bytes: %v", len(doc), err)
		}
		if _, err := Parse(append(doc, ' ')); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a byte more: %v", err)
		}
	}
	// Records are given up for the sake of the size, the oldest first, as few as need be.
	s := *small
	s.History = []Past{{2, "d2"}, {1, "d1"}}
	s.Gone = []Gone{{Kid: "g2", At: epoch}, {Kid: "g1", At: epoch}}
	for over, want := range map[int]string{0: "2 2", 1: "1 2"} {
		p := padded(t, &s, written, MaxBytes+over)
		p.Parent, p.Write = "p", "w"
		p.trim()
		if got := fmt.Sprint(len(p.History), len(p.Gone)); got != want {
			t.Errorf("%d bytes too many: %s records are left, want %s", over, got, want)
		}
	}
	p := padded(t, &s, written, MaxBytes+2000)
	p.trim()
	if len(p.History) != 1 || len(p.Gone) != 1 || p.History[0].Generation != 2 || p.Gone[0].Kid != "g2" {
		t.Errorf("of what does not fit anyway %v and %v are left", p.History, p.Gone)
	}
}

func TestAdoptAtItsLimits(t *testing.T) {
	adopt := func(pad int, until time.Time) (*Set, error) {
		return Adopt("n"+strings.Repeat("n", pad), "env", "lineage", []Key{someKey(t, "k0"), someKey(t, "k1")}, epoch, until)
	}
	s, err := adopt(0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	room := MaxBytes - s.size()
	for over, ok := range map[int]bool{0: true, 1: false} {
		if _, err := adopt(room+over, time.Time{}); (err == nil) != ok || !ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes too many: %v", over, err)
		}
	}
	for after, ok := range map[time.Duration]bool{-time.Second: false, 0: false, time.Second: true, MaxUntil: true, MaxUntil + time.Second: false} {
		_, err := adopt(0, epoch.Add(after))
		if (err == nil) != ok || !ok && (!errors.Is(err, ErrDates) || !strings.Contains(err.Error(), "the next 400 days")) {
			t.Errorf("until %s later: %v", after, err)
		}
	}
	if _, err := Adopt("n", "env", "lineage", nil, epoch, time.Time{}); !errors.Is(err, ErrNoCurrent) {
		t.Errorf("no keys: %v", err)
	}
}

func TestRoomAtItsLimit(t *testing.T) {
	s := someSet(t)
	for over, room := range map[int]bool{0: true, 1: false} {
		p := padded(t, s, (*Set).size, MaxBytes-slack-s.keySize()+over)
		if p.HasRoom() != room {
			t.Errorf("%d bytes too many: room is %v", over, p.HasRoom())
		}
		named := NamedRequest("id", "k0", "me")
		if _, err := p.With(named, epoch); err == nil {
			t.Errorf("%d bytes too many: a named request takes the room of a key", over)
		}
		if _, err := p.With(UnnamedRequest("k0", "me"), epoch); err != nil {
			t.Errorf("an unnamed request finds no room: %v", err)
		}
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewAsymmetric(RS256, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []Key{someKey(t, "k0"), pair} {
		of := *s
		of.Keys = []Key{k}
		if want := len(canonical(k.tree(true))) + len(k.PublicPEM()) + 64; of.keySize() != want {
			t.Errorf("a key for %s adds %d bytes, want %d", k.Alg, of.keySize(), want)
		}
	}
	more := *s
	for n := 1; n < MaxLive; n++ {
		if !more.HasRoom() {
			t.Errorf("%d keys leave no room", n)
		}
		more.Keys = append(more.Keys, s.Keys[0])
	}
	if more.HasRoom() {
		t.Errorf("%d keys leave room", MaxLive)
	}
	for i := range more.Keys {
		more.Keys[i].Kid = fmt.Sprint("k", i)
		if i > 0 {
			more.Keys[i].Status = Previous
		}
	}
	if err := more.check(); err != nil {
		t.Errorf("%d keys: %v", MaxLive, err)
	}
	more.Keys = append(more.Keys, more.Keys[1])
	more.Keys[MaxLive].Kid = "one more"
	if err := more.check(); !errors.Is(err, ErrTooManyKeys) {
		t.Errorf("%d keys: %v", MaxLive+1, err)
	}
}

func TestListsAtTheirLimits(t *testing.T) {
	s := someSet(t)
	kids := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprint("r", i))
		}
		return all
	}
	if n, err := s.Revoke(kids(maxRevoked), nil, epoch); err != nil || len(n.Revoked) != maxRevoked {
		t.Errorf("%d revoked kids: %v", maxRevoked, err)
	}
	if _, err := s.Revoke(kids(maxRevoked+1), nil, epoch); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d revoked kids: %v", maxRevoked+1, err)
	}
	outputs := func(n int) (all []Output) {
		for _, name := range kids(n) {
			all = append(all, Output{Name: name, Format: "value"})
		}
		return all
	}
	if n, err := s.WithOutputs(outputs(maxOutputs)); err != nil || len(n.Outputs) != maxOutputs {
		t.Errorf("%d outputs: %v", maxOutputs, err)
	}
	if _, err := s.WithOutputs(outputs(maxOutputs + 1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d outputs: %v", maxOutputs+1, err)
	}
	one := Output{Name: "o", Format: "env", Variables: []string{"A"}}
	n, _ := s.WithOutputs([]Output{one})
	for _, other := range []Output{{Name: "o", Format: "env", Variables: []string{"B"}}, {Name: "o", Format: "value", Variables: []string{"A"}}, {Name: "p", Format: "env", Variables: []string{"A"}}} {
		if !n.HasOutputs([]Output{one}) || n.HasOutputs([]Output{one, other}) {
			t.Errorf("%+v is taken for %+v", other, one)
		}
	}
	for range maxHistory + 2 {
		s, _ = s.Touch(epoch)
	}
	if len(s.History) != maxHistory {
		t.Errorf("%d past states are kept", len(s.History))
	}
	for i := range maxGone + 2 {
		s.remove(fmt.Sprint("g", i), epoch)
	}
	if len(s.Gone) != maxGone || s.Gone[0].Kid != fmt.Sprint("g", maxGone+1) {
		t.Errorf("of removed keys %v are kept", s.Gone)
	}
}

// Named requests leave one place for an unnamed one, and are remembered for
// RequestsKept, to the second.
func TestRequestsAtTheirLimits(t *testing.T) {
	s := someSet(t)
	var err error
	for i := range maxRequests - 1 {
		if s, err = s.With(NamedRequest(fmt.Sprint(i), "old", "me"), epoch); err != nil {
			t.Fatalf("named request %d: %v", i, err)
		}
	}
	_, err = s.With(NamedRequest("one more", "old", "me"), epoch)
	if !errors.Is(err, ErrTooManyAsked) || !strings.Contains(err.Error(), epoch.Add(RequestsKept).Format(time.RFC3339)) {
		t.Errorf("a named request too many: %v", err)
	}
	whole, err := s.With(UnnamedRequest("k0", "me"), epoch)
	if err != nil || len(whole.Requests) != maxRequests {
		t.Errorf("an unnamed one has no place: %v", err)
	}
	if again, err := whole.With(UnnamedRequest("k0", "me"), epoch); err != nil || len(again.Requests) != maxRequests {
		t.Errorf("a repeat takes a place: %v", err)
	}
	for after, left := range map[time.Duration]int{RequestsKept: maxRequests, RequestsKept + time.Second: 1} {
		if n, err := whole.Touch(epoch.Add(after)); err != nil || len(n.Requests) != left {
			t.Errorf("%s later %d requests are on record, want %d (%v)", after, len(n.Requests), left, err)
		}
	}
	for _, r := range whole.Requests {
		if got, ok := whole.Recorded(r.ID); !ok || got.ID != r.ID {
			t.Errorf("%+v is not found", r)
		}
	}
	if _, ok := whole.Recorded("another"); ok {
		t.Error("a request that nobody made is on record")
	}
	if r, ok := whole.Pending(); !ok || r.From != "k0" {
		t.Errorf("pending is %+v, %v", r, ok)
	}
}

func TestFollowsAtItsEdges(t *testing.T) {
	s := Set{Generation: 5, Digest: "d5", History: []Past{{5, "d5-"}, {4, "d4"}}}
	whole := s
	whole.History = append(whole.History[:2:2], Past{3, "d3"}, Past{2, "d2"}, Past{1, "d1"})
	full := s
	full.History = nil
	for n := range maxHistory {
		full.History = append(full.History, Past{uint64(5 - min(n, 4)), fmt.Sprint("m", n)})
	}
	accepted := s
	accepted.Accepted = 4
	for _, tt := range []struct {
		name string
		set  Set
		past Past
		want bool
	}{
		{"itself", s, Past{5, "d5"}, true},
		{"a fork of the same generation", s, Past{5, "x"}, false},
		{"a newer one", s, Past{6, "d6"}, false},
		{"a newer one without a digest", s, Past{6, ""}, false},
		{"the same generation without a digest", s, Past{5, ""}, true},
		{"one on record", s, Past{4, "d4"}, true},
		{"the oldest generation on record, another mark", s, Past{4, "x"}, true},
		{"further back", s, Past{3, "x"}, true},
		{"no history", Set{Generation: 5, Digest: "d5"}, Past{4, "x"}, false},
		{"a whole history that lacks it", whole, Past{1, "x"}, false},
		{"a full history that ends at the first generation", full, Past{1, "x"}, true},
		{"a fork within a full history", full, Past{2, "x"}, false},
		{"given up by accept", accepted, Past{4, "x"}, true},
		{"above what was given up", accepted, Past{5, "x"}, false},
	} {
		if got := tt.set.Follows(tt.past); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
