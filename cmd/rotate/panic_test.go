package main

import (
	"context"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/providers"
)

// broken is a type of store whose every call panics with what must not be told.
type broken struct{ providers.Store }

const spilt = "canary-of-a-panic"

func (broken) Open(context.Context) (providers.Store, error) { return broken{}, nil }
func (broken) Traits() providers.Traits {
	return providers.Traits{Type: "broken", MaxValue: 64 << 10, TakesName: func(string) bool { return true }}
}
func (broken) Read(context.Context, string) (providers.Revision, error) {
	panic(providers.NewSecret([]byte(spilt)).Reveal())
}
func (broken) Write(context.Context, string, providers.Secret, providers.RevisionID, providers.Note) (providers.Revision, error) {
	panic(spilt)
}
func (broken) History(context.Context, string) ([]providers.Revision, error) { panic(spilt) }

// Promise 7: a panic in any command is an error that names the place and not the
// value, and where several keys are asked for, the others get their turn.
func TestPromise7PanicsAreContained(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {bad: {type: broken}, disk: {type: file, dir: ./keys}}\nkeys: {bad: {store: bad}, good: {store: disk, propagation: 0s}}\n")
	c.stores = registry()
	c.stores["broken"] = func() providers.Config { return &broken{} }
	c.do("now", "good")
	for _, args := range []string{
		"status", "status bad", "status -o json", "plan", "audit bad", "get bad", "now bad", "now --all", "now --all --dry-run", "run --once", "validate --probe",
		"adopt bad -", "now --compromised bad --yes", "revoke bad kid --yes", "accept bad --generation 1 --yes",
	} {
		code, stdout, stderr := c.try("a-long-secret-of-somebody-else-0123456789", strings.Fields(args)...)
		if said := stdout + stderr; !strings.Contains(said, "a panic of type ") || code == cli.Done {
			t.Errorf("rotate %s: exit code %d\n%s", args, code, said)
		}
		several := !strings.Contains(args, "bad") && !strings.Contains(args, "validate")
		if several && !strings.Contains(stdout, "good") {
			t.Errorf("rotate %s: the other key is missing\n%s%s", args, stdout, stderr)
		}
	}
	for _, form := range forms([]byte(spilt)) {
		if strings.Contains(c.all.String(), form) {
			t.Errorf("%s was told\n%s", form, &c.all)
		}
	}
}
