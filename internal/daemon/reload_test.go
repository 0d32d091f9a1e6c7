package daemon

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A config that cannot be read, as its file system hangs, is told, ends with the
// daemon, and does not keep the next SIGHUP from being heard.
func TestAHangingConfigDisablesNoReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		hangs, reads := make(chan struct{}), atomic.Int64{}
		d, err := New(Options{
			Host: ops.Host{Now: time.Now, Clock: new(engine.SystemClock).Now, Trail: &audit.File{}, Log: slog.New(slog.NewTextHandler(&log, nil))},
			Read: func() (*config.Config, error) {
				if reads.Add(1)%2 == 0 {
					<-hangs
				}
				return &config.Config{}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		hangup, ended := make(chan os.Signal), make(chan struct{})
		go func() {
			d.reload(ctx, hangup)
			close(ended)
		}()
		hangup <- syscall.SIGHUP // hangs
		hangup <- syscall.SIGHUP // taken once the first is given up
		hangup <- syscall.SIGHUP // hangs
		synctest.Wait()
		said := log.String()
		if told, read := strings.Index(said, "the file system hangs"), strings.Index(said, "was read again"); told < 0 || read < told {
			t.Error(said)
		}
		stop()
		<-ended
		if reads.Load() != 4 {
			t.Errorf("%d reads", reads.Load())
		}
		close(hangs)
	})
}
