package daemon

import (
	"context"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
)

// attest logs where the chain of the audit file has come to, each hour in which
// it has grown: lines that somebody cuts off the end of the file show in
// comparison alone.
func (d *Daemon) attest(ctx context.Context) {
	for last := ""; ops.Pause(ctx, time.Hour) == nil; {
		if now := d.Host.Trail.Last().Digest; now != last {
			d.logChain()
			last = now
		}
	}
}

// logChain logs it now, if there is a line.
func (d *Daemon) logChain() {
	if l := d.Host.Trail.Last(); l.Number > 0 {
		d.Host.Log.Info("the audit file's chain", "writer", l.Writer, "number", l.Number, "digest", l.Digest)
	}
}

// lostEvent tells of events that the audit file does not have, once a minute:
// the log has each of them. All of them are counted.
func (d *Daemon) lostEvent(err error) {
	d.metrics.AuditFailed()
	now := time.Now().Unix()
	if last := d.told.Load(); now-last >= 60 && d.told.CompareAndSwap(last, now) {
		d.Host.Log.Error("an audit event is not in the audit file; this log has it", "error", err)
	}
}
