package engine

import (
	"context"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// written is the outputs as the document notes them.
func written(t Target) []keyset.Output {
	var out []keyset.Output
	for _, o := range t.Outputs {
		out = append(out, keyset.Output{Name: o.Name, Format: o.Format, Variables: o.Variables})
	}
	return out
}

// unrecorded reports whether an output is not in the document yet. It has to be there before the first write.
// Otherwise a process that is killed in between would leave a copy that nobody knows of.
func unrecorded(set *keyset.Set, t Target) bool {
	return set.Writable() == nil && !set.HasOutputs(written(t))
}

// record writes them down and changes nothing else.
func (p *pass) record(ctx context.Context) error {
	at := p.clock().Early()
	set, err := p.result.Set.Touch(at)
	if err != nil {
		return err
	}
	return p.commit(ctx, set, rotation.Step{Do: rotation.Record, At: at, Why: rotation.Reason{Code: rotation.OutputNew}})
}
