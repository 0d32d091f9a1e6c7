package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Schema names the form of a Report. Members may be added to it.
const Schema = "rotate/audit/v1"

// Where an entry comes from.
const (
	Document = "document" // the keyset as it is stored now
	Trail    = "file"     // the audit file
)

// A Report is what can be shown of the life of a key's kids. It holds no
// material.
type Report struct {
	Schema      string    `json:"schema"`               // rotate/audit/v1
	At          time.Time `json:"at"`                   // when the report was made
	Key         string    `json:"key"`                  // its name in the config
	Environment string    `json:"environment"`          // of the config
	Store       string    `json:"store"`                // name of the store that it lives in
	Secret      string    `json:"secret"`               // its name there
	Generation  uint64    `json:"generation,omitempty"` // of the document; absent if it could not be read
	File        string    `json:"file,omitempty"`       // the audit file
	Events      int       `json:"events"`               // that it has of this key
	Spoilt      int       `json:"spoilt,omitempty"`     // lines of it that are no events
	Kids        []Kid     `json:"kids"`                 // those that live first, the youngest before others
	Others      []Entry   `json:"others,omitempty"`     // what is about no kid: commands, refusals, erasures
	Worth       []string  `json:"worth"`                // what this is worth as evidence, and what not
}

// A Kid is the life of one key.
type Kid struct {
	Kid       string  `json:"kid"`                 // the key's id
	Algorithm string  `json:"algorithm,omitempty"` // what it is for; absent once it is gone
	Status    string  `json:"status"`              // current, next, previous or gone; unknown without a document
	Life      []Entry `json:"life"`                // by time
}

// An Entry is one thing that happened.
type Entry struct {
	At         *time.Time `json:"at,omitempty"`         // absent where the source does not tell
	What       string     `json:"what"`                 // what happened, for people
	By         string     `json:"by,omitempty"`         // who did it
	Generation uint64     `json:"generation,omitempty"` // of the document after it
	Why        string     `json:"why,omitempty"`        // why it happened, for people
	Source     string     `json:"source"`               // document or file: where the entry stands

	Code rotation.Code `json:"code,omitempty"` // of why; lines that older versions wrote have none
}

// Facts are what a Report is made of.
type Facts struct {
	Now     time.Time
	Key     Report           // its names: Key, Environment, Store, Secret
	Set     *keyset.Set      // nil if it could not be read or trusted
	Problem string           // why not
	Late    time.Duration    // how long an erasure may take where nothing is wrong
	Traces  []rotation.Trace // how gone each removed key is; nil if the places were not looked at
	Remains string           // what the store leaves behind after an erasure
	Path    string           // of the audit file; "" if there is none
	Events  []engine.Event
	Spoilt  int
}

// New puts the evidence together.
func New(f Facts) Report {
	r := f.Key
	r.Schema, r.At, r.File, r.Events, r.Spoilt = Schema, f.Now.UTC().Truncate(time.Second), f.Path, len(f.Events), f.Spoilt
	b := builder{now: f.Now, kids: map[string]*Kid{}, absent: "unknown"}
	if f.Set != nil {
		b.absent = "gone"
	}
	b.trail(r.Secret, f.Events)
	if f.Set != nil {
		r.Generation = f.Set.Generation
		b.document(f)
	}
	r.Kids, r.Others, r.Worth = b.sorted(), b.others, f.worth()
	return r
}

// worth is what a reader of the report may conclude.
func (f Facts) worth() []string {
	return say.Evidence{Problem: f.Problem, File: f.Path, Spoilt: f.Spoilt, Remains: f.Remains}.Worth()
}

// traces is how gone each removed key is, as far as that is known.
func (f Facts) traces() []rotation.Trace {
	if f.Traces != nil {
		return f.Traces
	}
	return rotation.Traces(f.Now, f.Set, nil)
}

// places names those of a trace.
func (f Facts) places(t rotation.Trace) (names []string) {
	for _, name := range t.Places {
		if name == "" {
			name = f.Key.Store + " " + f.Key.Secret
		}
		names = append(names, name)
	}
	return names
}

// Attention tells whether a person should look after what the report shows.
func (f Facts) Attention() bool {
	return f.Set == nil || f.Spoilt > 0 || slices.ContainsFunc(f.Traces, func(t rotation.Trace) bool { return t.Alarming(f.Now, f.Set, f.Late) })
}

type builder struct {
	now    time.Time
	kids   map[string]*Kid
	absent string // what a kid is that no document shows: only a document that was read can say that it is gone
	others []Entry
}

func (b *builder) kid(kid string) *Kid {
	if b.kids[kid] == nil {
		b.kids[kid] = &Kid{Kid: kid, Status: b.absent}
	}
	return b.kids[kid]
}

func (k *Kid) add(at time.Time, e Entry) {
	if !at.IsZero() {
		at = at.UTC()
		e.At = &at
	}
	k.Life = append(k.Life, e)
}

// document is what the keyset itself attests.
func (b *builder) document(f Facts) {
	s := f.Set
	for _, key := range s.Keys {
		k := b.kid(key.Kid)
		k.Algorithm, k.Status = string(key.Alg), string(key.Status)
		k.add(key.Issued, Entry{What: say.Made(key), Source: Document})
		if !key.NotBefore.IsZero() {
			k.add(key.NotBefore, Entry{What: say.BeganToSign, Source: Document})
		}
		if !key.Expires.IsZero() {
			k.add(key.Expires, Entry{What: say.GraceEnds(b.now, key.Expires), Source: Document})
		}
	}
	if m := s.Ready; m != nil {
		b.kid(m.Kid).add(m.At, Entry{What: say.SeenAsNext, Source: Document})
	}
	if m := s.Settled; m != nil {
		b.kid(m.Kid).add(m.At, Entry{What: say.SeenAsCurrent, Source: Document})
	}
	for _, q := range s.Requests {
		if q.From != keyset.FromNothing {
			b.kid(q.From).add(q.At, Entry{What: say.AskedToReplace, By: q.By, Source: Document})
		}
	}
	for _, t := range f.traces() {
		e := Entry{What: "removed; " + say.Held(b.now, t, f.places(t)), Source: Document}
		b.kid(t.Kid).add(t.Removed, e)
	}
	for _, kid := range s.Revoked {
		var at time.Time // of what was revoked long ago the document has no time
		for _, g := range s.Gone {
			if g.Kid == kid {
				at = g.At
			}
		}
		b.kid(kid).add(at, Entry{What: "revoked: never accepted again", Source: Document})
	}
}

// trail is what the audit file has. An erased revision is evidence for every kid
// that it held. The event names those that the document knew then; of a key that
// the first version made the document does not tell since when it was there, so
// the trail has the last word. Lines of the first version name none: there the
// key's own secret held whoever lived in its generation, and of what an output
// held nothing is known.
func (b *builder) trail(secret string, events []engine.Event) {
	type span struct {
		from, to uint64 // generations; to is the first without it, 0 while it lives
		made     bool   // from is the one that made it, and not only the first that the file tells of
	}
	lived := map[string]span{}
	for _, ev := range events {
		if ev.Kid == "" || ev.Generation == 0 {
			continue
		}
		s, known := lived[ev.Kid]
		if !known {
			s.from, s.made = ev.Generation, ev.From == "" && ev.To != ""
		}
		if ev.From != "" && ev.To == "" {
			s.to = ev.Generation
		}
		lived[ev.Kid] = s
	}
	held := func(ev engine.Event) (kids []string) {
		switch {
		case ev.Action != "erase":
		case ev.How != "":
			for _, kid := range ev.Kids {
				if s := lived[kid]; !s.made || s.from <= ev.Generation {
					kids = append(kids, kid)
				}
			}
		case ev.Secret == secret:
			for kid, s := range lived {
				if ev.Generation >= s.from && s.to != 0 && ev.Generation < s.to {
					kids = append(kids, kid)
				}
			}
		}
		return kids
	}
	for _, ev := range events {
		e := Entry{What: say.Happened(ev), By: ev.Actor, Generation: ev.Generation, Why: ev.Reason, Code: ev.Code, Source: Trail}
		kids := held(ev)
		for _, kid := range kids {
			b.kid(kid).add(ev.Time, e)
		}
		switch {
		case ev.Kid != "":
			b.kid(ev.Kid).add(ev.Time, e)
		case len(kids) == 0:
			at := ev.Time
			e.At = &at
			b.others = append(b.others, e)
		}
	}
}

// sorted is every kid, those that live first and of these the youngest, its life
// by time.
func (b *builder) sorted() []Kid {
	kids := []Kid{}
	for _, k := range b.kids {
		slices.SortStableFunc(k.Life, func(a, b Entry) int { return when(a).Compare(when(b)) })
		kids = append(kids, *k)
	}
	slices.SortFunc(kids, func(a, b Kid) int {
		if a.gone() != b.gone() {
			return map[bool]int{true: 1, false: -1}[a.gone()]
		}
		return cmp.Or(began(b).Compare(began(a)), strings.Compare(a.Kid, b.Kid))
	})
	return kids
}

func (k Kid) gone() bool { return k.Status == "gone" }

func began(k Kid) time.Time { return when(k.Life[0]) }

// when is an entry's time; what has none comes last.
func when(e Entry) time.Time {
	if e.At == nil {
		return time.Unix(1<<40, 0)
	}
	return *e.At
}
