// Package vaultfake is HashiCorp Vault in this process, for tests: KV version 2,
// logins, tokens and policies, as far as the store vaultkv calls them. A script
// makes calls fail, before or after they are applied, or takes its time over them.
// All calls are listed.
package vaultfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
)

// A Fake is a Vault in this process: an http.Handler for a real server, and an
// http.RoundTripper without a network, fast and at home in a synctest bubble. Its rules are those of Vault 1.21.0 and of
// the KV engine inside it; [kv] is vault-plugin-secrets-kv v0.25.0, [vault] is
// hashicorp/vault v1.21.0.
type Fake struct {
	fakes.Script // of what goes wrong, and of the calls so far: their Kind is as CallName says

	Mu       sync.Mutex
	Mounts   map[string]*Mount // by namespace, "|" and path
	Tokens   map[string]*Token
	Roles    map[string]Role   // by namespace, "|", and as Role says
	Policies map[string]string // in HCL, by name
	nextID   int
	Sealed   bool
	Standby  bool

	Bao, Enterprise, Cluster bool // the server is OpenBao; Vault Enterprise; one of several nodes

	Behind   time.Duration   // GETs of a secret answer as of so long ago: a performance standby that lags
	Requests []*http.Request // headers of all calls
}

// New returns a Vault with one empty mount, secret, and the token root.
func New() *Fake {
	f := &Fake{Mounts: map[string]*Mount{}, Tokens: map[string]*Token{}, Roles: map[string]Role{}}
	f.Mounts["|secret"] = &Mount{Version: 2, Type: "kv", Keys: map[string]*Key{}}
	f.Tokens["root"] = &Token{root: 1}
	return f
}

// ServeHTTP makes one call, and what is to go wrong with it.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	method := r.Method
	if method == http.MethodPost {
		method = http.MethodPut // [vault] http/logical.go: both are updates
	}
	f.Mu.Lock()
	f.Requests = append(f.Requests, r)
	f.Mu.Unlock()
	var status int
	reply, err := fakes.Make(r.Context(), f.Enter(CallName(method, path), path), func() (reply any, _ error) {
		f.Mu.Lock()
		defer f.Mu.Unlock()
		status, reply = f.handle(method, path, r, body)
		return reply, nil
	})
	if err != nil {
		fail(w, err, body)
		return
	}
	if status == 429 {
		w.Header().Set("Retry-After", "7")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) // net/http's server does it; a recorder does not
	w.WriteHeader(status)
	if reply != nil {
		_ = json.NewEncoder(w).Encode(reply)
	}
}

// fail answers with what the script says.
func fail(w http.ResponseWriter, err error, sent []byte) {
	var refused fakes.Status
	if !errors.As(err, &refused) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(refused.Code)
	if refused.Echo {
		_, _ = w.Write(sent)
		return
	}
	words := map[int]string{400: "failed to parse JSON input", 403: "permission denied", 412: "required index state not present",
		429: `request path "x": rate limit quota exceeded`, 500: "internal error", 503: "Vault is sealed"}[refused.Code]
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{words}})
}

// CallName is a call in short: "GET data", "PUT login".
func CallName(method, path string) string {
	for _, kind := range []string{"/data/", "/metadata/", "/destroy/", "/delete/", "/undelete/"} {
		if strings.Contains(path, kind) && !strings.HasPrefix(path, "sys/") {
			return method + " " + strings.Trim(kind, "/")
		}
	}
	if login, _, ok := strings.Cut(path, "/login"); ok && strings.HasPrefix(login, "auth/") {
		return method + " login"
	}
	if strings.HasPrefix(path, "sys/internal/ui/mounts/") {
		return method + " mounts"
	}
	return method + " " + path[strings.LastIndex(path, "/")+1:]
}

func refuse(status int, words string) (int, any) {
	return status, map[string]any{"errors": []string{words}}
}

// Readable tells whether a text can still be read by some call.
func (f *Fake) Readable(text string) bool {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, m := range f.Mounts {
		for _, k := range m.Keys {
			for _, v := range k.Versions {
				if bytes.Contains(v.Data, []byte(text)) {
					return true
				}
			}
		}
	}
	return false
}

// RoundTrip makes a call without a network. A caller that gives up does not stop
// it.
func (f *Fake) RoundTrip(r *http.Request) (*http.Response, error) { return fakes.RoundTrip(f, r) }
