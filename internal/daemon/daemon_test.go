package daemon

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/serve"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

// daemonOf is a daemon of the config at a path, which keeps its keys in files.
func daemonOf(path string) (*Daemon, error) {
	types := stores.Registry{"file": func() providers.Config { return &file.Config{} }}
	return New(Options{
		Host: ops.Host{Now: time.Now, Clock: new(engine.SystemClock).Now, Trail: &audit.File{}, Log: slog.New(slog.DiscardHandler)},
		Read: func() (*config.Config, error) { return config.Load(path, types) },
	})
}

// A config that is well-formed and refused all the same leaves the daemon as it
// was: neither its audit file nor its address is switched.
func TestARefusedReloadSwitchesNothing(t *testing.T) {
	const old = "environment: test\nlisten: 127.0.0.1:1\naudit: {file: old.jsonl}\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n"
	path := filepath.Join(t.TempDir(), "rotate.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old)
	d, err := daemonOf(path)
	if err != nil {
		t.Fatal(err)
	}
	uses := func(when, listen, file string) {
		t.Helper()
		if got := d.Host.Trail.Path(); d.listen[0].Where != listen || filepath.Base(got) != file {
			t.Errorf("%s: listens on %v, audits to %s", when, d.listen, got)
		}
	}
	write(strings.NewReplacer(":1\n", ":2\n", "old.jsonl", "new.jsonl").Replace(old))
	conf, err := d.Read()
	if err != nil {
		t.Fatal(err)
	}
	sync := conf.Keys[0].Sync
	conf.Keys[0].Sync = 0 // the scheduler knows better than whoever has let this pass
	if _, err := d.take(conf); err == nil {
		t.Error("the scheduler takes a key without a sync")
	}
	uses("refused", "127.0.0.1:1", "old.jsonl")
	conf.Keys[0].Sync = sync
	if _, err := d.take(conf); err != nil {
		t.Error(err)
	}
	uses("taken", "127.0.0.1:2", "new.jsonl")
}

// A daemon that has nothing to do any more is sparing with memory, but not
// against the word of whoever started it.
func TestADaemonCalmsDown(t *testing.T) {
	for _, c := range []struct {
		keep bool
		want int
	}{{false, 25}, {true, 70}} {
		before := debug.SetGCPercent(70)
		d := &Daemon{
			Options:   Options{KeepGC: c.keep},
			scheduler: scheduler.New(&engine.Engine{Clock: new(engine.SystemClock).Now}, scheduler.Options{}),
		}
		d.calmDown(t.Context())
		if got := debug.SetGCPercent(before); got != c.want {
			t.Errorf("GOGC is set: %v: %d percent, want %d", c.keep, got, c.want)
		}
	}
}

// Nor does one that has not looked at every key yet: it is about to need what it
// would give back.
func TestADaemonIsNotCalmBeforeEveryLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := debug.SetGCPercent(70)
		d := &Daemon{
			scheduler: scheduler.New(&engine.Engine{Clock: new(engine.SystemClock).Now}, scheduler.Options{}),
		}
		if err := d.scheduler.Replace([]scheduler.Key{{Target: engine.Target{Name: "k"}, Sync: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		d.calmDown(ctx)
		if got := debug.SetGCPercent(before); got != 70 {
			t.Errorf("%d percent", got)
		}
	})
}

// Files of endpoints are read again each hour: where a certificate is mounted,
// nobody sends a signal.
func TestFilesAreReadEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte("a-token-of-0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
		where := endpoint.Of(endpoint.Address{Network: "tcp", Where: "127.0.0.1:0"})
		where.TokenFile = file
		listeners, err := serve.Listen(t.Context(), []endpoint.Endpoint{where})
		if err != nil {
			t.Fatal(err)
		}
		defer listeners[0].Close()
		var log strings.Builder
		d := &Daemon{Options: Options{Host: ops.Host{Log: slog.New(slog.NewTextHandler(&log, nil))}}, listeners: listeners}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			d.renew(ctx)
			close(ended)
		}()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		stop()
		<-ended
		if n := strings.Count(log.String(), "a file of the endpoints cannot be used, what it held before is kept"); n != 1 {
			t.Errorf("%d times:\n%s", n, log.String())
		}
	})
}
