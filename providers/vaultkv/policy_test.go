package vaultkv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rotatepolicy "github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// printed is what rotate policy prints for the secret of these tests in a store.
func printed(c *Config, without func([]providers.Right) []providers.Right) string {
	p := rotatepolicy.Policy{Role: providers.Rotator, Rights: c.Needs(providers.Rotator, []providers.Use{{Secret: name}})}
	if without != nil {
		p.List = without(p.List)
	}
	return p.Text()
}

// realPolicy holds that on Vault itself the printed policy carries a life, and that
// without any one capability of it a call fails that is named.
func realPolicy(t *testing.T, v server) {
	v.admin(t, "POST", "sys/auth/exact", map[string]any{"type": "approle"})
	v.admin(t, "POST", "auth/exact/role/exact", map[string]any{"token_policies": "exact", "token_ttl": "1h"})
	role := v.admin(t, "GET", "auth/exact/role/exact/role-id", nil)["role_id"].(string)
	id := v.admin(t, "POST", "auth/exact/role/exact/secret-id", nil)["secret_id"].(string)
	try := func(without func([]providers.Right) []providers.Right) error {
		c := v.config(t)
		c.Auth = Auth{Method: "approle", Mount: "exact", RoleID: role, SecretIDFile: fileOf(t, id)}
		v.admin(t, "PUT", "sys/policies/acl/exact", map[string]any{"policy": printed(c, without)})
		s, err := c.open(t.Context(), v.via)
		if err != nil {
			return err
		}
		return shortLife(s, life.New(t, life.World{}))
	}
	if err := try(nil); err != nil {
		t.Errorf("with the printed policy: %s", say.Error(err))
	}
	for i, r := range v.config(t).Needs(providers.Rotator, []providers.Use{{Secret: name}}).List {
		for _, taken := range r.Actions {
			err := try(func(list []providers.Right) []providers.Right {
				list[i].Actions = slices.DeleteFunc(list[i].Actions, func(a string) bool { return a == taken })
				if len(list[i].Actions) == 0 {
					return slices.Delete(list, i, i+1)
				}
				return list
			})
			if err == nil || !strings.Contains(say.Error(err).String(), taken) {
				t.Errorf("without %s (%s) the error is: %v", r.Name, taken, err)
				continue
			}
			t.Logf("without %s (%s): %.200s", r.Name, taken, say.Error(err))
		}
	}
}

// shortLife makes a key, rotates it, and has the old one erased, within seconds. It ends
// with the first error.
func shortLife(s *store, l *life.Life) error {
	e := &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: func() string { return fmt.Sprint(time.Now().UnixNano()) }, Actor: "test", Audit: func(engine.Event) {}}
	target := engine.Target{
		Name: "auth-jwt", Environment: "test", StoreName: "vault", Store: s, Secret: name, Generate: l.Generate,
		Policy: rotation.Policy{Schedule: rotation.Every(4 * time.Second), Grace: 2 * time.Second},
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		res, err := e.Pass(context.Background(), target, engine.Ask{})
		if err != nil {
			return err
		}
		switch {
		case res.Left.Failed: // the pass goes on without; the call itself tells why
			return eraseOldest(s)
		case res.Set != nil && res.Set.Generation >= 4 && res.Left.Revisions == 0:
			return nil
		}
	}
	return errors.New("the key came to no end")
}

func eraseOldest(s *store) error {
	revs, err := s.History(context.Background(), name)
	if err != nil {
		return err
	}
	_, err = s.Erase(context.Background(), name, revs[0].ID, revs[len(revs)-1].ID)
	return err
}
