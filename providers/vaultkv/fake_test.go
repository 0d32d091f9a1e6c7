package vaultkv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fake is a Vault in this process. Its rules are those of Vault 1.21.0 and of
// the KV engine inside it; [kv] is vault-plugin-secrets-kv v0.25.0, [vault] is
// hashicorp/vault v1.21.0.
type fake struct {
	mu       sync.Mutex
	mounts   map[string]*fakeMount // by namespace, "|" and path
	tokens   map[string]*fakeToken
	roles    map[string]fakeRole // by namespace, "|", and "approle/ID" or "kubernetes/NAME"
	nextID   int
	sealed   bool
	standby  bool
	behind   time.Duration // GETs of a secret answer as of so long ago: a performance standby that lags
	calls    []string
	script   func(call string, n int) fakeFault
	requests []*http.Request // headers of all calls
}

// A fakeFault is what goes wrong with one call.
type fakeFault struct {
	before     int           // answer with this status; the call is not made. -1 drops the connection
	after      int           // the call is made, then this status is answered. -1 drops the connection
	echo       bool          // before and after answer with what was sent, as a bad proxy might
	wait, hold time.Duration // sleep before, and after, the call
}

type fakeMount struct {
	version int
	typ     string
	max     int
	after   time.Duration
	keys    map[string]*fakeKey
}

type fakeKey struct {
	current, oldest, max int
	after                time.Duration
	versions             map[int]*fakeVersion
}

type fakeVersion struct {
	created, deleted time.Time
	destroyed        bool
	data             json.RawMessage
}

type fakeToken struct {
	ns           string
	until, last  time.Time // last is the end of the maximum TTL
	ttl          time.Duration
	renewable    bool
	capabilities map[string][]string // by path; a trailing * is a glob
	root         int
}

type fakeRole struct {
	credential   string
	ttl, max     time.Duration
	capabilities map[string][]string
}

func newFake() *fake {
	f := &fake{mounts: map[string]*fakeMount{}, tokens: map[string]*fakeToken{}, roles: map[string]fakeRole{}}
	f.mounts["|secret"] = &fakeMount{version: 2, typ: "kv", keys: map[string]*fakeKey{}}
	f.tokens["root"] = &fakeToken{root: 1}
	return f
}

// ServeHTTP makes one call, and what is to go wrong with it.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	method := r.Method
	if method == http.MethodPost {
		method = http.MethodPut // [vault] http/logical.go: both are updates
	}
	f.mu.Lock()
	call := callName(method, path)
	f.calls = append(f.calls, call)
	f.requests = append(f.requests, r)
	var fault fakeFault
	if f.script != nil {
		fault = f.script(call, len(f.calls))
	}
	f.mu.Unlock()

	time.Sleep(fault.wait)
	if fault.before != 0 {
		fault.answer(w, fault.before, body)
		return
	}
	f.mu.Lock()
	status, reply := f.handle(method, path, r, body)
	f.mu.Unlock()
	time.Sleep(fault.hold)
	if fault.after != 0 {
		fault.answer(w, fault.after, body)
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

func (t fakeFault) answer(w http.ResponseWriter, status int, sent []byte) {
	if status < 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(status)
	if t.echo {
		_, _ = w.Write(sent)
		return
	}
	words := map[int]string{400: "failed to parse JSON input", 403: "permission denied", 412: "required index state not present",
		429: `request path "x": rate limit quota exceeded`, 500: "internal error", 503: "Vault is sealed"}[status]
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{words}})
}

// callName is a call in short: "GET data", "PUT login".
func callName(method, path string) string {
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
func (f *fake) handle(method, path string, r *http.Request, body []byte) (int, any) {
	if f.sealed {
		return refuse(503, "Vault is sealed") // [vault] http/handler.go, consts.ErrSealed
	}
	if f.standby {
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
	t := f.tokens[id]
	if t == nil || t.root == 0 && (t.ns != ns || time.Now().After(t.until)) {
		return refuse(403, "permission denied") // [vault] an ended or foreign token is told from nothing
	}
	switch {
	case path == "auth/token/lookup-self":
		ttl := 0
		if t.root == 0 {
			ttl = int(time.Until(t.until) / time.Second)
		}
		return 200, map[string]any{"data": map[string]any{"ttl": ttl, "renewable": t.renewable}}
	case path == "auth/token/renew-self":
		if !t.renewable {
			return refuse(400, "lease is not renewable") // [vault] token_store.go
		}
		// A renewal does not reach beyond the maximum TTL:
		// https://developer.hashicorp.com/vault/docs/concepts/tokens#the-general-case
		t.until = time.Now().Add(t.ttl)
		if t.until.After(t.last) {
			t.until = t.last
		}
		return 200, auth(id, time.Until(t.until), true)
	case path == "sys/capabilities-self":
		data := map[string]any{}
		for _, p := range in["paths"].([]any) {
			data[p.(string)] = t.may(p.(string))
		}
		return 200, map[string]any{"data": data}
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		name := strings.TrimPrefix(path, "sys/internal/ui/mounts/")
		m := f.mounts[ns+"|"+name]
		if m == nil || !t.access(name) { // [vault] pathInternalUIMountRead
			return refuse(403, fmt.Sprintf("preflight capability check returned 403, please ensure client's policies grant access to path %q", name+"/"))
		}
		return 200, map[string]any{"data": map[string]any{"type": m.typ, "path": name + "/", "options": map[string]any{"version": strconv.Itoa(m.version)}}}
	}
	if mount, ok := strings.CutPrefix(path, "sys/mounts/"); ok && t.root == 1 {
		version, _ := strconv.Atoi(in["options"].(map[string]any)["version"].(string))
		f.mounts[ns+"|"+mount] = &fakeMount{version: version, typ: "kv", keys: map[string]*fakeKey{}}
		return 204, nil
	}
	mount, rest, _ := strings.Cut(path, "/")
	m := f.mounts[ns+"|"+mount]
	if m == nil && t.root == 1 {
		return refuse(404, fmt.Sprintf("no handler for route %q. route entry not found.", path))
	}
	kind, key, _ := strings.Cut(rest, "/")
	if !t.allowed(method, path, m != nil && m.keys[key] != nil) {
		return refuse(403, "1 error occurred:\n\t* permission denied\n\n")
	}
	if m.version != 2 { // [kv] passthrough.go: any path is a secret, and cas is one more field
		if method == http.MethodPut {
			m.keys[rest] = &fakeKey{}
			return 204, nil
		}
		if m.keys[rest] == nil {
			return 404, nothing
		}
		return 200, map[string]any{"data": map[string]any{"max_versions": 0}}
	}
	return m.handle(method, kind, key, r, in, f.behind)
}

func auth(id string, ttl time.Duration, renewable bool) any {
	return map[string]any{"auth": map[string]any{"client_token": id, "lease_duration": int(ttl / time.Second), "renewable": renewable}}
}

func (f *fake) login(ns, method string, in map[string]any) (int, any) {
	text := func(k string) string { s, _ := in[k].(string); return s }
	role, ok := f.roles[ns+"|"+method+"/"+cmp.Or(text("role_id"), text("role"))]
	if !ok || role.credential != cmp.Or(text("secret_id"), text("jwt")) {
		if method == "approle" {
			return refuse(400, "invalid role or secret ID") // [vault] builtin/credential/approle/path_login.go
		}
		return refuse(403, "permission denied")
	}
	f.nextID++
	id, now := fmt.Sprintf("hvs.fake%d", f.nextID), time.Now()
	f.tokens[id] = &fakeToken{ns: ns, until: now.Add(role.ttl), last: now.Add(role.max), ttl: role.ttl, renewable: true, capabilities: role.capabilities}
	return 200, auth(id, role.ttl, true)
}

// may lists what a policy grants on a path; the longest match counts.
// https://developer.hashicorp.com/vault/docs/concepts/policies#policy-syntax
func (t *fakeToken) may(path string) []string {
	if t.root == 1 {
		return []string{"root"}
	}
	best, granted := -1, []string{"deny"}
	for p, caps := range t.capabilities {
		glob, ok := strings.CutSuffix(p, "*")
		if (p == path || ok && strings.HasPrefix(path, glob)) && len(p) > best {
			best, granted = len(p), caps
		}
	}
	return granted
}

func (t *fakeToken) access(mount string) bool {
	return t.root == 1 || slices.ContainsFunc(slices.Collect(maps.Keys(t.capabilities)), func(p string) bool { return strings.HasPrefix(p, mount+"/") })
}

// allowed: a PUT needs create where there is nothing and update where there is,
// by the existence check; [kv] dataExistenceCheck goes by the metadata.
func (t *fakeToken) allowed(method, path string, exists bool) bool {
	need := map[string]string{"GET": "read", "DELETE": "delete", "PUT": "update"}[method]
	if method == "PUT" && !exists && (strings.Contains(path, "/data/") || strings.Contains(path, "/metadata/")) {
		need = "create"
	}
	caps := t.may(path)
	return slices.Contains(caps, "root") || slices.Contains(caps, need)
}

// handle is the KV engine, version 2.
func (m *fakeMount) handle(method, kind, key string, r *http.Request, in map[string]any, behind time.Duration) (int, any) {
	k := m.keys[key]
	switch method + " " + kind {
	case "GET config":
		return 200, map[string]any{"data": map[string]any{"max_versions": m.max, "cas_required": false, "delete_version_after": m.after.String()}}
	case "PUT config":
		m.max, m.after = settingsOf(in, m.max, m.after)
		return 204, nil
	case "GET data":
		n, _ := strconv.Atoi(r.URL.Query().Get("version"))
		return k.read(n, behind)
	case "PUT data":
		return m.write(key, in)
	case "DELETE data": // [kv] pathDataDelete: the newest, if it is not gone already
		if k != nil && k.versions[k.current] != nil && k.versions[k.current].deleted.IsZero() {
			k.versions[k.current].deleted = time.Now()
		}
		return 204, nil
	case "PUT undelete", "PUT destroy", "PUT delete":
		return k.change(kind, in)
	case "GET metadata":
		return k.metadata(behind)
	case "PUT metadata": // [kv] pathMetadataWrite makes the key if need be
		if k == nil {
			k = &fakeKey{versions: map[int]*fakeVersion{}}
			m.keys[key] = k
		}
		k.max, k.after = settingsOf(in, k.max, k.after)
		return 204, nil
	case "DELETE metadata": // [kv] pathMetadataDelete: all versions and the count of them
		delete(m.keys, key)
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
func (k *fakeKey) asOf(behind time.Duration) int {
	n := k.current
	for behind > 0 && n > 0 && k.versions[n] != nil && k.versions[n].created.After(time.Now().Add(-behind)) {
		n--
	}
	return n
}

// read is [kv] pathDataRead.
func (k *fakeKey) read(n int, behind time.Duration) (int, any) {
	if k == nil {
		return 404, nothing
	}
	n = cmp.Or(n, k.asOf(behind))
	v := k.versions[n]
	if v == nil {
		return 404, nothing
	}
	status, data := 200, map[string]any{"data": nil, "metadata": v.record(n)}
	if v.destroyed || !v.deleted.IsZero() && v.deleted.Before(time.Now()) || v.data == nil {
		status = 404 // with the metadata
	} else {
		var fields map[string]any // as float64, like Vault
		if json.Unmarshal(v.data, &fields) != nil {
			return refuse(500, "internal error")
		}
		data["data"] = fields
	}
	return status, map[string]any{"data": data}
}

func (v *fakeVersion) record(n int) map[string]any {
	deleted := ""
	if !v.deleted.IsZero() {
		deleted = v.deleted.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{"version": n, "created_time": v.created.UTC().Format(time.RFC3339Nano), "deletion_time": deleted, "destroyed": v.destroyed, "custom_metadata": nil}
}

// write is [kv] pathDataWrite, with validateCheckAndSetOption, deletionTime and
// AddVersion.
func (m *fakeMount) write(key string, in map[string]any) (int, any) {
	data, ok := in["data"].(map[string]any)
	if !ok {
		return refuse(400, "no data provided")
	}
	k := m.keys[key]
	if k == nil {
		k = &fakeKey{versions: map[int]*fakeVersion{}}
	}
	if o, _ := in["options"].(map[string]any); o != nil {
		if cas, ok := o["cas"].(float64); ok && int(cas) != k.current { // a soft delete does not reset current
			return refuse(400, "check-and-set parameter did not match the current version")
		}
	}
	m.keys[key] = k
	text, _ := json.Marshal(data)
	v := &fakeVersion{created: time.Now(), data: text}
	if after := min(cmp.Or(m.after, k.after), cmp.Or(k.after, m.after)); after > 0 && m.after >= 0 {
		v.deleted = v.created.Add(after)
	}
	k.current++
	k.versions[k.current] = v
	if kept := cmp.Or(max(k.max, m.max), 10); k.current-k.oldest >= kept {
		for n := k.oldest; n <= k.current-kept; n++ {
			delete(k.versions, n)
		}
		k.oldest = k.current - kept + 1
	}
	return 200, map[string]any{"data": v.record(k.current)}
}

// change is [kv] path_destroy.go and path_delete.go: numbers that are not there
// are passed over, and the newest is not spared.
func (k *fakeKey) change(kind string, in map[string]any) (int, any) {
	numbers, _ := in["versions"].([]any)
	if len(numbers) == 0 {
		return refuse(400, "no version number provided")
	}
	for _, n := range numbers {
		if k == nil || k.versions[int(n.(float64))] == nil {
			continue
		}
		v := k.versions[int(n.(float64))]
		switch kind {
		case "destroy":
			v.destroyed, v.data = true, nil
		case "delete":
			v.deleted = time.Now()
		case "undelete":
			v.deleted = time.Time{}
		}
	}
	return 204, nil
}

// metadata is [kv] pathMetadataRead.
func (k *fakeKey) metadata(behind time.Duration) (int, any) {
	if k == nil {
		return 404, nothing
	}
	current, versions := k.asOf(behind), map[string]any{}
	for n, v := range k.versions {
		if n <= current {
			versions[strconv.Itoa(n)] = v.record(n)
		}
	}
	return 200, map[string]any{"data": map[string]any{"versions": versions, "current_version": current, "oldest_version": k.oldest,
		"max_versions": k.max, "delete_version_after": k.after.String()}}
}

// direct is a transport without a network: fast, and at home in a synctest
// bubble.
type direct struct{ f *fake }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
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
		d.f.ServeHTTP(w, inner)
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

// pipe serves the fake over real HTTP on net.Pipe.
func (f *fake) pipe(t testing.TB) http.RoundTripper {
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: f, ErrorLog: nil}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case l.conns <- server:
			return client, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-l.done:
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		<-served
	})
	return transport
}

type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
