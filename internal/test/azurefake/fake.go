// Package azurefake is the secrets part of one Azure key vault in this process,
// for tests: it speaks the REST API with its challenge to the real SDK and keeps
// the vendor's rules, see rules.go. A Fake is a policy.Transporter, which needs
// no socket and so runs in a testing/synctest bubble.
//
// A script makes calls fail, before or after they are applied, or holds them
// back. All calls are counted, but not the challenges.
package azurefake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
)

// Vault is the address of a Fake, and Token what it takes for a bearer token.
const (
	Vault = "https://rotate-test.vault.azure.net"
	Token = "a-token-of-the-fake"
)

// An Error is a reply of the service that refuses a call.
type Error struct {
	Status     int
	Code       string
	Inner      string // the inner error's code, or ""
	Message    string
	RetryAfter int // seconds; 0 leaves the header out
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Fake is the service. Safe for concurrent use.
type Fake struct {
	fakes.Script // of what goes wrong, and of the calls so far: their Kind is the name in the REST reference, such as SetSecret

	mu         sync.Mutex
	clock      func() time.Time
	offset     time.Duration
	latency    time.Duration
	stale      map[string]time.Duration
	secrets    map[string]*secret
	past       fakes.Past[*secret]
	challenges int
	made       int // versions
	served     map[bool][]time.Time
	inFlight   map[string]int // SetSecret, by name
	serial     bool
	takes      string       // the one version of the API; "" is any
	assigned   []assignment // of Run; nil for everything
}

// New returns an empty vault on the clock of this process, or of its bubble.
func New() *Fake {
	return &Fake{clock: time.Now, secrets: map[string]*secret{}, stale: map[string]time.Duration{}, served: map[bool][]time.Time{}, inFlight: map[string]int{}}
}

func (f *Fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Stale makes an Op, GetSecretVersions or GetSecret, answer as of so long ago.
func (f *Fake) Stale(op string, d time.Duration) { f.set(func() { f.stale[op] = d }) }

// Latency is how long each call takes to arrive.
func (f *Fake) Latency(d time.Duration) { f.set(func() { f.latency = d }) }

// Serial refuses a SetSecret that arrives while another one of the same name is
// under way, which the service does at times (azure-sdk-for-net#51761).
func (f *Fake) Serial(on bool) { f.set(func() { f.serial = on }) }

// Takes has the vault know one version of the API and no other, as older ones do.
func (f *Fake) Takes(version string) { f.set(func() { f.takes = version }) }

// Clock replaces the service's clock.
func (f *Fake) Clock(now func() time.Time) { f.set(func() { f.clock = now }) }

// Advance moves the service's clock.
func (f *Fake) Advance(d time.Duration) { f.set(func() { f.offset += d }) }

// Challenges tells how often a call came without a token.
func (f *Fake) Challenges() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.challenges
}

// Delete deletes a secret as a person does, whatever the caller may do.
func (f *Fake) Delete(name string) {
	f.set(func() { f.secrets[name].deleted = f.now().Add(lag) })
}

// A Version is one version of a secret as the service has it.
type Version struct {
	ID, Value, ContentType string
	Tags                   map[string]string
	Enabled                bool
	Created                time.Time
}

// Versions are all versions of a secret, in the order in which they were made.
func (f *Fake) Versions(name string) (all []Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.secrets[strings.ToLower(name)]; s != nil {
		for _, v := range s.clone().versions {
			all = append(all, *v)
		}
	}
	return all
}

// now is the service's clock in the whole seconds that it shows.
func (f *Fake) now() time.Time { return f.clock().Add(f.offset) }

// remember keeps a secret as it is now, for stale reads.
func (f *Fake) remember(name string) {
	if s := f.secrets[name]; s != nil {
		f.past.Keep(f.now(), name, s.clone())
	}
}

// asOf is a secret as a call sees it.
func (f *Fake) asOf(op, name string) *secret {
	if f.stale[op] == 0 {
		return f.secrets[name]
	}
	return f.past.AsOf(f.now().Add(-f.stale[op]), name)
}

// A request is a call as its URL and body say it.
type request struct {
	op, name, version string
	query             map[string]string
	body              body
}

type body struct {
	Value       *string
	ContentType *string
	Tags        map[string]string
	Attributes  struct{ Enabled *bool }
}

// RoundTrip makes a Fake an http.RoundTripper, for what takes no client.
func (f *Fake) RoundTrip(r *http.Request) (*http.Response, error) { return f.Do(r) }

// Do is a policy.Transporter.
func (f *Fake) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in, err := parse(r)
	if err != nil {
		return nil, err
	}
	if refused := f.authenticate(r); refused != nil {
		return f.answer(r, nil, refused), nil
	}
	fault := f.Enter(in.op, in.name)
	if err := f.arrive(ctx); err != nil {
		return nil, err
	}
	out, err := fakes.Make(ctx, fault, func() (any, error) { return f.apply(in) })
	if refused := (*Error)(nil); err != nil && !errors.As(err, &refused) {
		return nil, err // the connection's
	}
	return f.answer(r, out, err), nil
}

func parse(r *http.Request) (in request, err error) {
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return in, err
		}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &in.body); err != nil {
				return in, fmt.Errorf("azurefake: %w", err)
			}
		}
	}
	in.query = map[string]string{}
	for k, v := range r.URL.Query() {
		in.query[k] = v[0]
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	in.name, in.version = strings.ToLower(parts[1]), parts[2] // names are case-insensitive [names]
	switch what := r.Method + " " + parts[0]; {
	case what == "GET secrets" && parts[1] == "":
		in.op = "GetSecrets"
	case what == "GET secrets" && parts[2] == "versions":
		in.op = "GetSecretVersions"
	case what == "POST secrets" && parts[2] == "backup":
		in.op = "BackupSecret"
	default:
		in.op = map[string]string{
			"GET secrets": "GetSecret", "PUT secrets": "SetSecret", "PATCH secrets": "UpdateSecret", "DELETE secrets": "DeleteSecret",
			"GET deletedsecrets": "GetDeletedSecret", "POST deletedsecrets": "RecoverDeletedSecret", "DELETE deletedsecrets": "PurgeDeletedSecret",
		}[what]
	}
	return in, nil
}

// arrive is the way to the service.
func (f *Fake) arrive(ctx context.Context) error {
	f.mu.Lock()
	d := f.latency
	f.mu.Unlock()
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer words a reply as the service does.
func (f *Fake) answer(r *http.Request, out any, err error) *http.Response {
	f.mu.Lock()
	date := f.now()
	f.mu.Unlock()
	res := &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r}
	res.Header.Set("Content-Type", "application/json; charset=utf-8")
	res.Header.Set("Date", date.UTC().Format(http.TimeFormat))
	if refused := (*Error)(nil); errors.As(err, &refused) {
		res.StatusCode = refused.Status
		inner := map[string]any{"code": refused.Code, "message": refused.Message}
		if refused.Inner != "" {
			inner["innererror"] = map[string]any{"code": refused.Inner}
		}
		out = map[string]any{"error": inner}
		if refused.RetryAfter > 0 {
			res.Header.Set("Retry-After", strconv.Itoa(refused.RetryAfter))
		}
		if refused.Status == http.StatusUnauthorized { // [auth]
			res.Header.Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000", resource="https://vault.azure.net"`)
		}
	}
	if out == nil { // a purge
		res.StatusCode = http.StatusNoContent
	}
	res.Status = strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode)
	text, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Sprint("azurefake: ", err)) // a reply of this package that is no JSON
	}
	res.ContentLength, res.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
	return res
}
