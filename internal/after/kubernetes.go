package after

import (
	"context"
	"errors"

	"github.com/keyrotate/rotate/providers"
)

// Rollout has the pods of a workload, such as deployment/shop, start anew where the
// output's store is. A call for a revision that was rolled out already changes
// nothing.
func Rollout(r providers.Roller, workload string) *Way {
	return &Way{
		Name: "kubernetes " + workload,
		wake: func(ctx context.Context, c Change) error {
			return r.Rollout(ctx, workload, c.Key+" "+c.Output, c.Revision) // several keys can have parts of one Secret
		},
		try: func(ctx context.Context) error { return r.ProbeRollout(ctx, workload) },
		advice: func(err error) string {
			if refused, ok := errors.AsType[*providers.Error](err); ok {
				return refused.Hint
			}
			return ""
		},
	}
}
