// Package vaultfake is HashiCorp Vault in this process, for tests: KV version 2,
// logins, tokens and policies, as far as the store vaultkv calls them. A script
// makes calls fail, before or after they are applied, or takes its time over them.
// All calls are listed.
package vaultfake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
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

// A Mount is a KV engine.
type Mount struct {
	Version int
	Type    string
	max     int
	after   time.Duration
	Keys    map[string]*Key
}

// A Key is one secret.
type Key struct {
	Current, oldest, max int
	after                time.Duration
	Versions             map[int]*Version
}

// A Version is one value of it.
type Version struct {
	Created, deleted time.Time
	destroyed        bool
	Data             json.RawMessage
}

// A Token is what a login gives.
type Token struct {
	ns           string
	Until, Last  time.Time // Last is the end of the maximum TTL
	TTL          time.Duration
	Renewable    bool
	Capabilities map[string][]string // by path; a trailing * is a glob
	root         int
}

// A Role is what a login is for.
type Role struct {
	Credential   string
	TTL, Max     time.Duration
	Capabilities map[string][]string
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

// handle is Vault. It is called with the lock held.
func (f *Fake) handle(method, path string, r *http.Request, body []byte) (int, any) {
	if f.Sealed {
		return refuse(503, "Vault is sealed") // [vault] http/handler.go, consts.ErrSealed
	}
	if f.Standby {
		return refuse(503, "no active Vault instance found") // [vault] respondStandby
	}
	var in map[string]any
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return refuse(400, "failed to parse JSON input: invalid character")
	}
	ns := strings.Trim(r.Header.Get("X-Vault-Namespace"), "/")
	if strings.HasSuffix(path, "/login") {
		return f.login(ns, strings.TrimSuffix(strings.TrimPrefix(path, "auth/"), "/login"), in)
	}
	id := r.Header.Get("X-Vault-Token")
	t := f.Tokens[id]
	if t == nil || t.root == 0 && (t.ns != ns || time.Now().After(t.Until)) {
		return refuse(403, "permission denied") // [vault] an ended or foreign token is told from nothing
	}
	switch {
	case path == "auth/token/lookup-self":
		ttl := 0
		if t.root == 0 {
			ttl = int(time.Until(t.Until) / time.Second)
		}
		return 200, map[string]any{"data": map[string]any{"ttl": ttl, "renewable": t.Renewable}}
	case path == "auth/token/renew-self":
		if !t.Renewable {
			return refuse(400, "lease is not renewable") // [vault] token_store.go
		}
		// A renewal does not reach beyond the maximum TTL:
		// https://developer.hashicorp.com/vault/docs/concepts/tokens#the-general-case
		t.Until = time.Now().Add(t.TTL)
		if t.Until.After(t.Last) {
			t.Until = t.Last
		}
		return 200, auth(id, time.Until(t.Until), true)
	case path == "sys/capabilities-self":
		data := map[string]any{}
		for _, p := range in["paths"].([]any) {
			data[p.(string)] = t.may(p.(string))
		}
		return 200, map[string]any{"data": data}
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		name := strings.TrimPrefix(path, "sys/internal/ui/mounts/")
		m := f.Mounts[ns+"|"+name]
		if m == nil || !t.access(name) { // [vault] pathInternalUIMountRead
			return refuse(403, fmt.Sprintf("preflight capability check returned 403, please ensure client's policies grant access to path %q", name+"/"))
		}
		return 200, map[string]any{"data": map[string]any{"type": m.Type, "path": name + "/", "options": map[string]any{"version": strconv.Itoa(m.Version)}}}
	}
	if mount, ok := strings.CutPrefix(path, "sys/mounts/"); ok && t.root == 1 {
		version, _ := strconv.Atoi(in["options"].(map[string]any)["version"].(string))
		f.Mounts[ns+"|"+mount] = &Mount{Version: version, Type: "kv", Keys: map[string]*Key{}}
		return 204, nil
	}
	mount, rest, _ := strings.Cut(path, "/")
	m := f.Mounts[ns+"|"+mount]
	if m == nil && t.root == 1 {
		return refuse(404, fmt.Sprintf("no handler for route %q. route entry not found.", path))
	}
	kind, key, _ := strings.Cut(rest, "/")
	if !t.allowed(method, path, m != nil && m.Keys[key] != nil) {
		return refuse(403, "1 error occurred:\n\t* permission denied\n\n")
	}
	if m.Version != 2 { // [kv] passthrough.go: any path is a secret, and cas is one more field
		if method == http.MethodPut {
			m.Keys[rest] = &Key{}
			return 204, nil
		}
		if m.Keys[rest] == nil {
			return 404, nothing
		}
		return 200, map[string]any{"data": map[string]any{"max_versions": 0}}
	}
	return m.handle(method, kind, key, r, in, f.Behind)
}

func auth(id string, ttl time.Duration, renewable bool) any {
	return map[string]any{"auth": map[string]any{"client_token": id, "lease_duration": int(ttl / time.Second), "renewable": renewable}}
}

func (f *Fake) login(ns, method string, in map[string]any) (int, any) {
	text := func(k string) string { s, _ := in[k].(string); return s }
	role, ok := f.Roles[ns+"|"+method+"/"+cmp.Or(text("role_id"), text("role"))]
	if !ok || role.Credential != cmp.Or(text("secret_id"), text("jwt")) {
		if method == "approle" {
			return refuse(400, "invalid role or secret ID") // [vault] builtin/credential/approle/path_login.go
		}
		return refuse(403, "permission denied")
	}
	f.nextID++
	id, now := fmt.Sprintf("hvs.fake%d", f.nextID), time.Now()
	f.Tokens[id] = &Token{ns: ns, Until: now.Add(role.TTL), Last: now.Add(role.Max), TTL: role.TTL, Renewable: true, Capabilities: role.Capabilities}
	return 200, auth(id, role.TTL, true)
}

// may lists what a policy grants on a path; the longest match counts.
// https://developer.hashicorp.com/vault/docs/concepts/policies#policy-syntax
func (t *Token) may(path string) []string {
	if t.root == 1 {
		return []string{"root"}
	}
	best, granted := -1, []string{"deny"}
	for p, caps := range t.Capabilities {
		glob, ok := strings.CutSuffix(p, "*")
		if (p == path || ok && strings.HasPrefix(path, glob)) && len(p) > best {
			best, granted = len(p), caps
		}
	}
	return granted
}

func (t *Token) access(mount string) bool {
	return t.root == 1 || slices.ContainsFunc(slices.Collect(maps.Keys(t.Capabilities)), func(p string) bool { return strings.HasPrefix(p, mount+"/") })
}

// allowed: a PUT needs create where there is nothing and update where there is,
// by the existence check; [kv] dataExistenceCheck goes by the metadata.
func (t *Token) allowed(method, path string, exists bool) bool {
	need := map[string]string{"GET": "read", "DELETE": "delete", "PUT": "update"}[method]
	if method == "PUT" && !exists && (strings.Contains(path, "/data/") || strings.Contains(path, "/metadata/")) {
		need = "create"
	}
	caps := t.may(path)
	return slices.Contains(caps, "root") || slices.Contains(caps, need)
}

// handle is the KV engine, version 2.
func (m *Mount) handle(method, kind, key string, r *http.Request, in map[string]any, behind time.Duration) (int, any) {
	k := m.Keys[key]
	switch method + " " + kind {
	case "GET config":
		return 200, map[string]any{"data": map[string]any{"max_versions": m.max, "cas_required": false, "delete_version_after": m.after.String()}}
	case "PUT config":
		m.max, m.after = settingsOf(in, m.max, m.after)
		return 204, nil
	case "GET data":
		n, _ := strconv.Atoi(r.URL.Query().Get("version"))
		return k.Read(n, behind)
	case "PUT data":
		return m.Write(key, in)
	case "DELETE data": // [kv] pathDataDelete: the newest, if it is not gone already
		if k != nil && k.Versions[k.Current] != nil && k.Versions[k.Current].deleted.IsZero() {
			k.Versions[k.Current].deleted = time.Now()
		}
		return 204, nil
	case "PUT undelete", "PUT destroy", "PUT delete":
		return k.change(kind, in)
	case "GET metadata":
		return k.metadata(behind)
	case "PUT metadata": // [kv] pathMetadataWrite makes the key if need be
		if k == nil {
			k = &Key{Versions: map[int]*Version{}}
			m.Keys[key] = k
		}
		k.max, k.after = settingsOf(in, k.max, k.after)
		return 204, nil
	case "DELETE metadata": // [kv] pathMetadataDelete: all versions and the count of them
		delete(m.Keys, key)
		return 204, nil
	}
	return refuse(405, "unsupported operation")
}

func settingsOf(in map[string]any, max int, after time.Duration) (int, time.Duration) {
	if v, ok := in["max_versions"].(float64); ok {
		max = int(v)
	}
	if v, ok := in["delete_version_after"].(string); ok {
		after, _ = time.ParseDuration(v)
	}
	return max, after
}

var nothing = map[string]any{"errors": []string{}} // [vault] RespondErrorCommon: a read of nothing is a 404 with this

// asOf is the newest version that a standby has heard of.
func (k *Key) asOf(behind time.Duration) int {
	n := k.Current
	for behind > 0 && n > 0 && k.Versions[n] != nil && k.Versions[n].Created.After(time.Now().Add(-behind)) {
		n--
	}
	return n
}

// Read is [kv] pathDataRead.
func (k *Key) Read(n int, behind time.Duration) (int, any) {
	if k == nil {
		return 404, nothing
	}
	n = cmp.Or(n, k.asOf(behind))
	v := k.Versions[n]
	if v == nil {
		return 404, nothing
	}
	status, data := 200, map[string]any{"data": nil, "metadata": v.record(n)}
	if v.destroyed || !v.deleted.IsZero() && v.deleted.Before(time.Now()) || v.Data == nil {
		status = 404 // with the metadata
	} else {
		var fields map[string]any // as float64, like Vault
		if json.Unmarshal(v.Data, &fields) != nil {
			return refuse(500, "internal error")
		}
		data["data"] = fields
	}
	return status, map[string]any{"data": data}
}

func (v *Version) record(n int) map[string]any {
	deleted := ""
	if !v.deleted.IsZero() {
		deleted = v.deleted.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{"version": n, "created_time": v.Created.UTC().Format(time.RFC3339Nano), "deletion_time": deleted, "destroyed": v.destroyed, "custom_metadata": nil}
}

// Write is [kv] pathDataWrite, with validateCheckAndSetOption, deletionTime and
// AddVersion.
func (m *Mount) Write(key string, in map[string]any) (int, any) {
	data, ok := in["data"].(map[string]any)
	if !ok {
		return refuse(400, "no data provided")
	}
	k := m.Keys[key]
	if k == nil {
		k = &Key{Versions: map[int]*Version{}}
	}
	if o, _ := in["options"].(map[string]any); o != nil {
		if cas, ok := o["cas"].(float64); ok && int(cas) != k.Current { // a soft delete does not reset current
			return refuse(400, "check-and-set parameter did not match the current version")
		}
	}
	m.Keys[key] = k
	text, _ := json.Marshal(data)
	v := &Version{Created: time.Now(), Data: text}
	if after := min(cmp.Or(m.after, k.after), cmp.Or(k.after, m.after)); after > 0 && m.after >= 0 {
		v.deleted = v.Created.Add(after)
	}
	k.Current++
	k.Versions[k.Current] = v
	if kept := cmp.Or(max(k.max, m.max), 10); k.Current-k.oldest >= kept {
		for n := k.oldest; n <= k.Current-kept; n++ {
			delete(k.Versions, n)
		}
		k.oldest = k.Current - kept + 1
	}
	return 200, map[string]any{"data": v.record(k.Current)}
}

// change is [kv] path_destroy.go and path_delete.go: numbers that are not there
// are passed over, and the newest is not spared.
func (k *Key) change(kind string, in map[string]any) (int, any) {
	numbers, _ := in["versions"].([]any)
	if len(numbers) == 0 {
		return refuse(400, "no version number provided")
	}
	for _, n := range numbers {
		if k == nil || k.Versions[int(n.(float64))] == nil {
			continue
		}
		v := k.Versions[int(n.(float64))]
		switch kind {
		case "destroy":
			v.destroyed, v.Data = true, nil
		case "delete":
			v.deleted = time.Now()
		case "undelete":
			v.deleted = time.Time{}
		}
	}
	return 204, nil
}

// metadata is [kv] pathMetadataRead.
func (k *Key) metadata(behind time.Duration) (int, any) {
	if k == nil {
		return 404, nothing
	}
	current, versions := k.asOf(behind), map[string]any{}
	for n, v := range k.Versions {
		if n <= current {
			versions[strconv.Itoa(n)] = v.record(n)
		}
	}
	return 200, map[string]any{"data": map[string]any{"versions": versions, "current_version": current, "oldest_version": k.oldest,
		"max_versions": k.max, "delete_version_after": k.after.String()}}
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
