package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// An everywhere is a fan whose key lives in one manager, with outputs of each
// format in that one, in four more, and in files.
type everywhere struct {
	*fan
	wires   map[string]*wire
	aws     *awsfake.Fake
	azure   *azurefake.Fake
	google  *gcpfake.Fake
	vault   *vaultfake.Fake
	cluster *kubefake.Fake
}

const everywhereKey = `
keys:
  auth-jwt:
    store: awssm
    every: 10d
    jitter: 0s
    outputs:
      - {store: vaultkv, secret: copy}
      - {store: vaultkv, secret: app/jwt, format: value}
      - {store: awssm, secret: app/jwt, format: value}
      - {store: azurekv, secret: app-list, format: list}
      - {store: azurekv, secret: app-jwt, format: value}
      - {store: gcpsm, secret: copy}
      - {store: gcpsm, secret: app-jwt, format: value}
      - {store: kubernetes, secret: app-env, format: env}
      - {store: kubernetes, secret: app-jwt, format: value}
      - {path: ./jwt, format: value}
      - {path: ./.env, format: env}
`

func newEverywhere(t *testing.T) *everywhere {
	e := &everywhere{wires: map[string]*wire{}}
	text, dir := "environment: test\nstores:\n", t.TempDir()
	registry := stores.Registry{"file": func() providers.Config { return &file.Config{} }}
	all := managers(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e.wires[name] = &wire{}
		registry[name] = func() providers.Config { return all[name].open(e.wires[name]) }
		text += fmt.Sprintf("  %s: {type: %s, %s}\n", name, name, all[name].options)
	}
	e.aws, e.vault, e.google = all["awssm"].fake.(*awsfake.Fake), all["vaultkv"].fake.(*vaultfake.Fake), all["gcpsm"].fake.(*gcpfake.Fake)
	e.azure, e.cluster = all["azurekv"].fake.(*azurefake.Fake), all["kubernetes"].fake.(*kubefake.Fake)
	c := &console{t: t, dir: dir}
	credentials(c)
	e.fan = newFan(t, dir, text+everywhereKey, registry)
	e.stores = func(text string) bool { return len(e.holders(text)) > 0 }
	return e
}

// holders are the managers from which a text can be read as applications read:
// on AWS by a label, on Azure as a version that is enabled. What they declare to
// remain beyond that does not count.
func (e *everywhere) holders(what string) (all []string) {
	found := map[string]bool{"vaultkv": e.vault.Readable(what), "kubernetes": e.cluster.Readable(what)}
	for _, name := range []string{"test-auth-jwt", "app/jwt"} {
		values := e.aws.Values(name)
		for id := range e.aws.Stages(name) {
			found["awssm"] = found["awssm"] || strings.Contains(values[id], what)
		}
	}
	for _, name := range []string{"app-list", "app-jwt"} {
		for _, v := range e.azure.Versions(name) {
			found["azurekv"] = found["azurekv"] || v.Enabled && strings.Contains(v.Value, what)
		}
	}
	for _, name := range []string{"copy", "app-jwt"} {
		for _, text := range e.google.Held(name) {
			found["gcpsm"] = found["gcpsm"] || strings.Contains(text, what)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if found[name] {
			all = append(all, name)
		}
	}
	return all
}

// A place of the format value, and how its readers find the key before.
type valuePlace struct{ current, previous func() string }

func (e *everywhere) values() map[string]valuePlace {
	label := func(label string) func() string {
		return func() string {
			values := e.aws.Values("app/jwt")
			for id, labels := range e.aws.Stages("app/jwt") {
				if slices.Contains(labels, label) {
					return values[id]
				}
			}
			return ""
		}
	}
	version := func(back int) func() string {
		return func() string {
			e.vault.Mu.Lock()
			defer e.vault.Mu.Unlock()
			k := e.vault.Mounts["|secret"].Keys["app/jwt"]
			if v := k.Versions[k.Current-back]; v != nil {
				return string(v.Data)
			}
			return ""
		}
	}
	enabled := func(back int) func() string {
		return func() string {
			all := slices.DeleteFunc(e.azure.Versions("app-jwt"), func(v azurefake.Version) bool { return !v.Enabled })
			if len(all) > back {
				return all[len(all)-1-back].Value
			}
			return ""
		}
	}
	held := func(back int) func() string {
		return func() string {
			all := e.google.Held("app-jwt")
			numbers := slices.Sorted(maps.Keys(all))
			if len(numbers) > back {
				return all[numbers[len(numbers)-1-back]]
			}
			return ""
		}
	}
	data := func(name string) func() string {
		return func() string {
			e.cluster.Mu.Lock()
			defer e.cluster.Mu.Unlock()
			return string(e.cluster.Secrets["shop/"+name].Data["value"])
		}
	}
	text := func(name string) func() string {
		return func() string {
			text, err := os.ReadFile(filepath.Join(e.dir, name))
			if err != nil {
				e.t.Error(err)
			}
			return string(text)
		}
	}
	return map[string]valuePlace{
		"awssm":      {label("AWSCURRENT"), label("AWSPREVIOUS")},
		"vaultkv":    {version(0), version(1)},
		"azurekv":    {enabled(0), enabled(1)},
		"gcpsm":      {held(0), held(1)},
		"kubernetes": {data("app-jwt"), data("app-jwt.previous")},
		"file":       {text("jwt"), text("jwt.previous")},
	}
}

// One key in four managers, Kubernetes and files: while one of them is dead for
// a day nothing is promoted or removed, afterwards all hold the same, and the old
// key can be read from none but as declared.
func TestPromise234OneKeyInManyManagers(t *testing.T) {
	surroundings(t)
	for _, frail := range []string{"azurekv", "gcpsm", "kubernetes", "vaultkv"} {
		t.Run(frail, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEverywhere(t)
				e.frail = frail + " "
				e.die = func(is bool) {
					e.wires[frail].is(none)
					if is {
						e.wires[frail].is(dead)
					}
				}
				e.life(func() {
					for name, v := range e.values() {
						if !strings.Contains(v.current(), e.texts[1]) || !strings.Contains(v.previous(), e.texts[0]) {
							t.Errorf("%s: the value and the one before it are not what they should be during the grace", name)
						}
					}
				})
				for name, v := range e.values() {
					if !strings.Contains(v.current(), e.texts[1]) {
						t.Errorf("%s does not hold the newest key", name)
					}
				}
			})
		})
	}
}

// Readers of the format value poll each minute and know one key. Their refusals
// are bound to the poll interval; those that, on an unknown signature, look once
// more at the value and the one before refuse nothing.
func TestValueReadersPoll(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		e := newEverywhere(t)
		e.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
		places := e.values()
		type counts struct{ tokens, refused, late, again int }
		seen := map[string]*counts{}
		for name := range places {
			seen[name] = &counts{}
		}
		for range 3 {
			e.until(12*24*time.Hour, func(s *keyset.Set) bool { return len(s.Previous()) == 0 && s.Ready != nil })
			changed := time.Time{}
			signer, reader := map[string]string{}, map[string]string{}
			look := func(who map[string]string) {
				for name, p := range places {
					who[name] = p.current()
				}
			}
			look(signer)
			look(reader)
			// One token each ten seconds, until ten minutes after the promotion.
			for tick := 0; changed.IsZero() || time.Since(changed) <= 10*time.Minute; tick++ {
				switch tick % 6 {
				case 0:
					if r, _ := e.pass(); changed.IsZero() && len(r.Set.Previous()) > 0 {
						changed = time.Now()
					}
				case 1:
					look(signer)
				case 4:
					look(reader)
				}
				for name, p := range places {
					n := seen[name]
					n.tokens++
					if signer[name] == reader[name] {
						continue
					}
					n.refused++
					if time.Since(changed) > time.Minute {
						n.late++
					}
					if signer[name] != p.current() && signer[name] != p.previous() {
						n.again++
					}
				}
				time.Sleep(10 * time.Second)
			}
			e.until(4*24*time.Hour, func(s *keyset.Set) bool { return len(s.Keys) == 1 })
		}
		for name, n := range seen {
			t.Logf("%s: %d tokens over %d rotations: %d refused by readers of one value that poll each minute, %d of them later than a minute after the promotion; %d when the reader looks again at the value and the one before",
				name, n.tokens, len(e.texts)-1, n.refused, n.late, n.again)
			if n.refused == 0 || n.late > 0 || n.again > 0 || len(e.texts) != 4 {
				t.Errorf("%s: %+v, keys %d", name, *n, len(e.texts))
			}
		}
	})
}

// A compromise at several points of a life, in every manager at once: afterwards
// the old keys can be read nowhere but in what AWS and Azure keep, which is said;
// while a place is down it is named, and no other, and the command repeated.
func TestPromise4ACompromiseInEveryManager(t *testing.T) {
	surroundings(t)
	rotated := func(previous int) func(*keyset.Set) bool {
		return func(s *keyset.Set) bool { return len(s.Previous()) == previous }
	}
	points := map[string]func(*everywhere){
		"next published": func(e *everywhere) {
			e.until(11*24*time.Hour, func(s *keyset.Set) bool { _, next := s.Next(); return next })
		},
		"two previous keys": func(e *everywhere) {
			for n := range 2 {
				e.ask(engine.Ask{Rotate: true})
				e.until(24*time.Hour, rotated(n+1))
			}
		},
		"a manager down": func(e *everywhere) { e.wires["kubernetes"].is(dead) },
		"a reply lost":   func(e *everywhere) { e.aws.On(losesOne("PutSecretValue")) },
	}
	for point, arrange := range points {
		t.Run(point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEverywhere(t)
				e.until(time.Hour, func(s *keyset.Set) bool { return s.Generation == 1 })
				arrange(e)
				var o ops.ReportOptions
				for _, k := range e.ask(engine.Ask{}).Set.Keys {
					o.Kids = append(o.Kids, k.Kid)
				}
				report := func() (answer.Answer, error) {
					h := hostOf(quiet)
					r, err := h.Report(t.Context(), e.key, o)
					if err != nil {
						t.Fatal(err)
					}
					done, err := r.Revoke(t.Context())
					if done == nil {
						return answer.Answer{}, err
					}
					return answer.Revoked(time.Now(), done), err
				}
				ans, err := report()
				if point == "a manager down" {
					for _, o := range e.key.Outputs {
						if named := strings.Contains(fmt.Sprint(err), "output "+o.Name+","); named != strings.HasPrefix(o.Name, "kubernetes ") {
							t.Errorf("output %s is named: %v\n%v", o.Name, named, err)
						}
					}
					if left := (*ops.LeftError)(nil); !errors.As(err, &left) || !slices.Equal(e.holders(e.texts[0]), []string{"kubernetes"}) {
						t.Errorf("%v; it is held by %v", err, e.holders(e.texts[0]))
					}
					e.wires["kubernetes"].is(none)
					ans, err = report()
				}
				if point == "a reply lost" && err != nil { // nothing is known, so it is repeated
					ans, err = report()
				}
				if err != nil {
					t.Fatal(err)
				}
				const left = ": store awssm (unlabelled), output awssm app/jwt (unlabelled), output azurekv app-list (disabled), output azurekv app-jwt (disabled). What"
				if !strings.Contains(ans.Alarm, left) {
					t.Errorf("what is left is %s", ans.Alarm)
				}
				for i, text := range e.texts {
					if e.readable(text) {
						t.Errorf("key %d can be read in %v, or a file", i+1, e.holders(text))
					}
				}
				if s := e.ask(engine.Ask{}).Set; len(s.Keys) != 1 || len(s.Revoked) != len(o.Kids) {
					t.Errorf("%d keys, %d revoked", len(s.Keys), len(s.Revoked))
				}
			})
		})
	}
}

// losesOne loses the reply of the next call of an action.
func losesOne(action string) func(fakes.Call) *fakes.Fault {
	lost := false
	return func(c fakes.Call) *fakes.Fault {
		if lost || c.Kind != action {
			return nil
		}
		lost = true
		return &fakes.Fault{After: fakes.ErrLost}
	}
}
