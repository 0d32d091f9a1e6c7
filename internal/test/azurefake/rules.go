package azurefake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The documents that the rules below are from.
//
//	[auth]     https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
//	[codes]    https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
//	[names]    https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
//	[secrets]  https://learn.microsoft.com/azure/key-vault/secrets/about-secrets
//	[limits]   https://learn.microsoft.com/azure/key-vault/general/service-limits
//	[throttle] https://learn.microsoft.com/azure/key-vault/general/overview-throttling
//	[soft]     https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
//	[set]      https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret
//	[get]      https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
//	[list]     https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions
//	[all]      https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets
//	[update]   https://learn.microsoft.com/rest/api/keyvault/secrets/update-secret/update-secret
//	[versions] https://learn.microsoft.com/rest/api/keyvault/#versioning
//	[recover]  https://learn.microsoft.com/rest/api/keyvault/secrets/recover-deleted-secret/recover-deleted-secret
//
// What no document says and others have seen:
//
//	[order]    versions are listed in the order of their ids, not of their age: azure-sdk-for-python#35923
//	[disabled] a disabled newest version has no fallback, and 403 SecretDisabled: azure-powershell#15378, #14740
//	[recovers] 409 ObjectIsBeingRecovered for a while after a recovery: azure-sdk-for-net#31581
//	[deleted]  409 ObjectIsDeletedButRecoverable: external-secrets#3519
//	[unseen]   believed: a name without a secret has an empty list of versions, deleted or not
const (
	maxValue  = 25 * 1024 // bytes [secrets]
	maxTags   = 15        // [secrets]
	maxTag    = 512       // characters of a name and of a value [secrets]
	maxType   = 255       // characters of a content type [secrets]
	pageSize  = 25        // [list]
	window    = 10 * time.Second
	maxSets   = 300             // a window [limits]
	maxOthers = 4000            // a window [limits]
	lag       = 5 * time.Second // of a deletion and a recovery, which are asynchronous [soft]
	retention = 90 * 24 * time.Hour
)

var names = regexp.MustCompile(`^[0-9a-z-]{1,127}$`) // [names], and case does not count

// A secret is what the service has under a name.
type secret struct {
	versions []*Version // oldest first
	deleted  time.Time  // when its deletion is done; zero if it is not deleted
	back     time.Time  // when its recovery is done
}

func (s *secret) clone() *secret {
	c := *s
	c.versions = nil
	for _, v := range s.versions {
		w := *v
		w.Tags = maps.Clone(v.Tags)
		c.versions = append(c.versions, &w)
	}
	return &c
}

// there tells whether a secret can be read and listed.
func (s *secret) there(now time.Time) bool {
	return s != nil && s.deleted.IsZero() && !now.Before(s.back)
}

// authenticate refuses who has no token: 401, with where to get one [auth].
func (f *Fake) authenticate(r *http.Request) error {
	if r.Header.Get("Authorization") == "Bearer "+Token {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.challenges++
	return &Error{Status: 401, Code: "Unauthorized", Message: "AKV10000: Request is missing a Bearer or PoP token."}
}

// apply makes one call, alone but for the time that a SetSecret takes.
func (f *Fake) apply(in request) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.throttle(in.op == "SetSecret"); err != nil {
		return nil, err
	}
	do, known := map[string]func(*secret, request) (any, error){
		"SetSecret": f.put, "GetSecret": f.get, "GetSecretVersions": f.list, "GetSecrets": nil, "UpdateSecret": f.update, "DeleteSecret": f.remove,
		"GetDeletedSecret": f.getDeleted, "RecoverDeletedSecret": f.recover, "PurgeDeletedSecret": f.purge, "BackupSecret": f.backup,
	}[in.op]
	switch {
	case !known:
		return nil, &Error{Status: 405, Code: "MethodNotAllowed", Message: in.op}
	case !f.may(in.op, in.name): // before it is told whether there is anything
		return nil, &Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized to perform action on resource.\nAction: '" + actions[in.op] + "'"}
	case in.query["api-version"] == "":
		return nil, bad("api-version must be specified")
	case f.takes != "" && in.query["api-version"] != f.takes: // [versions]
		return nil, bad("The specified version (" + in.query["api-version"] + ") is not recognized. Consider using the latest supported version (" + f.takes + ").")
	case in.op == "GetSecrets":
		return f.listAll(in)
	case !names.MatchString(in.name):
		return nil, bad("The request URI contains an invalid name: " + in.name)
	}
	if s := f.secrets[in.name]; s != nil && !s.deleted.IsZero() && f.now().After(s.deleted.Add(retention)) {
		delete(f.secrets, in.name) // purged by the service [soft]
	}
	switch in.op {
	case "GetSecret", "GetSecretVersions":
		return do(f.asOf(in.op, in.name), in)
	}
	defer f.remember(in.name)
	return do(f.secrets[in.name], in)
}

// throttle counts calls in a window and refuses those beyond [limits]. A client
// is told when to come again [throttle].
func (f *Fake) throttle(set bool) error {
	now, most := f.now(), map[bool]int{true: maxSets, false: maxOthers}[set]
	f.served[set] = slices.DeleteFunc(f.served[set], func(t time.Time) bool { return now.Sub(t) >= window })
	if len(f.served[set]) >= most {
		wait := window - now.Sub(f.served[set][0])
		return &Error{Status: 429, Code: "Throttled", Message: "Request was not processed because too many requests were received.", RetryAfter: int(wait/time.Second) + 1}
	}
	f.served[set] = append(f.served[set], now)
	return nil
}

// put adds a version: whatever is there, it is the newest [set].
func (f *Fake) put(s *secret, in request) (any, error) {
	if err := check(in.body); err != nil {
		return nil, err
	}
	switch now := f.now(); {
	case s == nil:
		s = &secret{}
		f.secrets[in.name] = s
	case !s.deleted.IsZero() && now.Before(s.deleted):
		return nil, taken("ObjectIsBeingDeleted", in.name+" is currently being deleted and cannot be re-created; retry later.")
	case !s.deleted.IsZero(): // the name is taken until it is purged [deleted]
		return nil, taken("ObjectIsDeletedButRecoverable", in.name+" is currently in a deleted but recoverable state, and its name cannot be reused.")
	case now.Before(s.back): // [recovers]
		return nil, taken("ObjectIsBeingRecovered", in.name+" is currently being recovered and cannot be re-created; retry later.")
	}
	if f.serial && f.inFlight[in.name] > 0 {
		return nil, taken("", "There was a conflict setting the secret "+in.name+".")
	}
	if f.serial {
		f.inFlight[in.name]++
		f.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		f.mu.Lock()
		f.inFlight[in.name]--
	}
	f.made++
	sum := sha256.Sum256([]byte("version " + strconv.Itoa(f.made))) // 32 hex digits that say nothing of the order, and the same in each run
	v := &Version{ID: hex.EncodeToString(sum[:16]), Value: *in.body.Value, Tags: in.body.Tags, Enabled: true, Created: f.now().UTC().Truncate(time.Second)}
	if in.body.ContentType != nil {
		v.ContentType = *in.body.ContentType
	}
	s.versions = append(s.versions, v)
	return bundle(in.name, v, true), nil
}

func check(b body) error {
	switch {
	case b.Value == nil: // required [set]
		return bad("Required parameter 'value' is missing.")
	case len(*b.Value) > maxValue:
		return bad("The secret value is larger than 25 KB.")
	case b.ContentType != nil && len(*b.ContentType) > maxType:
		return bad("The content type is too long.")
	case len(b.Tags) > maxTags:
		return bad("There are more than 15 tags.")
	}
	for name, value := range b.Tags {
		if len(name) > maxTag || len(value) > maxTag {
			return bad("A tag is longer than 512 characters.")
		}
	}
	return nil
}

// get reads one version, or the newest, and falls back to no other [disabled].
// It does so before nbf and after exp, too [secrets].
func (f *Fake) get(s *secret, in request) (any, error) {
	v := s.find(in.version, f.now())
	switch {
	case v == nil:
		return nil, missing(in.name)
	case !v.Enabled:
		return nil, &Error{Status: 403, Code: "Forbidden", Inner: "SecretDisabled", Message: "Operation get is not allowed on a disabled secret."}
	}
	return bundle(in.name, v, true), nil
}

func (s *secret) find(id string, now time.Time) *Version {
	if !s.there(now) || len(s.versions) == 0 {
		return nil
	}
	if id == "" {
		return s.versions[len(s.versions)-1]
	}
	for _, v := range s.versions {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// list gives a page of versions in the order of their ids [order], disabled ones
// too, without values [list]. Between two pages others may write.
func (f *Fake) list(s *secret, in request) (any, error) {
	out := map[string]any{"value": []any{}, "nextLink": nil}
	if !s.there(f.now()) {
		return out, nil // [unseen]
	}
	all := slices.Clone(s.versions)
	slices.SortFunc(all, func(a, b *Version) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.DeleteFunc(all, func(v *Version) bool { return v.ID <= in.query["$skiptoken"] })
	size := pageSize
	if n, err := strconv.Atoi(in.query["maxresults"]); err == nil && n >= 1 && n <= pageSize {
		size = n
	}
	if len(all) > size {
		all = all[:size]
		next := url.Values{"api-version": {in.query["api-version"]}, "$skiptoken": {all[size-1].ID}, "maxresults": {strconv.Itoa(size)}}
		out["nextLink"] = Vault + "/secrets/" + in.name + "/versions?" + next.Encode()
	}
	page := []any{}
	for _, v := range all {
		page = append(page, bundle(in.name, v, false))
	}
	out["value"] = page
	return out, nil
}

// listAll gives a page of secrets, each by its newest version, without values [all].
func (f *Fake) listAll(in request) (any, error) {
	var names []string
	for name := range f.secrets {
		if s := f.asOf("GetSecrets", name); s.there(f.now()) && len(s.versions) > 0 && name > in.query["$skiptoken"] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	out := map[string]any{"nextLink": nil}
	if len(names) > pageSize {
		names = names[:pageSize]
		next := url.Values{"api-version": {in.query["api-version"]}, "$skiptoken": {names[pageSize-1]}}
		out["nextLink"] = Vault + "/secrets?" + next.Encode()
	}
	page := []any{}
	for _, name := range names {
		s := f.asOf("GetSecrets", name)
		all := bundle(name, s.versions[len(s.versions)-1], false)
		all["id"] = Vault + "/secrets/" + name // without a version [all]
		page = append(page, all)
	}
	out["value"] = page
	return out, nil
}

// update changes what is given and leaves the rest [update].
func (f *Fake) update(s *secret, in request) (any, error) {
	v := s.find(in.version, f.now())
	if v == nil {
		return nil, missing(in.name)
	}
	if in.body.Attributes.Enabled != nil {
		v.Enabled = *in.body.Attributes.Enabled
	}
	if in.body.Tags != nil {
		v.Tags = in.body.Tags
	}
	return bundle(in.name, v, false), nil
}

// remove deletes a secret with all its versions. It cannot be read at once, and
// shows among the deleted after a while [soft].
func (f *Fake) remove(s *secret, in request) (any, error) {
	if !s.there(f.now()) {
		return nil, missing(in.name)
	}
	s.deleted = f.now().Add(lag)
	return s.gone(in.name), nil
}

func (s *secret) gone(name string) map[string]any {
	out := bundle(name, s.versions[len(s.versions)-1], false)
	out["recoveryId"] = Vault + "/deletedsecrets/" + name
	out["deletedDate"], out["scheduledPurgeDate"] = s.deleted.Unix(), s.deleted.Add(retention).Unix()
	return out
}

func (s *secret) isDeleted(now time.Time) bool {
	return s != nil && !s.deleted.IsZero() && !now.Before(s.deleted)
}

func (f *Fake) getDeleted(s *secret, in request) (any, error) {
	if !s.isDeleted(f.now()) {
		return nil, missing(in.name)
	}
	return s.gone(in.name), nil
}

// recover answers at once, and the secret is there after a while [recover].
func (f *Fake) recover(s *secret, in request) (any, error) {
	if !s.isDeleted(f.now()) {
		return nil, missing(in.name)
	}
	s.deleted, s.back = time.Time{}, f.now().Add(lag)
	return bundle(in.name, s.versions[len(s.versions)-1], false), nil
}

// backup is only ever asked for where there is nothing.
func (f *Fake) backup(s *secret, in request) (any, error) {
	if !s.there(f.now()) {
		return nil, missing(in.name)
	}
	return nil, &Error{Status: 501, Code: "NotImplemented", Message: "azurefake makes no backups"}
}

func (f *Fake) purge(s *secret, in request) (any, error) {
	if !s.isDeleted(f.now()) {
		return nil, missing(in.name)
	}
	delete(f.secrets, in.name)
	return nil, nil
}

// bundle is a version as replies have it. Times are whole seconds [secrets].
func bundle(name string, v *Version, value bool) map[string]any {
	out := map[string]any{
		"id": fmt.Sprintf("%s/secrets/%s/%s", Vault, strings.ToLower(name), v.ID),
		"attributes": map[string]any{
			"enabled": v.Enabled, "created": v.Created.Unix(), "updated": v.Created.Unix(), "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": int(retention / (24 * time.Hour)),
		},
	}
	if len(v.Tags) > 0 {
		out["tags"] = v.Tags
	}
	if v.ContentType != "" {
		out["contentType"] = v.ContentType
	}
	if value {
		out["value"] = v.Value
	}
	return out
}

func missing(name string) error {
	return &Error{Status: 404, Code: "SecretNotFound", Message: "A secret with (name/id) " + name + " was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command."}
}

func taken(inner, message string) error {
	return &Error{Status: 409, Code: "Conflict", Inner: inner, Message: "Secret " + message}
}

func bad(message string) error {
	return &Error{Status: 400, Code: "BadParameter", Message: message}
}
