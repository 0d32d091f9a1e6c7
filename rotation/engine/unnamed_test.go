package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A census is a config with these keys, each kept in the secret test-NAME.
type census struct{ keys string }

func (c *census) HasKey(name string) bool { return strings.Contains(" "+c.keys+" ", " "+name+" ") }

func (c *census) HasKeyset(_, secret string) bool {
	return c.HasKey(strings.TrimPrefix(secret, "test-"))
}

// valueOutput shows the key and nothing else.
func valueOutput(name string, s providers.Store) engine.Output {
	return engine.Output{
		Name: name, Store: s, Secret: "out-" + name, OneKey: true,
		Render: func(s *keyset.Set) (providers.Secret, error) { return s.Signing().Text(), nil },
	}
}

// rename gives a key another name, or another secret, as a changed config does: a new process
// has the new one alone.
func (r *rig) rename(to string) {
	r.target.Name, r.target.Secret, r.target.Census = to, "test-"+to, &census{to}
	r.restart()
}

// TestPromise6ARenamedKeyIsNotMadeAnew: a key under another name would sign at once, and nobody
// would have it. Where an output tells whose it was, the key stops.
func TestPromise6ARenamedKeyIsNotMadeAnew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		output func(string, providers.Store) engine.Output
		change func(r *rig)
		want   rotation.Code
		says   string
	}{
		{"renamed, and the store finds it", valueOutput, func(r *rig) { r.rename("login") }, rotation.Renamed, "secret test-auth-jwt of store disk"},
		{"renamed, and the output tells", keysetOutput, func(r *rig) {
			r.rename("login")
			r.target.Store = struct{ providers.Store }{r.store} // it cannot be listed
		}, rotation.Renamed, `key "auth-jwt" of this environment. No key`},
		{"its secret was renamed", valueOutput, func(r *rig) { r.target.Secret, r.target.Census = "moved", &census{"moved"} }, rotation.Renamed, "hint: give the key `secret: test-auth-jwt` again"},
		{"the other key is in the config", keysetOutput, func(r *rig) {
			r.rename("login")
			r.target.Census = &census{"login auth-jwt"}
		}, rotation.PlaceShared, "give the output a place of its own"},
		{"nobody can tell", valueOutput, func(r *rig) {
			r.rename("login")
			r.target.Store = struct{ providers.Store }{r.store}
		}, rotation.KeyLost, "another key writes to that place"},
		{"of another environment", keysetOutput, func(r *rig) {
			r.rename("login")
			r.target.Environment = "staging"
		}, rotation.PlaceShared, "environment \"test\""},
		{"nobody knows the config", valueOutput, func(r *rig) {
			r.rename("login")
			r.target.Census = nil
		}, rotation.KeyLost, "another key writes to that place"},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			r.target.Store = r.store
			r.target.Outputs = []engine.Output{tt.output("env", memory.New())}
			r.pass(engine.Ask{})
			tt.change(r)
			res := r.pass(engine.Ask{})
			if res.Step.Do != rotation.Halt || res.Step.Why.Code != tt.want || !strings.Contains(why(res), tt.says) {
				t.Errorf("%s: %s %s: %s", tt.name, res.Step.Do, res.Step.Why.Code, why(res))
			}
			if r.actions(rotation.Create) != 1 {
				t.Errorf("%s: a key was made", tt.name)
			}
		})
	}
}

// TestARenameIsOneWrite: where the secret stays and the config says what the key was called, the
// keyset gets the new name. The key signs on, outputs follow, and the config of before stops.
func TestARenameIsOneWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		out := memory.New()
		r.target.Outputs = []engine.Output{keysetOutput("env", out)}
		r.pass(engine.Ask{})
		r.run(every + time.Hour)
		before, old := r.set(), r.target
		r.target.Name = "login"
		r.restart()
		if res := r.pass(engine.Ask{}); res.Step.Do != rotation.Halt || res.Step.Why.Code != rotation.OtherName || !strings.Contains(why(res), "`was: [{name: auth-jwt}]`") {
			t.Errorf("without a word in the config: %s", why(res))
		}
		r.target.Was = []string{"another", "auth-jwt"}
		look, err := r.engine.Look(t.Context(), r.target, engine.Ask{})
		if err != nil || look.Step.Do != rotation.Rename {
			t.Errorf("who looks sees %s, %v", look.Step.Do, err)
		}
		r.pass(engine.Ask{})
		s := r.set()
		if s.Name != "login" || s.Lineage != before.Lineage || s.Signing().Kid != before.Signing().Kid || s.Generation != before.Generation+1 || kinds(s) != kinds(before) {
			t.Errorf("renamed to %s, generation %d after %d, %s", s.Name, s.Generation, before.Generation, kinds(s))
		}
		shown, err := out.Read(t.Context(), "out-env")
		if err != nil || !strings.Contains(string(shown.Value.Reveal()), `"name":"login"`) {
			t.Error("the output does not follow", err)
		}
		if r.pass(engine.Ask{}); r.actions(rotation.Rename) != 1 {
			t.Errorf("%d renames", r.actions(rotation.Rename))
		}
		res, err := r.process("the old config").Pass(t.Context(), old, engine.Ask{})
		if err != nil || res.Step.Do != rotation.Halt || r.set().Name != "login" {
			t.Errorf("the old config: %s, %v", res.Step.Do, err)
		}
		r.run(2 * every)
		if r.actions(rotation.Promote) < 2 {
			t.Error("a renamed key is not rotated")
		}
	})
}

// A new key beside a keyset that no config names is told loudly, and only as long as it is new.
func TestANewKeyBesideAnUnnamedKeyset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		s := &shelf{Store: r.store}
		r.target.Store = s
		r.pass(engine.Ask{})
		r.rename("login")
		told := func(what string, res engine.Result, want bool) {
			t.Helper()
			if got := strings.Contains(alarms(res), `the keyset of key "auth-jwt"`); got != want {
				t.Errorf("%s: told %v, want %v: %s", what, got, want, alarms(res))
			}
		}
		look := func() engine.Result {
			t.Helper()
			res, err := r.engine.Look(context.Background(), r.target, engine.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		told("before it is made", look(), true)
		told("when it is made", r.pass(engine.Ask{}), true)
		told("by the next pass", r.pass(engine.Ask{}), true)
		told("by who looks", look(), true)
		r.target.Census = &census{"login auth-jwt"}
		told("once the config names it", r.pass(engine.Ask{}), false)
		r.target.Census = &census{"login"}
		time.Sleep(rotation.FreshFor)
		told("once it is not new any more", r.pass(engine.Ask{}), false)
		s.read = nil
		r.pass(engine.Ask{})
		if len(s.read) != 1 {
			t.Errorf("an old key costs the reads %v", s.read)
		}
		if len(r.store.Peek()) != 2 {
			t.Error("a new key is not made")
		}
	})
}

// A service is listed only by the pass that makes the key, and only once by all new keys of a
// minute. What it may not list is no trouble.
func TestAListingIsAskedOfAServiceOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		lists := 0
		refused := error(nil)
		s := &service{shelf{Store: r.store}}
		s.list = func(all []providers.Listed) ([]providers.Listed, error) { lists++; return all, refused }
		r.target.Store = s
		for _, n := range []string{"auth-jwt", "login", "third"} {
			r.target.Name, r.target.Secret = n, "test-"+n
			r.target.Census = &census{"third"}
			r.pass(engine.Ask{})
		}
		if lists != 3 { // each has a config of its own
			t.Errorf("%d listings for three configs", lists)
		}
		if res := r.pass(engine.Ask{}); lists != 3 || len(res.Step.Alarms) > 0 {
			t.Errorf("%d listings for a key that is there: %s", lists, alarms(res))
		}
		refused = &providers.Error{Op: "list", Kind: providers.ErrDenied}
		r.rename("fourth")
		if res := r.pass(engine.Ask{}); len(res.Step.Alarms) > 0 || r.actions(rotation.Create) == 0 {
			t.Errorf("without the right to list: %s", alarms(res))
		}
	})
}

// A service is a shelf that is not free to list.
type service struct{ shelf }

func (s *service) Traits() providers.Traits {
	t := s.shelf.Traits()
	t.Lists = false
	return t
}

// A lister lists as a test says.
type lister struct {
	providers.Store
	list func(context.Context) ([]providers.Listed, error)
}

func (l lister) List(ctx context.Context) ([]providers.Listed, error) { return l.list(ctx) }

// TestAListingHoldsUpNobody: who waits for another's listing waits no longer than it wants to.
func TestAListingHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		done := make(chan struct{})
		r.target.Census, r.target.Store = &census{"auth-jwt"}, lister{r.store, func(context.Context) ([]providers.Listed, error) {
			<-done // a service that never answers, whatever it is told
			return nil, nil
		}}
		go func() { _, _ = r.engine.Unnamed(context.Background(), r.target) }()
		time.Sleep(time.Second)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := r.engine.Unnamed(ctx, r.target); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		close(done)
	})
}

// TestARefusedListingIsNotAskedForAgain at once: a refusal counts as long as a listing does, but not one that
// was only a caller's haste.
func TestARefusedListingIsNotAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		calls := 0
		r.target.Census, r.target.Store = &census{"auth-jwt"}, lister{r.store, func(ctx context.Context) ([]providers.Listed, error) {
			calls++
			return nil, errors.Join(ctx.Err(), providers.ErrDenied)
		}}
		hasty, cancel := context.WithCancel(t.Context())
		ask := func(ctx context.Context, want int) {
			t.Helper()
			if _, err := r.engine.Unnamed(ctx, r.target); !errors.Is(err, providers.ErrDenied) || calls != want {
				t.Errorf("%d calls, want %d: %v", calls, want, err)
			}
		}
		ask(t.Context(), 1)
		ask(t.Context(), 1)
		time.Sleep(time.Minute)
		cancel()
		if _, err := r.engine.Unnamed(hasty, r.target); err == nil {
			t.Error("a cancelled call has an answer")
		}
		calls = 0
		ask(t.Context(), 1)
		ask(t.Context(), 1)
	})
}
