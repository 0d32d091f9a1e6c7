package ops

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// CheckOptions say how the secrets of a source are judged.
type CheckOptions struct {
	Algorithm keyset.Algorithm // what they are used with; "" if nobody says
	Names     []judge.Name     // that people make secrets from
	All       bool             // also what is no secret by its name counts

	// Passphrase is asked for where a key is encrypted; nil where there is no one to ask.
	Passphrase func() (secret.Text, error)
}

// A Checked source is what the judge says of each secret in it.
type Checked struct {
	Findings []report.Finding // in the order of the source
	// Settings is the variables or members that nobody could keep secret, and whose
	// names do not say that they are. They are in no finding.
	Settings []string
	Remarks  []Remark // on what was judged, or could not be
}

// A Remark is on one secret of a source.
type Remark struct {
	Name string // of the variable, member or key; "" if it has none
	Why  error  // a *intake.Refusal, or one of dotenv's
	// Judged says that it was judged all the same: as it stands, or in each form
	// that its readers see.
	Judged bool
}

// Check judges a source: one secret, the part of it that was named, or each
// variable of a .env file and each member of a JSON object. Of a single secret that
// cannot be judged the error says why; of several it is a Remark.
func Check(src CheckSource, o CheckOptions) (Checked, error) {
	c := &checker{src: src, o: o}
	c.src.Read.Text = bytes.TrimPrefix(src.Read.Text, []byte("\ufeff"))
	judge := c.document
	if src.Env {
		judge = c.env
	}
	err := judge()
	return c.Checked, err
}

// A checker is one Check on its way.
type checker struct {
	Checked
	src CheckSource
	o   CheckOptions
}

// document judges a text: a keyset of rotate key by key, a JSON object member by
// member, all else as one secret.
func (c *checker) document() error {
	source := c.src.Read
	if set, err := keyset.Parse(bytes.TrimSpace(source.Text)); err == nil && c.src.Field == "" {
		for _, k := range set.Keys {
			c.judge("kid "+k.Kid, 0, k, k.Alg)
		}
		return nil
	}
	members := intake.Members(source)
	if c.src.Field != "" || len(members) == 0 {
		return c.take(c.src.Field, 0, source, c.src.Field)
	}
	for _, m := range members {
		switch m.Kind {
		case "object", "number", "true or false", "null":
			continue // an object's members follow it; the others are no texts
		}
		c.several(m.Name, 0, func() error { return c.take(m.Name, 0, source, m.Name) })
	}
	return nil
}

// env judges the variables of a .env file, or the one that was named.
func (c *checker) env() error {
	data := c.src.Read.Text
	if err := dotenv.Fit(data); err != nil {
		return err
	}
	names := dotenv.Names(data)
	if name := c.src.Field; name != "" {
		if !slices.Contains(names, name) {
			return &intake.Refusal{Code: intake.NoSuchMember, Name: name, Members: names[:min(len(names), 24)]}
		}
		return c.variable(data, name)
	}
	for _, name := range names {
		c.several(name, 0, func() error { return c.variable(data, name) })
	}
	return nil
}

// variable judges each text that readers of .env files see, and tells the worst.
func (c *checker) variable(data []byte, name string) error {
	read, err := dotenv.Read(data, name, nil)
	if err == nil {
		return c.take(name, read.Line, intake.Source{Text: read.Value.Reveal()}, "")
	}
	line := 0
	if several, ok := errors.AsType[*dotenv.Disagreement](err); ok {
		line = several.Line
	} else if twice, ok := errors.AsType[*dotenv.Twice](err); ok {
		line = twice.Lines[0]
	} else {
		return err
	}
	each := &checker{src: c.src, o: c.o}
	var seen []string
	for _, r := range dotenv.Readers() {
		what := r.Read(data, name)
		text := what.Value.Reveal()
		if !what.Set || !what.Sure || len(text) == 0 || slices.Contains(seen, string(text)) {
			continue
		}
		seen = append(seen, string(text))
		if err := each.take(name, line, intake.Source{Text: text}, ""); err != nil {
			each.remark(name, err, false)
		}
	}
	if len(each.Findings) == 0 {
		return err
	}
	c.remark(name, err, true)
	c.Findings = append(c.Findings, slices.MaxFunc(each.Findings, func(a, b report.Finding) int {
		return cmp.Or(cmp.Compare(a.Result.Verdict, b.Result.Verdict), cmp.Compare(b.Result.Bits, a.Result.Bits))
	}))
	return nil
}

// several judges one secret of many by one. What is no secret by its name is set
// apart if it could not be kept secret anyway.
func (c *checker) several(name string, line int, one func() error) {
	had, remarked := len(c.Findings), len(c.Remarks)
	err := one()
	bad := err != nil || slices.ContainsFunc(c.Findings[had:], func(f report.Finding) bool { return f.Result.Verdict == judge.Guessable })
	switch {
	case bad && !c.o.All && !namesSecret(name):
		c.Findings, c.Remarks = c.Findings[:had], c.Remarks[:remarked]
		c.Settings = append(c.Settings, name)
	case err != nil:
		c.remark(name, err, false)
	}
}

// take understands one secret and judges each key in it.
func (c *checker) take(name string, line int, source intake.Source, field string) error {
	ask := intake.Ask{Field: field, Spec: keygen.Spec{Algorithm: c.o.Algorithm}, Passphrase: c.o.Passphrase}
	taken, err := intake.Take(source, ask)
	refusal, _ := errors.AsType[*intake.Refusal](err)
	switch {
	case err == nil:
		c.taken(name, line, taken)
		return nil
	case refusal == nil:
		return err
	case refusal.Code == intake.SeveralSigners:
		for _, ask.Signs = range refusal.Kids { // Take drops the private halves of the others
			if taken, err = intake.Take(source, ask); err != nil {
				return err
			}
			c.judge(withKid(name, ask.Signs), line, taken.Keys[0], taken.Keys[0].Alg)
		}
		return nil
	case refusal.Code == intake.ShortRSA:
		c.found(name, line, judge.Result{Verdict: judge.Guessable, Bits: refusal.Have, Reasons: []judge.Reason{
			{Code: judge.RSASize, In: judge.AsPrivateKey, N: refusal.Have, Need: 2048},
		}})
		return nil
	case refusal.Code == intake.ClosePrimes:
		c.found(name, line, judge.Result{Verdict: judge.Guessable, Reasons: []judge.Reason{{Code: judge.RSAClose, In: judge.AsPrivateKey}}})
		return nil
	case slices.Contains(standing, refusal.Code):
		ask.AsIs = true
		if taken, err = intake.Take(source, ask); err != nil {
			return err
		}
		c.remark(name, refusal, true)
		c.taken(name, line, taken)
		return nil
	}
	return err
}

// standing is why a text may be refused that can be judged as it stands.
var standing = []intake.Code{
	intake.Placeholder, intake.Token, intake.Hashed, intake.Wrapped, intake.Broken, intake.Quoted, intake.Blanks, intake.Unseen,
}

// taken judges each key that was understood.
func (c *checker) taken(name string, line int, taken intake.Result) {
	has := func(code intake.NoteCode) bool {
		return slices.ContainsFunc(taken.Notes, func(n intake.Note) bool { return n.Code == code })
	}
	for i, k := range taken.Keys {
		called, alg := name, cmp.Or(c.o.Algorithm, k.Alg)
		switch {
		case has(intake.FirstSigns):
			called = fmt.Sprintf("%s#%d", name, i)
		case len(taken.Keys) > 1:
			called = withKid(name, k.Kid)
		}
		if has(intake.GuessedText) {
			alg = c.o.Algorithm // Take's guess is no need of the key
		}
		c.judge(called, line, k, alg)
	}
}

func withKid(name, kid string) string { return strings.TrimSpace(name + " kid " + kid) }

// judge judges one key that is used with alg. The public half of a curve is no
// secret, and nothing about it can be wrong.
func (c *checker) judge(name string, line int, k keyset.Key, alg keyset.Algorithm) {
	near := append(slices.Clone(c.o.Names), judge.Name{Text: name, From: "its own name"})
	if r := judged(k, alg, near); r.Bits > 0 || r.Verdict != judge.Fine {
		c.found(name, line, r)
	}
}

func (c *checker) found(name string, line int, r judge.Result) {
	c.Findings = append(c.Findings, report.Finding{Name: name, File: c.src.Place, Line: line, Result: r})
}

func (c *checker) remark(name string, why error, judged bool) {
	c.Remarks = append(c.Remarks, Remark{name, why, judged})
}
