// Package vaultfake is HashiCorp Vault in this process, for tests: KV version 2,
// logins, tokens and policies, as far as the store vaultkv calls them. A script
// makes calls fail, before or after they are applied, or takes its time over them.
// All calls are listed.
package vaultfake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// A Fake is a Vault in this process: an http.Handler for a real server, and an
// http.RoundTripper without a network, fast and at home in a synctest bubble. Its rules are those of Vault 1.21.0 and of
// the KV engine inside it; [kv] is vault-plugin-secrets-kv v0.25.0, [vault] is
// hashicorp/vault v1.21.0.
type Fake struct {
	Mu       sync.Mutex
	Mounts   map[string]*Mount // by namespace, "|" and path
	Tokens   map[string]*Token
	Roles    map[string]Role // by namespace, "|", and "approle/ID" or "kubernetes/NAME"
	nextID   int
	Sealed   bool
	Standby  bool
	Behind   time.Duration // GETs of a secret answer as of so long ago: a performance standby that lags
	Calls    []string
	Script   func(call string, n int) Fault
	Requests []*http.Request // headers of all calls
}

// A Fault is what goes wrong with one call.
type Fault struct {
	Before     int           // answer with this status; the call is not made. -1 drops the connection
	After      int           // the call is made, then this status is answered. -1 drops the connection
	Echo       bool          // Before and After answer with what was sent, as a bad proxy might
	Wait, Hold time.Duration // sleep before, and after, the call
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
	call := CallName(method, path)
	f.Calls = append(f.Calls, call)
	f.Requests = append(f.Requests, r)
	var fault Fault
	if f.Script != nil {
		fault = f.Script(call, len(f.Calls))
	}
	f.Mu.Unlock()

	time.Sleep(fault.Wait)
	if fault.Before != 0 {
		fault.answer(w, fault.Before, body)
		return
	}
	f.Mu.Lock()
	status, reply := f.handle(method, path, r, body)
	f.Mu.Unlock()
	time.Sleep(fault.Hold)
	if fault.After != 0 {
		fault.answer(w, fault.After, body)
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

func (t Fault) answer(w http.ResponseWriter, status int, sent []byte) {
	if status < 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(status)
	if t.Echo {
		_, _ = w.Write(sent)
		return
	}
	words := map[int]string{400: "failed to parse JSON input", 403: "permission denied", 412: "required index state not present",
		429: `request path "x": rate limit quota exceeded`, 500: "internal error", 503: "Vault is sealed"}[status]
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{words}})
}

// CallName is a call in short: "GET data", "PUT login".
func CallName(method, path string) string {
	for _, kind := range []string{"/data/", "/metadata/", "/destroy/", "/delete/", "/undelete/"} {
		if strings.Contains(path, kind) && !strings.HasPrefix(path, "sys/") {
			return method + " " + strings.Trim(kind, "/")
		}
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
func (f *Fake) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		w   *httptest.ResponseRecorder
		err error
	}
	done := make(chan result, 1)
	inner := r.Clone(context.WithoutCancel(r.Context()))
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	text, err := io.ReadAll(inner.Body)
	if err != nil {
		return nil, err
	}
	inner.Body = io.NopCloser(bytes.NewReader(text))
	go func() {
		w := httptest.NewRecorder()
		defer func() {
			if recover() != nil {
				done <- result{err: io.ErrUnexpectedEOF}
			}
		}()
		f.ServeHTTP(w, inner)
		done <- result{w: w}
	}()
	select {
	case res := <-done:
		if res.err != nil {
			return nil, res.err
		}
		resp := res.w.Result()
		resp.Request = r
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
