package config

import (
	"maps"
	"slices"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
)

// outputMarks takes the labels and annotations, if the store has such.
func (r *resolver) outputMarks(o *Output, s outputSection) {
	keeper, ok := o.Config.(providers.FieldKeeper)
	o.Marks = providers.Marks{Labels: s.Labels.Value, Annotations: s.Annotations.Value}
	for _, one := range []struct {
		at    strictyaml.Place
		marks providers.Marks
	}{{s.Labels.At, providers.Marks{Labels: o.Marks.Labels}}, {s.Annotations.At, providers.Marks{Annotations: o.Marks.Annotations}}} {
		switch {
		case !one.at.Known() || o.Config == nil:
		case !ok:
			r.Fail(one.at, "of rotate's own types only kubernetes has them", "does not belong here")
		default:
			if _, err := keeper.Marked(one.marks); err != nil {
				r.Fail(one.at, "docs/providers/kubernetes.md tells which can be set", "%v", err)
			}
		}
	}
}

// sameMarks holds outputs that share a secret to one value of each label and
// annotation, those of their stores among them: each would write its own.
func (r *resolver) sameMarks(id [2]string, o Output, s outputSection) bool {
	keeper, ok := o.Config.(providers.FieldKeeper)
	if !ok {
		return true
	}
	m, err := keeper.Marked(o.Marks)
	if err != nil {
		return false // the store's options are wrong, which is told there
	}
	had := r.marks[id]
	if had == nil {
		had = map[string]string{}
		r.marks[id] = had
	}
	for kind, marks := range map[string]map[string]string{"label": m.Labels, "annotation": m.Annotations} {
		for _, name := range slices.Sorted(maps.Keys(marks)) {
			text, known := had[kind+" "+name]
			if known && text != marks[name] {
				at := map[string]strictyaml.Place{"label": s.Labels.At, "annotation": s.Annotations.At}[kind]
				r.Fail(r.blame(s.at, at), "give it one value in all outputs of this secret; without one of its own an output has its store's", "another output of this secret has another value of the %s %s", kind, name)
				return false
			}
			had[kind+" "+name] = marks[name]
		}
	}
	return true
}
