package ops

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// InspectSchema names the form of an Inspected. Members may be added to it.
const InspectSchema = "rotate/inspect/v1"

// MaxToken is more than any server takes in a header, in bytes.
const MaxToken = 64 << 10

// A TokenCode is whether a token's signature verifies, and if not, why.
type TokenCode string

// The answers about a token.
const (
	TokenVerifies   TokenCode = "verifies"
	TokenMalformed  TokenCode = "malformed"   // no compact JWS (RFC 7515 §7.1)
	TokenEncrypted  TokenCode = "encrypted"   // a JWE (RFC 7516)
	TokenUnsigned   TokenCode = "none"        // it has no signature, or says so
	TokenCritical   TokenCode = "critical"    // its header wants what no reader of rotate's keys has to know (RFC 7515 §4.1.11)
	TokenRevoked    TokenCode = "revoked"     // its kid was
	TokenRetired    TokenCode = "retired"     // its kid is gone
	TokenUnknown    TokenCode = "unknown-kid" // no key of the config has its kid
	TokenAlgorithm  TokenCode = "wrong-alg"   // the key of its kid has another algorithm
	TokenForged     TokenCode = "signature"   // the key of its kid did not make it
	TokenExpired    TokenCode = "expired"     // the signature verifies, the claims say that it is too late
	TokenEarly      TokenCode = "early"       // the signature verifies, the claims say that it is too early
	TokenUnreadable TokenCode = "unread"      // a key that may be meant could not be read
)

// An Inspected is what there is to know of a token, as `rotate inspect -o json` prints
// it. It never has the signature.
type Inspected struct {
	Schema    string     `json:"schema"`                                                                                                                      // rotate/inspect/v1
	At        time.Time  `json:"at"`                                                                                                                          // of the answer
	Code      TokenCode  `json:"code" enum:"verifies,malformed,encrypted,none,critical,revoked,retired,unknown-kid,wrong-alg,signature,expired,early,unread"` // verifies, or why the token is refused; docs/check.md tells each
	Kid       string     `json:"kid,omitempty"`                                                                                                               // that the token names
	Algorithm string     `json:"algorithm,omitempty"`                                                                                                         // that the token names
	Key       string     `json:"key,omitempty"`                                                                                                               // of the config, that has the kid or made the token
	Store     string     `json:"store,omitempty"`                                                                                                             // where that key lives
	Status    string     `json:"status,omitempty" enum:"current,next,previous"`                                                                               // of that key
	Wants     string     `json:"wants,omitempty"`                                                                                                             // of wrong-alg: the algorithm of the key
	Made      bool       `json:"made"`                                                                                                                        // a live key of the config made the signature
	Maker     string     `json:"maker,omitempty"`                                                                                                             // of made: key of the config that made it
	MadeBy    string     `json:"made_by,omitempty"`                                                                                                           // kid of that key, where the token names another one or none
	Gone      *time.Time `json:"gone,omitempty"`                                                                                                              // of revoked and retired: when the key was removed, if that is on record
	Until     *time.Time `json:"until,omitempty"`                                                                                                             // when the key stops verifying, as far as that is settled
	Replaced  *time.Time `json:"replaced,omitempty"`                                                                                                          // of a current key: when the schedule lets another one sign
	Grace     string     `json:"grace,omitempty"`                                                                                                             // of a current key: how long it verifies after that
	Claims    any        `json:"claims,omitempty"`                                                                                                            // only if asked: the payload, as it stands in the token
	Problem   string     `json:"problem,omitempty"`                                                                                                           // of malformed: what is wrong with it
	Unread    []string   `json:"unread,omitempty"`                                                                                                            // keys that could not be read

	Errs []error `json:"-"` // of those
}

// Refused reports whether a reader of the config's keys does not take the token.
func (i *Inspected) Refused() bool { return i.Code != TokenVerifies }

// A header is what is read of a token's.
type header struct {
	Alg  string   `json:"alg"`
	Kid  string   `json:"kid"`
	Crit []string `json:"crit"`
}

// Inspect verifies a token with the keys of a config. The claims are read only if they
// are asked for, and so is whether they let it expire.
func (h *Host) Inspect(ctx context.Context, keys []*fleet.Key, token []byte, claims bool) Inspected {
	now := h.Now()
	i := &inspection{Inspected: Inspected{Schema: InspectSchema, At: now.UTC().Truncate(time.Second)}}
	if !i.parse(token) {
		return i.Inspected
	}
	if claims {
		i.claims()
	}
	for o := range Each(ctx, keys, AtOnce, readSet) {
		if o.Err != nil {
			i.Unread, i.Errs = append(i.Unread, o.Key.Name), append(i.Errs, o.Err)
		} else if len(o.Got.Keys) > 0 {
			i.sets = append(i.sets, ownedSet{o.Key, o.Got})
		}
	}
	i.verify()
	if claims && i.Code == TokenVerifies {
		if i.Problem != "" {
			i.Code = TokenMalformed
		} else {
			i.times(now)
		}
	}
	return i.Inspected
}

type ownedSet struct {
	key *fleet.Key
	set *keyset.Set
}

// An inspection is one Inspect on its way.
type inspection struct {
	Inspected
	head      header
	signed    string // header and payload, as they were signed
	payload   []byte
	signature []byte
	sets      []ownedSet
}

// parse takes a compact JWS apart. Strict base64url: what has other characters in it is
// no token that a library takes.
func (i *inspection) parse(token []byte) bool {
	text := strings.TrimSpace(string(token))
	for _, prefix := range []string{"Authorization:", "Bearer ", "bearer "} {
		text = strings.TrimSpace(strings.TrimPrefix(text, prefix))
	}
	fail := func(code TokenCode, problem string) bool {
		i.Code, i.Problem = code, problem
		return false
	}
	parts := strings.Split(text, ".")
	switch {
	case len(token) > MaxToken:
		return fail(TokenMalformed, "it is longer than 65,536 bytes")
	case text == "":
		return fail(TokenMalformed, "it is empty")
	case len(parts) != 3 && len(parts) != 5:
		return fail(TokenMalformed, "it has not three parts with dots between them")
	}
	head, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil || json.Unmarshal(head, &i.head) != nil {
		return fail(TokenMalformed, "its header is no JSON in base64url")
	}
	i.Kid, i.Algorithm = i.head.Kid, i.head.Alg
	if len(parts) == 5 {
		return fail(TokenEncrypted, "")
	}
	i.signed = parts[0] + "." + parts[1]
	if i.payload, err = base64.RawURLEncoding.Strict().DecodeString(parts[1]); err != nil {
		return fail(TokenMalformed, "its payload is not in base64url")
	}
	if i.signature, err = base64.RawURLEncoding.Strict().DecodeString(parts[2]); err != nil {
		return fail(TokenMalformed, "its signature is not in base64url")
	}
	switch {
	case strings.EqualFold(i.head.Alg, "none") || len(i.signature) == 0:
		return fail(TokenUnsigned, "")
	case len(i.head.Crit) > 0:
		return fail(TokenCritical, "")
	}
	return true
}

// verify finds the key that the token's kid means, as a reader does, and whether any
// live key made it.
func (i *inspection) verify() {
	made, by := i.maker()
	if i.Made = by != nil; i.Made {
		i.Maker = by.key.Name
	}
	if i.Made && made.Kid != i.Kid {
		i.MadeBy = made.Kid
	}
	owner, named, known := i.named()
	switch {
	case i.Made && (i.Kid == "" || made.Kid == i.Kid):
		i.Code = TokenVerifies
		i.of(*by, made)
	case known && algorithm(named.Alg) != algorithm(keyset.Algorithm(i.head.Alg)):
		i.Code, i.Wants = TokenAlgorithm, string(named.Alg)
		i.of(owner, named)
	case known:
		i.Code = TokenForged
		i.of(owner, named)
	case i.gone():
	case len(i.Errs) > 0:
		i.Code = TokenUnreadable
	case i.Kid == "":
		i.Code = TokenForged
	default:
		i.Code = TokenUnknown
	}
}

// maker is the live key that made the signature. A key of another algorithm is not
// tried: a public key must never verify as the secret of an HMAC (RFC 8725 §3.1).
func (i *inspection) maker() (keyset.Key, *ownedSet) {
	method := jwt.GetSigningMethod(algorithm(keyset.Algorithm(i.head.Alg)))
	if method == nil {
		return keyset.Key{}, nil
	}
	var made keyset.Key
	var by *ownedSet
	for n, s := range i.sets {
		for _, k := range s.set.Keys {
			if algorithm(k.Alg) == method.Alg() && (by == nil || k.Kid == i.Kid) && method.Verify(i.signed, i.signature, k.VerifyKey()) == nil {
				made, by = k, &i.sets[n]
			}
		}
	}
	return made, by
}

// algorithm is what the JWT library calls an algorithm: Ed25519 has two names.
func algorithm(a keyset.Algorithm) string {
	if a == keyset.Ed25519 {
		return string(keyset.EdDSA)
	}
	return string(a)
}

// named is the live key that has the token's kid.
func (i *inspection) named() (ownedSet, keyset.Key, bool) {
	if i.Kid != "" {
		for _, s := range i.sets {
			if k, ok := s.set.Key(i.Kid); ok {
				return s, k, true
			}
		}
	}
	return ownedSet{}, keyset.Key{}, false
}

// gone tells of a kid that was removed.
func (i *inspection) gone() bool {
	for _, s := range i.sets {
		n := slices.IndexFunc(s.set.Gone, func(g keyset.Gone) bool { return g.Kid == i.Kid })
		revoked := slices.Contains(s.set.Revoked, i.Kid)
		if i.Kid == "" || n < 0 && !revoked {
			continue
		}
		i.Code, i.Key, i.Store = TokenRetired, s.key.Name, s.key.StoreName
		if revoked {
			i.Code = TokenRevoked
		}
		if n >= 0 {
			i.Gone = when(s.set.Gone[n].At)
		}
		return true
	}
	return false
}

// of says which key it is about, and until when that verifies.
func (i *inspection) of(s ownedSet, k keyset.Key) {
	i.Key, i.Store, i.Status = s.key.Name, s.key.StoreName, string(k.Status)
	i.Until = when(k.Expires)
	if k.Status == keyset.Current {
		i.Replaced, i.Grace = when(s.key.Outlook(s.set).Due()), s.key.Policy.Grace.String()
	}
}

// claims reads the payload, with numbers as they stand in it.
func (i *inspection) claims() {
	d := json.NewDecoder(bytes.NewReader(i.payload))
	d.UseNumber()
	if err := d.Decode(&i.Claims); err != nil || d.More() {
		i.Claims = nil
		i.Problem = "its claims are no JSON"
	}
}

// times holds exp and nbf against the time (RFC 7519 §4.1).
func (i *inspection) times(now time.Time) {
	all, _ := i.Claims.(map[string]any)
	seconds := float64(now.UnixMilli()) / 1000
	date := func(name string) (at float64, ok bool) {
		claim, there := all[name]
		n, _ := claim.(json.Number)
		at, err := n.Float64()
		if there && err != nil {
			i.Code, i.Problem = TokenMalformed, "its "+name+" is no number"
		}
		return at, err == nil
	}
	if exp, ok := date("exp"); ok && seconds >= exp {
		i.Code = TokenExpired
	} else if nbf, ok := date("nbf"); ok && seconds < nbf && i.Code == TokenVerifies {
		i.Code = TokenEarly
	}
}
