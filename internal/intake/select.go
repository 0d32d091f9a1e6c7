package intake

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxMembers is how many members a message names.
const maxMembers = 24

// A Member is a part of a source that can be named. It has no value.
type Member struct {
	Name string // with dots before members of members
	Kind string // text, PEM, JWK, JWK Set, list, object, number, true or false, null
}

// Members lists what can be chosen by Ask.Field, in the source's order, those of
// maps by name. It lists nothing for a source that is one text.
func Members(src Source) []Member {
	var all []Member
	if src.Fields != nil {
		for _, name := range slices.Sorted(maps.Keys(src.Fields)) {
			all = append(all, Member{name, kindOf(src.Fields[name])})
			all = append(all, under(name, src.Fields[name])...)
		}
		return all
	}
	return under("", src.Text)
}

// under lists the members of a JSON object; nothing of what is a key itself.
func under(prefix string, data []byte) []Member {
	n, err := parseJSON(data)
	if err != nil || n.kind != anObject || isJWK(n) || isSet(n) {
		return nil
	}
	return n.list(prefix)
}

func (n node) list(prefix string) (all []Member) {
	for i, name := range n.names {
		m := n.members[i]
		name = join(prefix, name)
		kind := string(m.kind)
		switch {
		case m.kind == aText, m.kind == anObject, m.kind == aList:
			kind = kindOf(m.value())
		}
		all = append(all, Member{name, kind})
		if kind == string(anObject) {
			if inner, err := parseJSON([]byte(m.text)); err == nil { // JSON in a text, as choose takes it
				m = inner
			}
			all = append(all, m.list(name)...)
		}
	}
	return all
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// kindOf is what a text would be taken for.
func kindOf(data []byte) string {
	n, err := parseJSON(data)
	switch {
	case err != nil && isPEM(data):
		return "PEM"
	case err != nil || n.kind != anObject && n.kind != aList:
		return string(aText)
	case isSet(n):
		return "JWK Set"
	case isJWK(n):
		return "JWK"
	}
	return string(n.kind)
}

// choose takes the named part of a source.
func (t *taker) choose(src Source) ([]byte, error) {
	if len(src.Text) > MaxSource {
		return nil, &Refusal{Code: TooLarge, Have: len(src.Text), Want: MaxSource}
	}
	if src.Fields != nil {
		return t.chooseField(src.Fields)
	}
	if t.ask.Field == "" {
		return src.Text, nil
	}
	n, err := parseJSON(src.Text)
	if err != nil || n.kind != anObject && n.kind != aList {
		if d := (*doubled)(nil); errors.As(err, &d) {
			return nil, &Refusal{Code: MemberTwice, Name: d.name}
		}
		return nil, &Refusal{Code: NoMembers, Name: t.ask.Field}
	}
	if n.textOf("kind") == "SealedSecret" && strings.HasPrefix(t.ask.Field, "spec.encryptedData") {
		return nil, &Refusal{Code: Reference, Kind: "the controller of Sealed Secrets"}
	}
	if n.encodes(t.ask.Field) {
		return nil, &Refusal{Code: EncodedMember, Name: t.ask.Field}
	}
	return n.choose(t.ask.Field, "", Members(src))
}

// encodes reports whether the document is one in which this member is base64: a
// Secret of Kubernetes, or what gcloud prints of a secret's version.
func (n node) encodes(path string) bool {
	payload, _ := n.member("payload")
	_, google := payload.member("data")
	return n.textOf("kind") == "Secret" && strings.HasPrefix(path, "data.") || google && path == "payload.data"
}

// chooseField takes a field of a secret: the one that is named, or the only one
// there is. Names may have dots, as data keys of Kubernetes do, so the longest
// one that fits counts; what follows is a member of the JSON in it.
func (t *taker) chooseField(fields map[string][]byte) ([]byte, error) {
	names := slices.Sorted(maps.Keys(fields))
	all := Members(Source{Fields: fields})
	switch {
	case len(names) == 0:
		return nil, &Refusal{Code: Empty}
	case t.ask.Field == "" && len(names) == 1:
		t.note(Note{Code: OneField, Name: names[0]})
		return fields[names[0]], nil
	case t.ask.Field == "":
		return nil, &Refusal{Code: SeveralFields, Members: limited(all)}
	}
	best := ""
	for _, name := range names {
		if t.ask.Field == name || strings.HasPrefix(t.ask.Field, name+".") && len(name) > len(best) {
			if best = name; name == t.ask.Field {
				return fields[name], nil
			}
		}
	}
	if best == "" {
		return nil, &Refusal{Code: NoSuchMember, Name: t.ask.Field, Members: limited(all)}
	}
	n, err := parseJSON(fields[best])
	if err != nil || n.kind != anObject && n.kind != aList {
		return nil, &Refusal{Code: NoSuchMember, Name: t.ask.Field, Members: limited(all)}
	}
	return n.choose(strings.TrimPrefix(t.ask.Field, best+"."), best, all)
}

// choose walks down the path. A name with dots in it is found as well: the
// longest one that fits counts.
func (n node) choose(path, walked string, all []Member) ([]byte, error) {
	if m, ok := n.member(path); ok {
		return m.chosen(join(walked, path))
	}
	if i, err := strconv.Atoi(path); err == nil && n.kind == aList && i >= 0 && i < len(n.members) {
		return n.members[i].chosen(join(walked, path))
	}
	for end := strings.LastIndexByte(path, '.'); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		head, rest := path[:end], path[end+1:]
		m, ok := n.member(head)
		if i, err := strconv.Atoi(head); !ok && err == nil && n.kind == aList && i >= 0 && i < len(n.members) {
			m, ok = n.members[i], true
		}
		if !ok {
			continue
		}
		if m.kind == aText { // JSON in a text, as consoles and templates leave it
			if inner, err := parseJSON([]byte(m.text)); err == nil {
				m = inner
			}
		}
		return m.choose(rest, join(walked, head), all)
	}
	return nil, &Refusal{Code: NoSuchMember, Name: join(walked, path), Members: limited(all)}
}

// chosen is the value of a member that can be a key.
func (n node) chosen(name string) ([]byte, error) {
	if n.kind == aNumber || n.kind == aBoolean || n.kind == aNull {
		return nil, &Refusal{Code: NotAText, Name: name, Kind: string(n.kind)}
	}
	return n.value(), nil
}

// limited is the names, no more than fit into a message.
func limited(all []Member) (names []string) {
	for _, m := range all {
		if len(names) == maxMembers {
			return append(names, "…")
		}
		if m.Kind != string(anObject) {
			names = append(names, m.Name)
		}
	}
	return names
}
