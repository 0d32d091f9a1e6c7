package keyset

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Output is a place beside the store in which a rendering may have been
// written. The document remembers each one until it was cleaned, so that rotate
// finds a copy that no config names any more.
type Output struct {
	Name      string
	Format    string
	Variables []string // of a file in which only these are rotate's
	extra     map[string]any
}

func (o Output) is(p Output) bool {
	return o.Name == p.Name && o.Format == p.Format && slices.Equal(o.Variables, p.Variables)
}

// HasOutputs reports whether the document remembers all of them.
func (s *Set) HasOutputs(all []Output) bool {
	return !slices.ContainsFunc(all, func(o Output) bool { return !slices.ContainsFunc(s.Outputs, o.is) })
}

// WithOutputs remembers them as well. One that is known in another form, with
// other variables in the same file, is known in both.
func (s *Set) WithOutputs(more []Output) (*Set, error) {
	if s.HasOutputs(more) {
		return s, nil
	}
	n := *s
	n.Outputs = slices.Clone(s.Outputs)
	for _, o := range more {
		if !slices.ContainsFunc(n.Outputs, o.is) {
			n.Outputs = append(n.Outputs, o)
		}
	}
	slices.SortStableFunc(n.Outputs, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	if len(n.Outputs) > maxOutputs {
		return nil, fmt.Errorf("%w: more than %d outputs; `rotate forget` cleans those that are not used any more", ErrTooLarge, maxOutputs)
	}
	return &n, nil
}

// Forget drops the outputs of some names, once nothing is left there.
func (s *Set) Forget(at time.Time, names ...string) (*Set, error) {
	n, err := s.successor(0, at)
	if err != nil {
		return nil, err
	}
	n.Outputs = slices.DeleteFunc(slices.Clone(s.Outputs), func(o Output) bool { return slices.Contains(names, o.Name) })
	return n, nil
}

// Touch is the same set, to be written again with what was added to its
// records.
func (s *Set) Touch(at time.Time) (*Set, error) { return s.successor(0, at) }
