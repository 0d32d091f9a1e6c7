package daemon

import (
	"context"
	"iter"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/rotation/engine"
)

// Once does what is due for each key, and ends. A key that halts is no error: its
// result says so. A compromised key that is not gone is an alarm, as in a status.
func Once(ctx context.Context, h *ops.Host, keys []*fleet.Key) iter.Seq[ops.Outcome[engine.Result]] {
	eng := h.Engine()
	return ops.Each(ctx, keys, ops.AtOnce, func(ctx context.Context, k *fleet.Key) (engine.Result, error) {
		return h.Once(ctx, eng, k)
	})
}
