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
)

// Vault is the address of a Fake, and Token what it takes for a bearer token.
const (
	Vault = "https://rotate-test.vault.azure.net"
	Token = "a-token-of-the-fake"
)

// ErrLost is a Fault's reply that never comes: the connection breaks.
var ErrLost = errors.New("azurefake: connection reset")

// An Error is a reply of the service that refuses a call.
type Error struct {
	Status     int
	Code       string
	Inner      string // the inner error's code, or ""
	Message    string
	RetryAfter int // seconds; 0 leaves the header out
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Call is one call of the API.
type Call struct {
	Op   string // by the names of the REST reference, such as SetSecret
	Name string // of the secret
	N    int    // the how manieth of its Op, from 1
	All  int    // the how manieth of all, from 1
}

// A Fault is what goes wrong with one call, in the order of the fields. Before
// and After are an *Error or ErrLost.
type Fault struct {
	Paused      chan<- struct{} // closed when the call waits
	PauseBefore <-chan struct{}
	Late        bool  // whoever gave up at PauseBefore, the call is made once it opens
	Before      error // in place of the call, which is not made
	PauseAfter  <-chan struct{}
	After       error // in place of the reply of a call that was made
}

// A Fake is the service. Safe for concurrent use.
type Fake struct {
	mu         sync.Mutex
	clock      func() time.Time
	offset     time.Duration
	latency    time.Duration
	stale      map[string]time.Duration
	secrets    map[string]*secret
	past       []snapshot
	script     func(Call) *Fault
	calls      []Call
	challenges int
	made       int // versions
	served     map[bool][]time.Time
	inFlight   map[string]int // SetSecret, by name
	serial     bool
}

// A snapshot is a secret as it was from a moment on.
type snapshot struct {
	at     time.Time
	name   string
	secret *secret
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

// On replaces the script, which is asked before each call; nil is no fault.
func (f *Fake) On(script func(Call) *Fault) { f.set(func() { f.script = script }) }

// Stale makes an Op, GetSecretVersions or GetSecret, answer as of so long ago.
func (f *Fake) Stale(op string, d time.Duration) { f.set(func() { f.stale[op] = d }) }

// Latency is how long each call takes to arrive.
func (f *Fake) Latency(d time.Duration) { f.set(func() { f.latency = d }) }

// Serial refuses a SetSecret that arrives while another one of the same name is
// under way, which the service does at times (azure-sdk-for-net#51761).
func (f *Fake) Serial(on bool) { f.set(func() { f.serial = on }) }

// Clock replaces the service's clock.
func (f *Fake) Clock(now func() time.Time) { f.set(func() { f.clock = now }) }

// Advance moves the service's clock.
func (f *Fake) Advance(d time.Duration) { f.set(func() { f.offset += d }) }

// Calls are the calls so far.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Challenges tells how often a call came without a token.
func (f *Fake) Challenges() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.challenges
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
		f.past = append(f.past, snapshot{at: f.now(), name: name, secret: s.clone()})
	}
}

// asOf is a secret as a call sees it.
func (f *Fake) asOf(op, name string) *secret {
	if f.stale[op] == 0 {
		return f.secrets[name]
	}
	var seen *secret
	for _, s := range f.past {
		if s.name == name && !s.at.After(f.now().Add(-f.stale[op])) {
			seen = s.secret
		}
	}
	return seen
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
	fault := f.enter(in)
	if err := f.arrive(ctx); err != nil {
		return nil, err
	}
	if err := fault.wait(ctx, fault.PauseBefore); err != nil {
		if fault.Late {
			go func() {
				<-fault.PauseBefore
				_, _ = f.apply(in)
			}()
		}
		return nil, err
	}
	if errors.Is(fault.Before, ErrLost) {
		return nil, ErrLost
	}
	if fault.Before != nil {
		return f.answer(r, nil, fault.Before), nil
	}
	out, err := f.apply(in)
	if err := fault.wait(ctx, fault.PauseAfter); err != nil {
		return nil, err
	}
	if errors.Is(fault.After, ErrLost) {
		return nil, ErrLost
	}
	if fault.After != nil {
		err = fault.After
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

func (t Fault) wait(ctx context.Context, gate <-chan struct{}) error {
	if gate == nil {
		return nil
	}
	if t.Paused != nil {
		close(t.Paused)
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter counts a call and asks the script about it.
func (f *Fake) enter(in request) Fault {
	f.mu.Lock()
	c := Call{Op: in.op, Name: in.name, N: 1, All: len(f.calls) + 1}
	for _, earlier := range f.calls {
		if earlier.Op == c.Op {
			c.N++
		}
	}
	f.calls = append(f.calls, c)
	script := f.script
	f.mu.Unlock()
	if script != nil {
		if fault := script(c); fault != nil {
			return *fault
		}
	}
	return Fault{}
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
