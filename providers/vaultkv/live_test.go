package vaultkv

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/providers/providertest"
)

// The contract and one life, on a Vault of the reader's own:
// `make live-vaultkv ADDR=https://… TOKEN_FILE=…`. What it makes lies below t-…
// in the mount secret, and its metadata is deleted at the end. Go's own
// $SSL_CERT_FILE names an authority that the host does not know.
func TestLive(t *testing.T) {
	addr := os.Getenv("ROTATE_VAULT_LIVE")
	if addr == "" {
		t.Skip("ROTATE_VAULT_LIVE is not set; make live-vaultkv runs this")
	}
	token, err := credential(os.Getenv("ROTATE_VAULT_LIVE_TOKEN_FILE"), "", "ROTATE_VAULT_LIVE_TOKEN_FILE")
	must(t, err)
	via := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(via.CloseIdleConnections)
	live(t, server{addr, via, token})
}

// The fake shows that what the test above does works, and that nothing is left.
func TestLiveOnTheFake(t *testing.T) {
	f, v := fakeServer(t)
	t.Run("live", func(t *testing.T) { cleaned(t, v, func(v server) { put(t, v.open(t, v.config(t)), "a", "", 1) }) })
	if count(f, "PUT data") != 1 {
		t.Error("nothing was written")
	}
	if left := f.Mounts["|secret"].Keys; len(left) > 0 {
		t.Errorf("%d secrets are left", len(left))
	}
}

func live(t *testing.T, v server) {
	cleaned(t, v, func(v server) {
		t.Run("contract", func(t *testing.T) { providertest.Run(t, v.harness()) })
		t.Run("life", func(t *testing.T) { realLife(t, v) })
	})
}

// cleaned runs a test and deletes what it wrote.
func cleaned(t *testing.T, v server, test func(server)) {
	t.Helper()
	w := &writes{RoundTripper: v.via, paths: map[string]bool{}}
	defer func() {
		for path := range w.paths {
			if status := v.try(t, "DELETE", strings.Replace(path, "/data/", "/metadata/", 1)); status >= 300 {
				t.Errorf("%s is left: HTTP %d", path, status)
			}
		}
	}()
	test(server{v.addr, w, v.token})
}

// writes is a transport that remembers where it wrote.
type writes struct {
	http.RoundTripper
	mu    sync.Mutex
	paths map[string]bool
}

func (w *writes) RoundTrip(r *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	if r.Method != http.MethodGet && strings.HasPrefix(path, "secret/data/") {
		w.mu.Lock()
		w.paths[path] = true
		w.mu.Unlock()
	}
	return w.RoundTripper.RoundTrip(r)
}
