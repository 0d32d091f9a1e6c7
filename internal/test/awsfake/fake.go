// Package awsfake is AWS Secrets Manager in this process, for tests: it speaks
// AWS JSON 1.1 to the real SDK and keeps the vendor's rules, see rules.go. A Fake
// is an http.Handler, for a real server, and an aws.HTTPClient, which needs no
// socket and so runs in a testing/synctest bubble.
//
// A script makes calls fail, before or after they are applied, or holds them
// back. All calls are counted.
package awsfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
)

// An Error is a reply of the service that refuses a call.
type Error struct {
	Status     int
	Code       string
	Message    string
	RetryAfter int // seconds; 0 leaves the header out
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Fake is the service in one region. Safe for concurrent use.
type Fake struct {
	fakes.Script // of what goes wrong, and of the calls so far: their Kind is the action

	mu      sync.Mutex
	clock   func() time.Time
	offset  time.Duration
	stale   time.Duration
	secrets map[string]*Secret
	past    fakes.Past[*Secret]
	granted *policy // what the caller may do; nil for everything
}

// New returns an empty Fake on the clock of this process, or of its bubble.
func New() *Fake { return &Fake{clock: time.Now, secrets: map[string]*Secret{}} }

// Stale makes DescribeSecret and GetSecretValue answer as of so long ago.
func (f *Fake) Stale(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = d
}

// Advance moves the service's clock.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offset += d
}

// Edit changes a secret from outside, or makes one.
func (f *Fake) Edit(name string, edit func(*Secret)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.secrets[name] == nil {
		f.secrets[name] = &Secret{Name: name, Created: f.now(), Tags: map[string]string{}, Replicas: map[string]string{}}
	}
	edit(f.secrets[name])
	f.remember(name)
}

// Values are all values that some call can still read, by version id, labelled
// or not.
func (f *Fake) Values(name string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]string{}
	if s := f.secrets[name]; s != nil {
		for _, v := range s.versions {
			all[v.id] = string(v.binary)
			if v.text != nil {
				all[v.id] = *v.text
			}
		}
	}
	return all
}

// Stages are the labels of all versions that have any, by version id.
func (f *Fake) Stages(name string) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string][]string{}
	if s := f.secrets[name]; s != nil {
		for _, v := range s.clone().versions {
			if len(v.stages) > 0 {
				all[v.id] = v.stages
			}
		}
	}
	return all
}

// now is the service's clock in the milliseconds that its replies have.
func (f *Fake) now() time.Time { return f.clock().Add(f.offset).Truncate(time.Millisecond) }

func (f *Fake) arn(name string) string {
	return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" + name + "-AbCdEf"
}

// remember keeps a secret as it is now, for stale reads.
func (f *Fake) remember(name string) {
	var is *Secret
	if f.secrets[name] != nil {
		is = f.secrets[name].clone()
	}
	f.past.Keep(f.now(), name, is)
}

// asOf is a secret as a stale read sees it.
func (f *Fake) asOf(name string) *Secret {
	if f.stale == 0 {
		return f.secrets[name]
	}
	return f.past.AsOf(f.now().Add(-f.stale), name)
}

type reply map[string]any

// A request has the members of all actions.
type request struct {
	Name, SecretId, Description, KmsKeyId, ClientRequestToken string
	SecretString                                              *string
	SecretBinary                                              []byte
	VersionStages                                             []string
	VersionStage, VersionId                                   string
	MoveToVersionId, RemoveFromVersionId                      string
	Tags                                                      []struct{ Key, Value string }
	AddReplicaRegions                                         []struct{ Region string }
	MaxResults, RecoveryWindowInDays                          int
	NextToken                                                 string
	IncludeDeprecated, ForceDeleteWithoutRecovery             bool
	ResourcePolicy                                            string
}

// ServeHTTP serves a real server. A lost reply closes the connection.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, err := f.Do(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// RoundTrip makes a Fake an http.RoundTripper, for what takes no client.
func (f *Fake) RoundTrip(r *http.Request) (*http.Response, error) { return f.Do(r) }

// Do is an aws.HTTPClient.
func (f *Fake) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in request
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	if r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || json.Unmarshal(body, &in) != nil {
		return f.answer(nil, &Error{400, "SerializationException", "not AWS JSON 1.1", 0}), nil
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=") {
		return f.answer(nil, &Error{400, "MissingAuthenticationToken", "the request is not signed", 0}), nil
	}
	out, err := fakes.Make(ctx, f.Enter(action, in.Name+in.SecretId), func() (any, error) { return f.apply(action, in) })
	if refused := (*Error)(nil); err != nil && !errors.As(err, &refused) {
		return nil, err // the connection's
	}
	return f.answer(out, err), nil
}

// apply makes one call, alone.
func (f *Fake) apply(action string, in request) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.permit(action, in); err != nil { // before it is told whether there is anything
		return nil, err
	}
	name := in.SecretId
	switch action {
	case "CreateSecret":
		defer f.remember(in.Name)
		return f.create(in)
	case "ListSecrets":
		return f.listSecrets(in)
	}
	s, reads := f.secrets[name], map[string]bool{"GetSecretValue": true, "DescribeSecret": true, "ListSecretVersionIds": true}[action]
	if reads {
		s = f.asOf(name)
	} else {
		defer f.remember(name)
	}
	do, known := map[string]func(*Secret, request) (any, error){
		"PutSecretValue": f.put, "UpdateSecretVersionStage": f.updateStage, "GetSecretValue": f.get,
		"DescribeSecret": f.describe, "ListSecretVersionIds": f.list, "DeleteSecret": f.remove, "RestoreSecret": f.restore,
		"PutResourcePolicy": f.policy, "GetResourcePolicy": f.getPolicy,
	}[action]
	switch {
	case !known:
		return nil, &Error{400, "UnknownOperationException", action, 0}
	case s == nil:
		return nil, &Error{400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 0}
	case !s.Deleted.IsZero() && (action == "PutSecretValue" || action == "UpdateSecretVersionStage" || action == "GetSecretValue"):
		// Its value is not accessible and it takes none [delete].
		return nil, &Error{400, "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.", 0}
	}
	return do(s, in)
}

// answer words a reply as AWS JSON 1.1 does.
func (f *Fake) answer(out any, err error) *http.Response {
	f.mu.Lock()
	date := f.now()
	f.mu.Unlock()
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
	status := http.StatusOK
	if refused := (*Error)(nil); errors.As(err, &refused) {
		status, out = refused.Status, reply{"__type": refused.Code, "message": refused.Message}
		if refused.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(refused.RetryAfter))
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Sprint("awsfake: ", err)) // a reply of this package that is no JSON
	}
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(text))
	return w.Result()
}
