package daemon

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// shared is a store that several daemons have.
type shared struct{ store providers.Store }

func (s *shared) Open(context.Context) (providers.Store, error) { return s.store, nil }

// A receiver takes signed notifications of several replicas, fails half of the time,
// and does what each says once, as Standard Webhooks asks: by its id.
type receiver struct {
	t *testing.T

	mu     sync.Mutex
	calls  int
	failed int
	taken  int            // calls that were answered with success
	posts  map[string]int // by id, of what it took
	signed map[string]int // promotions that it acted on, by kid
	bodies bytes.Buffer
	tokens []string // the newest secrets of the key that signs, as its readers have them
	others bool     // the signature of some call fits none of these
}

// RoundTrip is the receiver's end of the network. Of two calls one fails: before it
// has acted, or after, so that the sender cannot know.
func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.bodies.Write(body)
	answer := &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody}
	if r.calls%4 == 1 {
		r.failed++
		return nil, io.ErrUnexpectedEOF
	}
	r.others = r.others || !r.verifies(q.Header, body)
	r.take(q.Header.Get("webhook-id"), body)
	if r.calls%4 == 3 {
		r.failed++
		answer.StatusCode = http.StatusBadGateway
	} else {
		r.taken++
	}
	return answer, nil
}

// verifies is the check of a receiver that has one secret: the one that it read
// last.
func (r *receiver) verifies(h http.Header, body []byte) bool {
	if len(r.tokens) == 0 {
		return true
	}
	material, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.tokens[len(r.tokens)-1], "whsec_"))
	if err != nil {
		r.t.Error(err)
	}
	mac := hmac.New(sha256.New, material)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
	mac.Write(body)
	return slices.Contains(strings.Fields(h.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// take acts on an event, or on each of a digest, unless it has done so.
func (r *receiver) take(id string, body []byte) {
	type event struct {
		ID      string
		Type    string
		Subject string
		Data    json.RawMessage
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id {
		r.t.Errorf("%v: id %q of\n%s", err, id, body)
	}
	all := []event{e}
	if strings.HasSuffix(e.Type, ".digest") {
		var digest struct{ Events []event }
		if err := json.Unmarshal(e.Data, &digest); err != nil {
			r.t.Error(err)
		}
		all = digest.Events
	}
	for _, e := range all {
		if r.posts[e.ID]++; r.posts[e.ID] > 1 || e.Subject != "jwt" {
			continue
		}
		var data struct {
			Changes []struct{ Kid, To string }
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			r.t.Error(err)
		}
		for _, c := range data.Changes {
			if c.To == string(keyset.Current) {
				r.signed[c.Kid]++
			}
		}
	}
}

const replicated = `
environment: test
stores: {m: {type: memory}}
defaults: {store: m, propagation: 10m, grace: 20m, grace_bounds: {min: 20m, max: 20m}, sync: 10m, every: 1h}
keys: {jwt: {}, hooks: {algorithm: opaque, prefix: whsec_, encoding: base64}}
notify: {to: {ops: {url: "https://hooks.example.com/", sign: {key: hooks}}}}
`

// Three replicas tell a receiver that fails half of the time of a hundred rotations,
// signed with a key that rotates as well: each is acted on exactly once, and
// whatever secret the receiver has read within the propagation verifies each call.
// One replica is killed and begun anew again and again.
func TestReplicasTellEachRotationOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.WithClock(time.Now))
		r := &receiver{t: t, posts: map[string]int{}, signed: map[string]int{}}
		var stops []func()
		for range 3 {
			stops = append(stops, replica(t, store, r))
		}
		var material []string // of all keys that ever were
		made := map[string]bool{}
		for step := 0; len(made) < 101; step++ {
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			jwt, hooks := stored(t, store, "test-jwt"), stored(t, store, "test-hooks")
			made[jwt.Signing().Kid] = true
			material = append(material, string(jwt.Signing().Text().Reveal()), string(hooks.Signing().Text().Reveal()))
			r.mu.Lock()
			r.tokens = append(r.tokens, string(hooks.Signing().Text().Reveal()))
			r.mu.Unlock()
			if step%50 == 49 {
				stops[step%3]()
				stops[step%3] = replica(t, store, r)
			}
		}
		time.Sleep(15 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		r.judge(made, material)
	})
}

// A receiver that takes each call and never answers delays no rotation.
func TestAHangingReceiverDelaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.WithClock(time.Now))
		stop := replica(t, store, hanging{})
		time.Sleep(time.Minute)
		first := stored(t, store, "test-jwt")
		look := rotation.Outlook{Set: first, Policy: rotation.Policy{Schedule: rotation.Every(time.Hour), Propagation: 10 * time.Minute}}
		due := look.Due()
		time.Sleep(time.Until(due.Add(20 * time.Minute))) // the propagation is the widest jitter
		if now := stored(t, store, "test-jwt").Signing(); now.Kid == first.Signing().Kid || now.NotBefore.Sub(due) > 10*time.Minute {
			t.Errorf("due at %s, kid %s signs since %s", due, now.Kid, now.NotBefore)
		}
		stop()
	})
}

type hanging struct{}

func (hanging) RoundTrip(q *http.Request) (*http.Response, error) {
	<-q.Context().Done()
	return nil, q.Context().Err()
}

// judge holds what was acted on against what happened.
func (r *receiver) judge(made map[string]bool, material []string) {
	for kid := range made {
		if r.signed[kid] != 1 {
			r.t.Errorf("that kid %s signs was acted on %d times", kid, r.signed[kid])
		}
	}
	// Each replica goes on until it is told that the receiver has the event; where it
	// is stopped before, it may never be.
	if len(r.signed) != len(made) || r.failed*2 < r.calls-1 || r.taken < 27*len(r.posts)/10 {
		r.t.Errorf("%d promotions told, %d of %d calls failed, %d ids, taken %d times", len(r.signed), r.failed, r.calls, len(r.posts), r.taken)
	}
	if r.others {
		r.t.Error("a signature does not verify with the secret that the receiver has")
	}
	for _, text := range material {
		if bytes.Contains(r.bodies.Bytes(), []byte(strings.TrimPrefix(text, "whsec_"))) {
			r.t.Fatal("material was sent")
		}
	}
	if len(material) < 200 {
		r.t.Errorf("%d texts", len(material))
	}
}

// replica begins a daemon. stop ends it within 5 s.
func replica(t *testing.T, store providers.Store, network http.RoundTripper) (stop func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rotate.yaml")
	if err := os.WriteFile(path, []byte(replicated), 0o600); err != nil {
		t.Fatal(err)
	}
	types := stores.Registry{"memory": func() providers.Config { return &shared{store} }}
	d, err := New(Options{
		Host: ops.Host{
			Now: time.Now, Clock: func() rotation.Clock { return rotation.Clock{Wall: time.Now().Round(0)} }, NewID: rand.Text,
			Trail: &audit.File{}, Log: slog.New(slog.DiscardHandler), Lost: func(error) {},
		},
		Read:      func() (*config.Config, error) { return config.Load(path, types) },
		Transport: network,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Rotate(ctx) }()
	return func() {
		cancel()
		begun := time.Now()
		if err := <-ended; err != nil || time.Since(begun) > 5*time.Second {
			t.Errorf("it stopped after %s: %v", time.Since(begun), err)
		}
	}
}

// stored is the keyset of a name.
func stored(t *testing.T, store providers.Store, name string) *keyset.Set {
	t.Helper()
	revision, err := store.Read(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Parse(revision.Value.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return set
}
