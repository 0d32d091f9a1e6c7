package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
)

// slow is a type of store with a narrow quota.
type slow struct{}

func (*slow) Open(context.Context) (providers.Store, error) { return memory.New(), nil }
func (*slow) WritesAMinute() int                            { return 20 }

// What a store's pace does not allow would be late for ever: validate says so.
func TestASchedulePastTheStoresPaceIsRefused(t *testing.T) {
	const head = "environment: test\nstores: {google: {type: slow}, disk: {type: fake, dir: ./keys}}\ndefaults: {store: google, propagation: 0s, grace: 10s, grace_bounds: {min: 1s}, jitter: 0s}\nkeys:\n"
	registry := registry()
	registry["slow"] = func() providers.Config { return &slow{} }
	for _, c := range []struct{ keys, want string }{
		{"  a: {every: 20s}\n", "its key is rotated so often that a store of the type slow cannot keep up: 30 writes a minute are needed, of 20"},
		{"  a: {every: 30s}\n", ""},
		{"  a: {every: 60s}\n  b: {every: 60s}\n", ""},
		{"  a: {every: 60s}\n  b: {every: 60s}\n  c: {every: 1h}\n", "its 3 keys are rotated so often that a store of the type slow cannot keep up: 21 writes a minute are needed, of 20"},
		{"  a: {every: 60s, store: disk, outputs: [{store: google, secret: x}]}\n", ""},
		{"  a: {every: 15s, store: disk, outputs: [{store: google, secret: x}]}\n", "cannot keep up: 24 writes a minute"},
		{"  a: {every: 20s, store: disk}\n", ""},
		{"  a: {schedule: manual}\n", ""},
		{"  a: {schedule: \"* * * * *\"}\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "rotate.yaml")
		if err := os.WriteFile(path, []byte(head+c.keys), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, stores.Registry(registry))
		var found strictyaml.Problems
		if errors.As(err, &found) != (c.want != "") || c.want != "" && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.keys, err, c.want)
		}
	}
	p := rotation.Policy{Schedule: rotation.Every(time.Hour)}
	if got := p.Mean(reference); got != time.Hour {
		t.Errorf("the mean of each hour is %v", got)
	}
}
