package azurekv

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// The tags of a version. They hold no key, since everyone who may list can read them.
const (
	tagPrefix  = "rotate-"
	parentTag  = tagPrefix + "parent" // the version that it was made on, or first
	writeTag   = tagPrefix + "write"  // random, the same for one Write however often it arrives
	ofTag      = tagPrefix + "of"     // on a copy, in place of both: the version whose value it repeats
	lineageTag = tagPrefix + "lineage"
	generation = tagPrefix + "generation"
	digestTag  = tagPrefix + "digest"

	first = "none" // no parent
)

// A version is one version of a secret, as a listing shows it.
type version struct {
	id      string
	created time.Time // whole seconds
	enabled bool

	ours      bool   // rotate wrote it
	parent    string // "" where it was the first
	of, write string
	note      providers.Note
}

// tags are what stands in Key Vault: at most ownTags beside those of the config.
func (v version) tags(more map[string]string) map[string]*string {
	all := map[string]*string{}
	for name, value := range more {
		all[name] = &value
	}
	put := func(name, value string) { all[name] = &value }
	if v.of != "" {
		put(ofTag, v.of)
	} else {
		put(parentTag, cmp.Or(v.parent, first))
		put(writeTag, v.write)
	}
	if v.note != (providers.Note{}) {
		put(lineageTag, v.note.Lineage)
		put(generation, strconv.FormatUint(v.note.Generation, 10))
		put(digestTag, v.note.Digest)
	}
	return all
}

// parse reads them back. A version without a parent that is no copy comes from outside.
func (v *version) parse(tags map[string]*string) {
	get := func(name string) string {
		if tags[name] == nil {
			return ""
		}
		return *tags[name]
	}
	v.of, v.parent, v.write = get(ofTag), get(parentTag), get(writeTag)
	if v.ours = v.of != "" || v.parent != ""; !v.ours {
		return
	}
	if v.parent == first {
		v.parent = ""
	}
	if g, err := strconv.ParseUint(get(generation), 10, 64); err == nil {
		v.note = providers.Note{Lineage: get(lineageTag), Generation: g, Digest: get(digestTag)}
	}
}

// older orders the versions of one parent: the smaller one wins. It does not depend on the order of a listing, since
// the service promises none.
func older(a, b version) int {
	return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
}

// A state is one listing of a secret.
type state struct {
	all     []version
	line    []version // the heads, oldest first
	lacks   string    // a version that is named by another and is not in the listing
	service time.Time
}

func newState(all []version, service time.Time) state {
	st := state{all: all, service: service}
	slices.SortFunc(st.all, older)
	for _, v := range all {
		for _, id := range []string{v.parent, v.of} {
			if _, known := st.find(id); id != "" && !known {
				st.lacks = id
			}
		}
	}
	// Someone made a version from outside on the head of that second.
	after := map[string]bool{}
	for head, more := (version{}), true; more; {
		more = false
		for _, v := range st.all {
			if v.of == "" && !after[v.id] && (v.ours && v.parent == head.id || !v.ours && (head.id == "" || older(head, v) < 0)) {
				head, more, after[v.id] = v, true, true
				st.line = append(st.line, v)
				break // the oldest
			}
		}
	}
	return st
}

func (st state) find(id string) (version, bool) {
	for _, v := range st.all {
		if v.id == id {
			return v, true
		}
	}
	return version{}, false
}

// head is the last of the line; the zero version where nothing was ever stored.
func (st state) head() version {
	if len(st.line) == 0 {
		return version{}
	}
	return st.line[len(st.line)-1]
}

// settled tells whether no older version of the head's parent can appear any
// more.
func (st state) settled() bool {
	return !st.service.Before(st.head().created.Add(settle))
}

// witness is the newest note in the line. A loser's note does not count.
func (st state) witness() (n providers.Note) {
	for _, v := range st.line {
		n = n.Newest(v.note)
	}
	return n
}

// won finds what a write became.
func (st state) won(write string) (v version, listed, head bool) {
	for _, v := range st.line {
		if v.write == write {
			return v, true, true
		}
	}
	return version{}, slices.ContainsFunc(st.all, func(v version) bool { return v.write == write }), false
}

// buried tells whether something is surely newer than a version.
func (st state) buried(v version) bool {
	return st.all[len(st.all)-1].created.After(v.created)
}
