package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/providers/awssm"
	"github.com/keyrotate/rotate/providers/awssm/awsfake"
	"github.com/keyrotate/rotate/providers/azurekv"
	"github.com/keyrotate/rotate/providers/azurekv/azurefake"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/kubernetes"
	"github.com/keyrotate/rotate/providers/kubernetes/kubefake"
	"github.com/keyrotate/rotate/providers/vaultkv"
	"github.com/keyrotate/rotate/providers/vaultkv/vaultfake"
)

// A wire leads to one manager's fake. What goes wrong with it goes wrong with
// every call.
type wire struct {
	fake http.RoundTripper

	mu      sync.Mutex
	trouble trouble
	calls   int // that did not get through
}

type trouble string

const (
	none       trouble = ""
	dead       trouble = "dead"
	hanging    trouble = "hanging"
	throttling trouble = "throttling"
)

// is changes what is wrong, and returns how many calls came to nothing before.
func (w *wire) is(t trouble) (calls int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls, w.trouble, w.calls = w.calls, t, 0
	return calls
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	t := w.trouble
	if t != none {
		w.calls++
	}
	w.mu.Unlock()
	switch t {
	case dead:
		return nil, errors.New("connection refused")
	case hanging:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case throttling:
		return &http.Response{
			StatusCode: http.StatusTooManyRequests, Request: r, Body: io.NopCloser(strings.NewReader("{}")),
			Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"90"}},
		}, nil
	}
	return w.fake.RoundTrip(r)
}

// azureLogins answers for login.microsoftonline.com, where the SDK gets its
// token from, and leaves the rest to the vault.
type azureLogins struct{ vault http.RoundTripper }

func (a azureLogins) RoundTrip(r *http.Request) (*http.Response, error) {
	const login = "https://login.microsoftonline.com/"
	if r.URL.Host != "login.microsoftonline.com" {
		return a.vault.RoundTrip(r)
	}
	reply := map[string]any{
		"token_type": "Bearer", "expires_in": 3600, "access_token": azurefake.Token,
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		reply = map[string]any{"tenant_discovery_endpoint": login + "t/v2.0/.well-known/openid-configuration"}
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		reply = map[string]any{"issuer": login + "t/v2.0", "authorization_endpoint": login + "t/authorize", "token_endpoint": login + "t/token"}
	}
	text, err := json.Marshal(reply)
	return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text))}, err
}

// A manager is one type of store on its fake. A new one is one line in managers.
type manager struct {
	options string // of the config's store
	fake    http.RoundTripper
	open    func(http.RoundTripper) config.StoreConfig
}

func managers() map[string]manager {
	vault := vaultfake.New()
	cluster := kubefake.New("shop", map[string][]rbacv1.PolicyRule{"token": {{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create", "update"}}}})
	return map[string]manager{
		"awssm":      {"region: eu-west-1", awsfake.New(), func(w http.RoundTripper) config.StoreConfig { return &awssm.Config{Transport: w} }},
		"azurekv":    {"vault: rotate-test", azureLogins{azurefake.New()}, func(w http.RoundTripper) config.StoreConfig { return &azurekv.Config{Transport: w} }},
		"kubernetes": {"context: test, namespace: shop, kubeconfig: kubeconfig", cluster, func(w http.RoundTripper) config.StoreConfig { return &kubernetes.Config{Transport: w} }},
		"vaultkv":    {"address: 'https://vault.example.com', auth: {token_file: token}", vault, func(w http.RoundTripper) config.StoreConfig { return &vaultkv.Config{Transport: w} }},
	}
}

// surroundings are the credentials that the SDKs look for. They protect nothing.
func surroundings(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AZURE_TENANT_ID": "00000000-0000-0000-0000-000000000000", "AZURE_CLIENT_ID": "rotate", "AZURE_CLIENT_SECRET": "test",
	} {
		t.Setenv(name, value)
	}
}

// A fleet is one daemon with a key in each manager, and one in a file.
type fleet struct {
	*console
	wires map[string]*wire
	keys  map[string]bool
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{wires: map[string]*wire{}, keys: map[string]bool{"file": true}}
	text, keys := "environment: test\ndefaults: {every: 8d, sync: 12h, jitter: 0s}\nstores:\n  file: {type: file, dir: ./keys}\n", "keys:\n  file: {store: file}\n"
	registry := config.Registry{"file": func() config.StoreConfig { return &file.Config{} }}
	for name, m := range managers() {
		f.wires[name], f.keys[name] = &wire{fake: m.fake}, true
		registry[name] = func() config.StoreConfig { return m.open(f.wires[name]) }
		text += fmt.Sprintf("  %s: {type: %s, %s}\n", name, name, m.options)
		keys += fmt.Sprintf("  %s: {store: %s}\n", name, name)
	}
	f.console = newConsole(t, text+keys)
	f.stores = registry
	f.write("token", "root\n")
	f.write("kubeconfig", `{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "https://kubernetes.example.com"}}],
users: [{name: u, user: {token: token}}], contexts: [{name: test, context: {cluster: c, user: u}}]}`)
	return f
}

// live lives through a creation and a rotation, with one manager in trouble from
// the seventh day to the tenth; the rotation should begin on the eighth. It
// returns what was done with each key, and how many calls came to nothing.
func (f *fleet) live(troubled string, kind trouble) (did map[string][]deed, calls int) {
	const day = 24 * time.Hour
	if w := f.wires[troubled]; w != nil {
		time.AfterFunc(7*day, func() { w.is(kind) })
		time.AfterFunc(10*day, func() { calls = w.is(none) })
	}
	did = map[string][]deed{}
	for _, d := range f.daemon(14 * day) {
		if d.Action != "erase" {
			did[d.Key] = append(did[d.Key], d)
		}
	}
	return did, calls
}

// Of five stores in one daemon one is dead, hangs or throttles for three days in
// which everyone's rotation comes due. The others' keys go through every
// transition at the second at which they do without, and its own key is made up
// for once, in the safe order, when it is back.
func TestOneManagersTroubleIsNoOthers(t *testing.T) {
	surroundings(t)
	whole := []string{"create", "publish", "ready", "promote", "promote", "settled", "retire"} // two keys change at a promotion
	var untroubled map[string][]deed
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		untroubled, _ = f.live("", none)
		for key := range f.keys {
			if got := actions(untroubled[key]); !slices.Equal(got, whole) {
				t.Errorf("%s: %v, want %v", key, got, whole)
			}
		}
	})
	for _, troubled := range slices.Sorted(maps.Keys(managers())) {
		for _, kind := range []trouble{dead, hanging, throttling} {
			t.Run(troubled+" "+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					did, calls := newFleet(t).live(troubled, kind)
					for key, want := range untroubled {
						if key != troubled && !slices.Equal(did[key], want) {
							t.Errorf("%s: %v, want %v as without the trouble", key, did[key], want)
						}
					}
					if calls == 0 {
						t.Error("no call was troubled")
					}
					late := did[troubled]
					if got := actions(late); !slices.Equal(got, whole[:len(whole)-1]) && !slices.Equal(got, whole) {
						t.Fatalf("%s: %v, want %v once it is back", troubled, got, whole)
					}
					if at := late[1].Time.Sub(late[0].Time); at < 10*24*time.Hour || at > 10*24*time.Hour+time.Hour {
						t.Errorf("%s goes on %s after its creation, want soon after ten days", troubled, at)
					}
					t.Logf("%s: %d calls came to nothing in three days", troubled, calls)
				})
			})
		}
	}
}

func actions(did []deed) (all []string) {
	for _, d := range did {
		all = append(all, d.Action)
	}
	return all
}
