package vaultfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Token is what a login gives.
type Token struct {
	ns           string
	Until, Last  time.Time // Last is the end of the maximum TTL
	TTL          time.Duration
	Renewable    bool
	Capabilities map[string][]string // by path; a trailing * is a glob
	Uses         int                 // that are left; 0 is any number, -1 none
	root         int
}

// handle is Vault. It is called with the lock held.
func (f *Fake) handle(method, path string, r *http.Request, body []byte) (int, any) {
	ns := strings.Trim(r.Header.Get("X-Vault-Namespace"), "/")
	switch { // neither takes a token, and both are of the root namespace alone
	case path == "sys/health" && ns == "":
		return f.health()
	case path == "sys/leader" && ns == "":
		return 200, map[string]any{"ha_enabled": f.Cluster, "is_self": !f.Standby}
	}
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
	if f.Bao && ns != "" && !f.namespace(ns) {
		return refuse(404, "namespace not found") // [run] OpenBao 2.7.2
	}
	if strings.HasPrefix(path, "auth/") && strings.Contains(path, "/login") {
		return f.login(ns, strings.TrimPrefix(path, "auth/"), r, in)
	}
	id := r.Header.Get("X-Vault-Token")
	t := f.Tokens[id]
	if t == nil || t.root == 0 && (t.ns != ns || time.Now().After(t.Until)) {
		return refuse(403, "permission denied") // [vault] an ended or foreign token is told from nothing
	}
	if t.Uses < 0 {
		return refuse(403, "permission denied")
	}
	if t.Uses > 0 { // [vault] token_store.go UseToken: the last use leaves it pending its revocation
		if t.Uses--; t.Uses == 0 {
			t.Uses = -1
		}
	}
	switch {
	case path == "auth/token/lookup-self":
		ttl := 0
		if t.root == 0 {
			ttl = int(time.Until(t.Until) / time.Second)
		}
		return 200, map[string]any{"data": map[string]any{"ttl": ttl, "renewable": t.Renewable, "num_uses": max(t.Uses, 0)}}
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
		return 200, auth(id, time.Until(t.Until), true, t.Uses)
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
	if name, ok := strings.CutPrefix(path, "sys/policies/acl"); ok {
		return f.policies(t, strings.TrimPrefix(name, "/"), path)
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
	verb := method
	if r.URL.Query().Get("list") == "true" {
		verb = "LIST" // [vault] http/logical.go: a GET with list=true is one
	}
	if !t.allowed(verb, path, m != nil && m.Keys[key] != nil) {
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

func auth(id string, ttl time.Duration, renewable bool, uses int) any {
	return map[string]any{"auth": map[string]any{"client_token": id, "lease_duration": int(ttl / time.Second), "renewable": renewable, "num_uses": uses}}
}

// health is [vault] http/sys_health.go as asked with standbyok, and that of OpenBao
// 2.7.2 [run]: it has no member "enterprise".
func (f *Fake) health() (int, any) {
	body := map[string]any{"initialized": true, "sealed": f.Sealed, "standby": f.Standby, "version": "1.21.0", "enterprise": f.Enterprise}
	if f.Bao {
		delete(body, "enterprise")
		body["version"] = "2.7.2"
	}
	if f.Sealed {
		return 503, body
	}
	return 200, body
}

func (f *Fake) namespace(ns string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(f.Mounts)), func(mount string) bool { return strings.HasPrefix(mount, ns+"|") })
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
	need := map[string]string{"GET": "read", "DELETE": "delete", "PUT": "update", "LIST": "list"}[method]
	if method == "PUT" && !exists && (strings.Contains(path, "/data/") || strings.Contains(path, "/metadata/")) {
		need = "create"
	}
	caps := t.may(path)
	return slices.Contains(caps, "root") || slices.Contains(caps, need)
}
