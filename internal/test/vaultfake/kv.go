package vaultfake

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Mount is a KV engine.
type Mount struct {
	Version int
	Type    string
	max     int
	after   time.Duration
	cas     bool // cas_required
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

// handle is the KV engine, version 2.
func (m *Mount) handle(method, kind, key string, r *http.Request, in map[string]any, behind time.Duration) (int, any) {
	k := m.Keys[key]
	switch method + " " + kind {
	case "GET config":
		return 200, map[string]any{"data": map[string]any{"max_versions": m.max, "cas_required": m.cas, "delete_version_after": m.after.String()}}
	case "PUT config":
		m.max, m.after = settingsOf(in, m.max, m.after)
		if cas, ok := in["cas_required"].(bool); ok {
			m.cas = cas
		}
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
		if r.URL.Query().Get("list") == "true" {
			return m.list(key)
		}
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
	o, _ := in["options"].(map[string]any)
	if _, told := o["cas"]; m.cas && !told {
		return refuse(400, "check-and-set parameter required for this call") // [kv] validateCheckAndSetOption
	}
	if o != nil {
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

// list is [kv] pathMetadataList: the names right below a folder, of folders with a slash.
func (m *Mount) list(folder string) (int, any) {
	if folder != "" {
		folder += "/"
	}
	seen := map[string]bool{}
	for name := range m.Keys {
		if rest, ok := strings.CutPrefix(name, folder); ok {
			head, _, deeper := strings.Cut(rest, "/")
			if deeper {
				head += "/"
			}
			seen[head] = true
		}
	}
	if len(seen) == 0 {
		return 404, nothing
	}
	return 200, map[string]any{"data": map[string]any{"keys": slices.Sorted(maps.Keys(seen))}}
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
