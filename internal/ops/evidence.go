package ops

import (
	"context"
	"errors"
	"io/fs"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
)

// Evidence reads the document and the audit file of a key: the file at a path, or
// the host's if the path is "". The host's may not be there yet, and has no events
// then; one that was named has to be there.
func (h *Host) Evidence(ctx context.Context, k *fleet.Key, path string) (audit.Facts, error) {
	seen := guarded(ctx, k, func(ctx context.Context, k *fleet.Key) (status.Facts, error) {
		f := h.facts(ctx, h.Look(), k)
		return f, f.Err
	})
	result := seen.Got.Result
	f := audit.Facts{
		Now: h.Now(), Set: result.Set, Traces: seen.Got.Traces, Late: k.Sync + k.Policy.Skew(), Remains: k.Store.Traits().Remains,
		Key:  audit.Report{Key: k.Name, Environment: k.Environment, Store: k.StoreName, Secret: k.Secret},
		Path: h.Trail.Path(),
	}
	if f.Set == nil {
		f.Set = result.Removed
	}
	switch {
	case seen.Err != nil:
		f.Problem = say.Error(seen.Err).String()
	case f.Set == nil:
		f.Problem = say.Step(result.Step, k.Subject())
	}
	named := path != ""
	if named {
		f.Path = path
	}
	if f.Path == "" {
		return f, nil
	}
	var err error
	f.Events, f.Spoilt, err = audit.Read(f.Path, k.Names(), k.StoreName, k.Secret)
	if !named && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return f, err
}
