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

	"github.com/keyrotate/rotate/internal/test/fakes"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/awssm"
	"github.com/keyrotate/rotate/providers/azurekv"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/gcpsm"
	"github.com/keyrotate/rotate/providers/kubernetes"
	"github.com/keyrotate/rotate/providers/vaultkv"
)

// A wire leads to one manager's fake. What goes wrong with it goes wrong with
// every call.
type wire struct {
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

// meets is what a call meets with.
func (w *wire) meets() trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.trouble != none {
		w.calls++
	}
	return w.trouble
}

// google is the script of a gRPC service.
func (w *wire) google(fakes.Call) *fakes.Fault {
	switch w.meets() {
	case dead:
		return &fakes.Fault{Before: fakes.ErrLost}
	case hanging:
		return &fakes.Fault{PauseBefore: make(chan struct{})}
	case throttling:
		return &fakes.Fault{Before: status.Error(codes.ResourceExhausted, "Quota exceeded")}
	}
	return nil
}

func (w *wire) to(fake http.RoundTripper) http.RoundTripper { return leading{w, fake} }

// leading is a wire to an HTTP service.
type leading struct {
	*wire
	fake http.RoundTripper
}

func (w leading) RoundTrip(r *http.Request) (*http.Response, error) {
	switch w.meets() {
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
	fake    any
	options string // of the config's store
	open    func(*wire) providers.Config
	rights  func(rights)
	lacking string              // how the vendor calls what lacking takes away
	surplus string              // and what tooMuch gives
	empty   func(secret string) // makes one without a version; nil where there is no such thing
}

// What rotate's identity may do.
type rights string

const (
	least   rights = "least"
	lacking rights = "lacking"
	tooMuch rights = "too much"
)

func managers(t *testing.T) map[string]manager {
	aws, azure, google, vault := awsfake.New(), azurefake.New(), gcpfake.New(), vaultfake.New()
	cluster := kubefake.New("shop", map[string][]rbacv1.PolicyRule{})
	conn, stop := google.Direct(nil)
	t.Cleanup(stop)
	all := map[string]manager{
		"awssm": {
			aws, "region: eu-west-1", func(w *wire) providers.Config { return &awssm.Config{Transport: w.to(aws)} },
			func(r rights) { aws.On(awsDenies(r)) }, "secretsmanager:PutSecretValue", "secretsmanager:DeleteSecret",
			func(secret string) { aws.Edit(secret, func(*awsfake.Secret) {}) },
		},
		"azurekv": {
			azure, "vault: rotate-test", func(w *wire) providers.Config { return &azurekv.Config{Transport: w.to(azureLogins{azure})} },
			func(r rights) { azure.On(azureDenies(r)) }, "Microsoft.KeyVault/vaults/secrets/update/action", "Microsoft.KeyVault/vaults/secrets/delete", nil,
		},
		"gcpsm": {
			google, "project: test-project", func(w *wire) providers.Config { google.On(w.google); return &gcpsm.Config{Conn: conn} },
			func(r rights) { googleGrants(google, r) }, "secretmanager.versions.destroy", "secretmanager.secrets.delete",
			func(secret string) { google.Edit(secret, func(*gcpfake.Secret) {}) },
		},
		"kubernetes": {
			cluster, "context: test, namespace: shop, kubeconfig: kubeconfig", func(w *wire) providers.Config { return &kubernetes.Config{Transport: w.to(cluster)} },
			func(r rights) { clusterGrants(cluster, r) }, "verbs: [update]", "verbs: [delete]", nil,
		},
		"vaultkv": {
			vault, "address: 'https://vault.example.com', auth: {token_file: token}", func(w *wire) providers.Config { return &vaultkv.Config{Transport: w.to(vault)} },
			func(r rights) { vaultGrants(vault, r) }, `path "secret/destroy/test-vaultkv" { capabilities = ["update"] }`, `path "secret/metadata/test-vaultkv" { capabilities = ["delete"] }`,
			func(secret string) {
				vault.Mounts["|secret"].Keys[secret] = &vaultfake.Key{Versions: map[int]*vaultfake.Version{}}
			},
		},
	}
	for _, m := range all {
		m.rights(least)
	}
	return all
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

// credentials are the files that managers' options name.
func credentials(c *console) {
	c.write("token", "rotate\n")
	c.write("kubeconfig", `{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: "https://kubernetes.example.com"}}],
users: [{name: u, user: {token: token}}], contexts: [{name: test, context: {cluster: c, user: u}}]}`)
}

// A fleet is one daemon with a key in each manager, and one in a file.
type managed struct {
	*console
	managers map[string]manager
	wires    map[string]*wire
}

func newFleet(t *testing.T) *managed {
	f := &managed{managers: managers(t), wires: map[string]*wire{}}
	text, keys := "environment: test\ndefaults: {every: 8d, sync: 12h, jitter: 0s}\nstores:\n  file: {type: file, dir: ./keys}\n", "keys:\n  file: {store: file}\n"
	registry := stores.Registry{"file": func() providers.Config { return &file.Config{} }}
	for name, m := range f.managers {
		f.wires[name] = &wire{}
		registry[name] = func() providers.Config { return m.open(f.wires[name]) }
		text += fmt.Sprintf("  %s: {type: %s, %s}\n", name, name, m.options)
		keys += fmt.Sprintf("  %s: {store: %s}\n", name, name)
	}
	f.console = newConsole(t, text+keys)
	f.stores = registry
	credentials(f.console)
	return f
}

// live lives through a creation and a rotation, with one manager in trouble from
// half a day before the rotation should begin to a day after. It returns what was
// done with each key, and how many calls came to nothing.
func (f *managed) live(troubled string, kind trouble) (did map[string][]deed, calls int) {
	const day = 24 * time.Hour
	if w := f.wires[troubled]; w != nil {
		time.AfterFunc(7*day+day/2, func() { w.is(kind) })
		time.AfterFunc(9*day, func() { calls = w.is(none) })
	}
	did = map[string][]deed{}
	for _, d := range f.daemon(14 * day) {
		if d.Action != "erase" {
			did[d.Key] = append(did[d.Key], d)
		}
	}
	return did, calls
}

// Of six stores in one daemon one is dead, hangs or throttles for the day and a half in
// which everyone's rotation comes due. The others' keys go through every
// transition at the second at which they do without, and its own key is made up
// for once, in the safe order, when it is back.
func TestOneManagersTroubleIsNoOthers(t *testing.T) {
	surroundings(t)
	whole := []string{"create", "publish", "ready", "promote", "promote", "settled", "retire"} // two keys change at a promotion
	var untroubled map[string][]deed
	var names []string
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		names = slices.Sorted(maps.Keys(f.managers))
		untroubled, _ = f.live("", none)
		for _, key := range append(names, "file") {
			if got := actions(untroubled[key]); !slices.Equal(got, whole) {
				t.Errorf("%s: %v, want %v", key, got, whole)
			}
		}
	})
	for _, troubled := range names {
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
					if at := late[1].Time.Sub(late[0].Time); at < 9*24*time.Hour || at > 9*24*time.Hour+time.Hour {
						t.Errorf("%s goes on %s after its creation, want soon after nine days", troubled, at)
					}
					t.Logf("%s: %d calls came to nothing", troubled, calls)
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

// Incident 14: a secret that exists without a version was reported healthy.
// Health is a document that decodes, so such a secret is no key until one was
// written, and then it is one.
func TestIncident14SecretWithoutAVersion(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		for name, m := range f.managers {
			if m.empty == nil {
				continue // such as Azure, where a secret is its versions
			}
			m.empty("test-" + name)
			if code, stdout, _ := f.try("", "status", name); code != 3 || !strings.Contains(stdout, name+"  missing") {
				t.Errorf("%s: exit code %d: %s", name, code, stdout)
			}
			if code, stdout, stderr := f.try("", "now", name); code != 0 || !strings.Contains(stdout, "created; there was no key before") {
				t.Errorf("%s: exit code %d: %s%s", name, code, stdout, stderr)
			}
			if code, stdout, _ := f.try("", "status", name); code != 0 || !strings.Contains(stdout, name+"  healthy") {
				t.Errorf("%s: exit code %d: %s", name, code, stdout)
			}
		}
	})
}
