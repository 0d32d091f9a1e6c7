package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// A stuck store does not come back from a read, whatever its context says, as a file
// system whose server has gone.
type stuck struct {
	providers.Store
	back chan struct{}
}

func (s *stuck) Open(context.Context) (providers.Store, error) { return s, nil }

func (s *stuck) Read(ctx context.Context, name string) (providers.Revision, error) {
	<-s.back
	return s.Store.Read(ctx, name)
}

// A command that is told to end ends within 5 s, whatever a store does, and tells
// which call of which key has not come back.
func TestNoCommandOutlastsItsSignal(t *testing.T) {
	for command, call := range map[string]string{
		"status":                  "key payments, store far: read",
		"now payments":            "key payments, store far: read",
		"get payments":            "key payments, store far: read",
		"plan":                    "key payments, store far: read",
		"run --once":              "key payments, store far: read",
		"validate --probe":        "store far: probe",
		"adopt payments --from -": "key payments, store far: read",
	} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { outlasts(t, command, call) })
		})
	}
	t.Run("run", func(t *testing.T) { outlasts(t, "run", "key payments, store far") }) // signals have no synctest
}

func outlasts(t *testing.T, command, call string) {
	s := &stuck{memory.New(), make(chan struct{})}
	defer close(s.back)
	c := newConsole(t, "environment: test\nstores: {far: {type: stuck}}\nkeys: {payments: {store: far, algorithm: HS256}}\n")
	c.stores = map[string]func() providers.Config{"stuck": func() providers.Config { return s }}
	var stderr bytes.Buffer
	a := c.app(strings.NewReader("8Kq2vX0rT5mZ7cW1nB4yH6jD9fL3sPaG0uE2iO5kQxY\n"), io.Discard, &stderr)
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	told := time.Now().Add(time.Second)
	code := a.Run(ctx, append(strings.Fields(command), "-c", filepath.Join(c.dir, "rotate.yaml")))
	if took := time.Since(told); took < 0 || took > 5*time.Second || code != 1 {
		t.Errorf("code %d after %s", code, took)
	}
	if !strings.Contains(stderr.String(), "left without an answer") || !strings.Contains(stderr.String(), call) {
		t.Errorf("told was\n%s", stderr.String())
	}
}
