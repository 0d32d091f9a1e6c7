package after

import (
	"context"
	"errors"

	"github.com/keyrotate/rotate/providers"
)

// Rollout has the pods of a workload, such as deployment/shop, start anew where the
// output's store is. A call for a revision that was rolled out already changes
// nothing.
func Rollout(r providers.Roller, workload string) Way {
	return func(ctx context.Context, c Change) error {
		err := r.Rollout(ctx, workload, c.Key+" "+c.Output, c.Revision) // several keys can have parts of one Secret
		if err == nil {
			return nil
		}
		e := &Error{Way: "kubernetes " + workload, Err: err}
		if refused, ok := errors.AsType[*providers.Error](err); ok {
			e.Advice = refused.Hint
		}
		return e
	}
}
