package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/kubernetes"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
)

// A shared place is where three keys have their parts, and a person the rest.
type sharedPlace struct {
	outputs [3]string // of the config, in each key's own place, and in one place
	alone   [3]string
	types   stores.Registry
	edit    func(t *testing.T, n int) // changes what is the person's, the n-th time
	lost    func() string             // what of that is not as the person left it; "" if all is
	shows   func(variable, text string) bool
}

// Three keys share one place, and a person edits the rest of it before each pass.
// Through a hundred rotations nothing of the person's is lost, every key stands
// where its readers look, and no wait begins anew: each key signs at the second at
// which it does with a place of its own that nobody edits.
func TestSharedPlace(t *testing.T) {
	for name, open := range map[string]func(*testing.T, string) *sharedPlace{"one .env file": sharedFile, "one Secret": sharedSecret} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				own, other := t.TempDir(), t.TempDir()
				alone := sharedLife(t, own, open(t, own), false)
				shared := sharedLife(t, other, open(t, other), true)
				if !slices.Equal(alone, shared) {
					t.Errorf("keys that share a place sign at other times:\n%v\n%v", shared, alone)
				}
			})
		})
	}
}

const rotations = 100

// sharedLife lives until there were a hundred rotations, and returns after what time
// each of them was.
func sharedLife(t *testing.T, dir string, p *sharedPlace, shared bool) (times []string) {
	text, outputs := "environment: test\nstores: {main: {type: main}, other: {type: other}}\nkeys:\n", p.alone
	if shared {
		outputs = p.outputs
	}
	for i, name := range []string{"auth", "mail", "shop"} {
		text += fmt.Sprintf("  %s: {store: main, every: %dd, jitter: 0s, grace: 1d, propagation: 1h, outputs: [%s]}\n", name, 7+i, outputs[i])
	}
	main := memory.New()
	p.types["main"] = func() providers.Config { return &opened{main} }
	path := filepath.Join(dir, "rotate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(path, p.types)
	if err != nil {
		t.Fatal(err)
	}
	h, begin := hostOf(quiet), time.Now()
	keys, eng := fleet.Of(conf, nil), h.Look()
	signing, next := map[string]string{}, map[string]time.Time{}
	for edits := 0; len(times) < rotations; edits++ {
		if edits > 20*rotations {
			t.Fatalf("%d rotations after %d passes: waits begin anew without end", len(times), edits)
		}
		for _, k := range keys {
			if time.Now().Before(next[k.Name]) {
				continue
			}
			if shared {
				p.edit(t, edits)
			}
			r, err := eng.Pass(t.Context(), k.Target, engine.Ask{})
			if err != nil || len(r.Step.Alarms) > 0 {
				t.Fatalf("%s: %v %v", k.Name, err, r.Step.Alarms)
			}
			if lost := p.lost(); shared && lost != "" {
				t.Fatalf("after %d rotations the pass of %s loses what a person wrote: %s", len(times), k.Name, lost)
			}
			current := r.Set.Signing()
			if variable := strings.ToUpper(k.Name) + "_SECRET"; shared && !p.shows(variable, string(current.Text().Reveal())) {
				t.Fatalf("after %d rotations %s is not what signs", len(times), variable)
			}
			if kid := signing[k.Name]; kid != "" && kid != current.Kid {
				times = append(times, fmt.Sprint(k.Name, " ", time.Since(begin)))
			}
			signing[k.Name], next[k.Name] = current.Kid, time.Now().Add(time.Hour)
			if at := r.Step.At; !at.IsZero() {
				next[k.Name] = at
			}
		}
		soonest := slices.MinFunc(keys, func(a, b *fleet.Key) int { return next[a.Name].Compare(next[b.Name]) })
		time.Sleep(max(time.Until(next[soonest.Name]), time.Second))
	}
	return times
}

// sharedFile is a .env with lines of a person between the variables of three keys.
func sharedFile(t *testing.T, dir string) *sharedPlace {
	p := &sharedPlace{types: stores.Registry{
		"file":  func() providers.Config { return &file.Config{} },
		"other": func() providers.Config { return &opened{memory.New()} },
	}}
	for i, name := range []string{"AUTH", "MAIL", "SHOP"} {
		p.outputs[i] = "{path: ./.env, format: env, names: {current: " + name + "_SECRET}}"
		p.alone[i] = "{store: other, secret: " + name + ", format: env}"
	}
	path := filepath.Join(dir, ".env")
	ours := func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return strings.Contains(name, "_SECRET")
	}
	read := func() (mine, theirs []string) {
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			if ours(line) {
				mine = append(mine, line)
			} else {
				theirs = append(theirs, line)
			}
		}
		return mine, theirs
	}
	var left []string
	p.edit = func(t *testing.T, n int) {
		mine, _ := read()
		left = []string{fmt.Sprintf("# edited %d times", n), fmt.Sprintf("PORT=%d", 3000+n), "GREETING='hello # world'", ""}
		at := n % (len(mine) + 1) // theirs stand before, between and after ours
		all := slices.Concat(mine[:at], left, mine[at:])
		if err := os.WriteFile(path, []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.lost = func() string {
		if _, theirs := read(); !slices.Equal(theirs, left) {
			return fmt.Sprintf("%q, not %q", theirs, left)
		}
		return ""
	}
	p.shows = func(variable, text string) bool {
		mine, _ := read()
		return slices.Contains(mine, variable+"="+text)
	}
	return p
}

// sharedSecret is a Kubernetes Secret in which a person has data keys, labels and
// annotations beside those of three keys.
func sharedSecret(t *testing.T, dir string) *sharedPlace {
	cluster := kubefake.New("shop", map[string][]rbacv1.PolicyRule{"token": {{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create", "update"}}}})
	credentials(&console{t: t, dir: dir})
	p := &sharedPlace{types: stores.Registry{"other": func() providers.Config {
		return &kubernetes.Config{Context: "test", Namespace: "shop", Kubeconfig: filepath.Join(dir, "kubeconfig"), Transport: cluster}
	}}}
	for i, name := range []string{"AUTH", "MAIL", "SHOP"} {
		p.outputs[i] = "{store: other, secret: app, format: env, names: {current: " + name + "_SECRET}}"
		p.alone[i] = "{store: other, secret: " + strings.ToLower(name) + ", format: env}"
	}
	p.outputs[2] = "{store: other, secret: app, format: list, data_key: SHOP_SECRET}"
	person := func(object *corev1.Secret, n int) {
		object.Data["DB_PASSWORD"] = fmt.Append(nil, n)
		object.Labels["edited"], object.Annotations["edited"] = fmt.Sprint("n", n), fmt.Sprint(n)
	}
	left := 0
	p.edit = func(t *testing.T, n int) {
		cluster.Mu.Lock()
		defer cluster.Mu.Unlock()
		if object := cluster.Secrets["shop/app"]; object != nil {
			object = object.DeepCopy()
			person(object, n)
			cluster.Edit("shop/app", object)
			left = n
		}
	}
	p.lost = func() string {
		cluster.Mu.Lock()
		defer cluster.Mu.Unlock()
		object := cluster.Secrets["shop/app"]
		if want := object.DeepCopy(); left > 0 {
			person(want, left)
			if !reflect.DeepEqual(want, object) {
				return fmt.Sprintf("edit %d of %v %v", left, object.Labels, object.Annotations)
			}
		}
		return ""
	}
	p.shows = func(variable, text string) bool {
		cluster.Mu.Lock()
		defer cluster.Mu.Unlock()
		v := string(cluster.Secrets["shop/app"].Data[variable])
		return v == text || strings.HasPrefix(v, `["`+text+`"`)
	}
	return p
}
