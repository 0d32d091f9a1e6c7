package page_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/page"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
	"github.com/keyrotate/rotate/secret"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// canary is in the material of every key of these tests, and so must be on no page.
const canary = "canary-of-the-key-material"

var (
	now    = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	policy = rotation.Policy{Schedule: rotation.Every(90 * day), Grace: 48 * hour, Propagation: 2 * hour}
)

// A world is a daemon's keys at one moment, as the tests make them up.
type world struct {
	t    testing.TB
	kids int
}

func (w *world) must(s *keyset.Set, err error) *keyset.Set {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// newKey is the next key of a keyset; kids are as random ones look.
func (w *world) newKey() keyset.Key {
	w.kids++
	kid := fmt.Sprintf("%06x%s", w.kids*7919%0xffffff, "c41f9a7be2")
	k, err := keyset.NewSymmetric(kid, keyset.HS256, secret.New([]byte(strings.Repeat(canary, 2))), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// lived is a keyset that was created at a time, and rotated as its policy wants until another, as a daemon does it.
func (w *world) lived(name string, p rotation.Policy, from, until time.Time) *keyset.Set {
	set := w.must(keyset.Create(name, "production", "lineage", w.newKey(), from))
	for at := from; ; {
		step := rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: at}})
		switch step.Do {
		case rotation.Publish:
			set = w.must(set.Publish(w.newKey(), step.At))
		case rotation.MarkReady:
			set = w.must(set.MarkReady(step.At, step.Places))
		case rotation.Promote:
			set = w.must(set.Promote(step.At))
		case rotation.MarkSettled:
			set = w.must(set.MarkSettled(step.At, step.Places, p.Grace))
		case rotation.Retire:
			set = w.must(set.Retire(step.Kid, step.At))
		default:
			if step.At.IsZero() || step.At.After(until) {
				return set
			}
			at = step.At
		}
	}
}

// key is a key whose last pass ended a minute ago with what change makes of it.
func (w *world) key(name string, p rotation.Policy, set *keyset.Set, change ...func(*scheduler.State)) live.Key {
	at := now.Add(-time.Minute)
	s := scheduler.State{
		Environment: "production", Key: name, Store: "vault", Ended: at, Well: at, Set: set, Read: at,
		Result: engine.Result{Set: set, Clock: rotation.Clock{Wall: at}, Step: rotation.Plan(p, rotation.Facts{Set: set, Clock: rotation.Clock{Wall: at}})},
	}
	for _, c := range change {
		c(&s)
	}
	target := engine.Target{Name: name, Environment: "production", StoreName: "vault", Store: memory.New(), Secret: "production-" + name, Policy: p}
	return live.Of(now, status.Facts{Target: target, Late: hour}, s)
}

// well is a key that was last rotated so long ago.
func (w *world) well(name string, p rotation.Policy, age time.Duration) live.Key {
	return w.key(name, p, w.lived(name, p, now.Add(-age), now.Add(-time.Minute)))
}

func halted(s *scheduler.State) {
	s.Result = engine.Result{Step: rotation.Step{Do: rotation.Halt, Why: rotation.Reason{Code: rotation.Spoilt, Cause: "the digest is not that of the document"}}}
}

func unreachable(s *scheduler.State) {
	s.Err = &engine.Error{Key: s.Key, Store: s.Store, Err: &providers.Error{Op: "read", Name: "production-" + s.Key, Kind: providers.ErrUnavailable, Err: errors.New("dial tcp 192.0.2.7:8200: connection refused"), Hint: "is the store up, and can this host reach it?"}}
}

func unread(s *scheduler.State) {
	*s = scheduler.State{Environment: s.Environment, Key: s.Key, Store: s.Store}
}

// compromised is a key of which a place still shows the revoked kid.
func (w *world) compromised(name string) live.Key {
	set := w.lived(name, policy, now.Add(-130*day), now.Add(-3*hour))
	fresh := w.newKey()
	bad := set.Signing().Kid
	set = w.must(set.Revoke([]string{bad}, &fresh, now.Add(-3*hour)))
	return w.key(name, policy, set, func(s *scheduler.State) {
		s.Result.Traces = []rotation.Trace{{Kid: bad, Removed: now.Add(-3 * hour), How: rotation.NotYet, Observed: true, Places: []string{"/etc/shop/.env"}}}
	})
}

// asked is a key that somebody wants rotated: the next one waits until every reader knows it.
func (w *world) asked(name string) live.Key {
	set := w.lived(name, policy, now.Add(-50*day), now.Add(-hour))
	set = w.must(set.Publish(w.newKey(), now.Add(-hour)))
	set = w.must(set.Record(keyset.UnnamedRequest(set.Signing().Kid, "deploy@build-7"), now.Add(-hour)))
	return w.key(name, policy, w.must(set.MarkReady(now.Add(-hour), nil)))
}

// overdue is a key whose daemon could not write for a week.
func (w *world) overdue(name string) live.Key {
	return w.key(name, policy, w.lived(name, policy, now.Add(-97*day), now.Add(-95*day)))
}

// keys is so many of them: those in trouble first, then what is usual.
func (w *world) keys(n int) (all []live.Key) {
	some := []func() live.Key{
		func() live.Key { return w.well("auth-jwt", policy, 236*day) },
		func() live.Key { return w.compromised("session-cookie") },
		func() live.Key {
			return w.key("partner-api", policy, w.lived("partner-api", policy, now.Add(-200*day), now), halted)
		},
		func() live.Key { return w.overdue("billing-webhook") },
		func() live.Key { return w.asked("mobile-jwt") },
		func() live.Key { return w.well("download-links", policy, 181*day) },
		func() live.Key {
			return w.key("mail-unsubscribe", policy, w.lived("mail-unsubscribe", policy, now.Add(-140*day), now), unreachable)
		},
		func() live.Key { return w.key("invites", policy, nil, unread) },
		func() live.Key { return w.key("new-service", policy, nil) },
		func() live.Key {
			weekly := rotation.Policy{Schedule: rotation.Every(7 * day), Grace: day, Propagation: hour}
			return w.well("edge-tokens", weekly, 66*day)
		},
	}
	for i := range n {
		if i < len(some) {
			all = append(all, some[i]())
			continue
		}
		p := policy
		p.Jitter = time.Duration(i%240) * hour
		all = append(all, w.well(fmt.Sprintf("service-%05d", i), p, time.Duration(1+i*37%170)*day))
	}
	return all
}

// these is keys as the handler takes them.
func these(keys []live.Key) page.Keys {
	named := map[string]live.Key{}
	for _, k := range keys {
		named[k.State.Key] = k
	}
	return page.Keys{
		Now: func() time.Time { return now },
		All: func() iter.Seq[live.Key] { return slices.Values(keys) },
		One: func(name string) (live.Key, bool) { k, ok := named[name]; return k, ok },
	}
}
