package format

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// A Template is the text of the format template: Go's text/template over a
// keyset, and strict. It is made by ParseTemplate and is safe for concurrent use.
//
//	.current .next .previous   a key each; .next and .previous are absent where
//	                           there is none: {{with .next}}…{{end}}
//	.keys                      all keys: the current one, the next, the previous ones
//	.fallbacks                 .keys without the current one
//	.texts                     the texts of .keys, as a list
//	.fallbackTexts             the texts of .fallbacks, as a list
//	.jwks .pem                 the public halves, as the formats jwks and pem
//	.name .environment         of the keyset
//	.generation                a number that grows with each change
//
// A key has .text (as the format value has it; the public PEM of a pair that
// only verifies), .kid, .alg, .issued (seconds since 1970), .public (a PEM) and,
// if it is symmetric, .bytes: the bytes that the text stands for.
//
// Functions: base64 TEXT, json TEXT-OR-LIST, join SEPARATOR LIST; and of Go's
// own and, or, not, eq, ne, lt, le, gt, ge, len and index. What is printed has to
// be a text or a number: a key, a list or a missing member is an error.
type Template struct {
	t              *template.Template
	body           string
	next, previous bool // does it show them? See Format.Carries
}

// functions are those of a template, beside Go's own.
func functions() template.FuncMap {
	return template.FuncMap{"base64": toBase64, "json": toJSON, "join": join, printed: text}
}

// printed is put after each pipeline whose result is printed. No template can
// name it.
const printed = "_printed"

// own is Go's functions that may be used.
var own = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index"}

// ParseTemplate reads a template and tries it on made-up keys: of one key alone,
// of all there can be, symmetric or not as alg is. The errors name lines and
// members; the template itself is no secret.
func ParseTemplate(body string, alg keyset.Algorithm) (*Template, error) {
	t, err := template.New("template").Option("missingkey=error").Funcs(functions()).Parse(body)
	if err != nil {
		return nil, templateError(err)
	}
	for _, each := range t.Templates() {
		if each.Tree == nil {
			continue
		}
		if err := strict(each.Root); err != nil {
			return nil, err
		}
	}
	tmpl := &Template{t: t, body: body}
	if err := tmpl.try(alg); err != nil {
		return nil, err
	}
	return tmpl, nil
}

// String is the text, so that what is printed of a config changes with it.
func (t *Template) String() string {
	if t == nil {
		return ""
	}
	return t.body
}

// try finds mistakes before a key depends on it, and what the template shows.
func (t *Template) try(alg keyset.Algorithm) error {
	current, next, previous := madeUp("current", alg, true), madeUp("next", alg, false), madeUp("previous", alg, false)
	if _, err := t.execute(view(current, nil, nil)); err != nil {
		return fmt.Errorf("with a current key alone, as a keyset begins: %w", err)
	}
	all, err := t.execute(view(current, next, []key{previous}))
	if err != nil {
		return fmt.Errorf("with a next and a previous key: %w", err)
	}
	noNext, err := t.execute(view(current, nil, []key{previous}))
	if err != nil {
		return fmt.Errorf("with a previous key and no next one: %w", err)
	}
	noPrevious, err := t.execute(view(current, next, nil))
	if err != nil {
		return fmt.Errorf("with a next key and no previous one: %w", err)
	}
	other, err := t.execute(view(madeUp("other", alg, true), next, []key{previous}))
	if err != nil {
		return err
	}
	t.next, t.previous = !bytes.Equal(all, noNext), !bytes.Equal(all, noPrevious)
	if bytes.Equal(all, other) && !t.next && !t.previous {
		return errors.New("the template shows no key: {{.current.text}} is the one that signs")
	}
	return nil
}

// Render writes the set.
func (t *Template) Render(s *keyset.Set) (secret.Text, error) {
	var keys []key
	var next key
	for _, k := range s.Keys {
		switch k.Status {
		case keyset.Next:
			next = viewOf(k)
		case keyset.Previous:
			keys = append(keys, viewOf(k))
		}
	}
	v := view(viewOf(s.Signing()), next, keys)
	v["name"], v["environment"], v["generation"] = s.Name, s.Environment, s.Generation
	if slices.ContainsFunc(s.Keys, hasPublic) {
		pem, err := renderPEM(s)
		if err != nil {
			return secret.Text{}, err
		}
		v["jwks"], v["pem"] = string(s.PublicJWKs()), string(pem.Reveal())
	}
	out, err := t.execute(v)
	return secret.New(out), err
}

func (t *Template) execute(v map[string]any) ([]byte, error) {
	var b bytes.Buffer
	if err := t.t.Execute(&b, v); err != nil {
		return nil, templateError(err)
	}
	if b.Len() == 0 {
		return nil, errors.New("the template renders nothing, and an empty text is taken for a key")
	}
	return b.Bytes(), nil
}

// A key is what a template sees of one.
type key map[string]any

func viewOf(k keyset.Key) key {
	v := key{"kid": k.Kid, "alg": string(k.Alg), "issued": k.Issued.Unix()}
	if k.Alg.Symmetric() {
		v["text"], v["bytes"] = string(k.Text().Reveal()), string(k.VerifyKey().([]byte))
		return v
	}
	v["text"], v["public"] = string(k.Text().Reveal()), string(k.PublicPEM())
	if k.Status != keyset.Current {
		v["text"] = v["public"]
	}
	return v
}

// madeUp is a key that is none, for trying a template.
func madeUp(name string, alg keyset.Algorithm, signs bool) key {
	v := key{"kid": "kid-" + name, "alg": string(alg), "issued": int64(len(name)), "text": "text-" + name}
	switch {
	case alg.Symmetric():
		v["bytes"] = "bytes-" + name
	case signs:
		v["public"] = "public-" + name
	default:
		v["public"], v["text"] = "public-"+name, "public-"+name
	}
	return v
}

func view(current, next key, previous []key) map[string]any {
	keys, v := []key{current}, map[string]any{"current": current, "name": "name", "environment": "environment", "generation": uint64(1)}
	v["next"], v["previous"] = absent{}, absent{}
	if next != nil {
		keys, v["next"] = append(keys, next), next
	}
	if len(previous) > 0 {
		keys, v["previous"] = append(keys, previous...), previous[0]
	}
	var texts, public []string
	for _, k := range keys {
		texts = append(texts, k["text"].(string))
		if p, ok := k["public"].(string); ok {
			public = append(public, p)
		}
	}
	v["keys"], v["fallbacks"], v["texts"], v["fallbackTexts"] = keys, keys[1:], texts, texts[1:]
	if public != nil {
		v["jwks"], v["pem"] = strings.Join(public, ","), strings.Join(public, "")
	}
	return v
}

// absent is a key that is not there: if and with take it for false, and it has no
// members.
type absent map[string]any

// The functions of a template.

func toBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func toJSON(v any) (string, error) {
	switch v.(type) {
	case string, []string, int64, uint64, int:
	default:
		return "", fmt.Errorf("json takes a text or a list of texts, such as .current.text or .texts, not %s", called(v))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", errors.New("json: it is not text")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func join(separator string, list []string) string { return strings.Join(list, separator) }

// text lets texts and numbers through to the output.
func text(v any) (any, error) {
	switch v.(type) {
	case string, int64, uint64, int:
		return v, nil
	}
	return nil, fmt.Errorf("%s cannot be printed: name a member of it, such as .text", called(v))
}

// called is what a template's author calls a value.
func called(v any) string {
	switch v.(type) {
	case absent, nil:
		return "a key that is not there"
	case key, map[string]any:
		return "a key"
	case []key, []string:
		return "a list"
	case bool:
		return "true or false"
	}
	return "this"
}

// strict refuses functions that are not among the few, and has every result
// checked before it is printed.
func strict(n parse.Node) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := strict(child); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		if err := strictPipe(n.Pipe); err != nil {
			return err
		}
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(printed).SetPos(n.Pos)}})
		}
	case *parse.IfNode:
		return strictBranch(n.BranchNode)
	case *parse.RangeNode:
		return strictBranch(n.BranchNode)
	case *parse.WithNode:
		return strictBranch(n.BranchNode)
	case *parse.TemplateNode:
		return strictPipe(n.Pipe)
	}
	return nil
}

func strictBranch(n parse.BranchNode) error {
	return errors.Join(strictPipe(n.Pipe), strict(n.List), strict(n.ElseList))
}

func strictPipe(p *parse.PipeNode) error {
	if p == nil {
		return nil
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			switch arg := arg.(type) {
			case *parse.PipeNode:
				if err := strictPipe(arg); err != nil {
					return err
				}
			case *parse.IdentifierNode:
				if _, ours := functions()[arg.Ident]; (!ours || arg.Ident == printed) && !slices.Contains(own, arg.Ident) {
					return fmt.Errorf("line %d: there is no function %s; there are base64, json and join, and %s", p.Line, arg.Ident, strings.Join(own, ", "))
				}
			}
		}
	}
	return nil
}

// templatePlace is how text/template begins its errors.
var templatePlace = lazy.Regexp(`^template: template:(\d+)(:\d+)?: (executing "template" at )?`)

// templateError says an error of text/template in fewer words. Those of running
// quote the template, and no value.
func templateError(err error) error {
	msg := templatePlace().ReplaceAllString(err.Error(), "line $1: ")
	msg = strings.NewReplacer(
		"map has no entry for key", "there is no member",
		"nil data; no entry for key", "there is no key, so no member", "<"+printed+">: ", "", "error calling "+printed+": ", "",
	).Replace(msg)
	return errors.New(msg)
}
