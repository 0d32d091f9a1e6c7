package awssm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// The servers that others wrote; e2e/aws.sh starts them. A deviation is a case
// that fails there because the server does other than the vendor documents. It
// is run all the same, told by name, and is a failure once it passes.
var servers = []struct {
	name, env, reset string
	deviations       map[string]string // by case
}{
	{"moto", "ROTATE_MOTO", "/moto-api/reset", map[string]string{
		"outside/a value from outside is another revision":        motoTwoHeads,
		"outside/a value from outside is not written over":        motoTwoHeads,
		"outside/a value from outside does not move the witness":  motoTwoHeads,
		"documented/a label is moved to an unknown version":       "a move of AWSCURRENT to an unknown version is refused, but takes the label from its old one",
		"documented/AWSCURRENT cannot be removed":                 "AWSCURRENT is removed without being moved",
		"documented/a read without VersionStage is of AWSCURRENT": "a read without VersionStage after a move gives the old version",
		"documented/a value is put to a secret pending deletion":  "a secret that is pending deletion takes values",
		"documented/a value has 65536 bytes":                      noLimits,
		"documented/a secret has 20 labels":                       noLimits,
	}},
	{"ministack", "ROTATE_MINISTACK", "/_ministack/reset", map[string]string{
		"documented/same token, other value":                     "the same token with another value overwrites the version",
		"documented/the token of a creation is the version's id": "CreateSecret makes up a version id of its own",
		"documented/AWSCURRENT cannot be removed":                "AWSCURRENT is removed without being moved",
		"documented/a label is taken from a version by a put":    "PutSecretValue leaves a label on two versions",
		"documented/a value has 65536 bytes":                     noLimits,
		"documented/a secret has 20 labels":                      noLimits,
		"documented/the first version is AWSCURRENT":             "CreateSecret without a value makes a version, which is AWSCURRENT and has none",
	}},
}

const noLimits = "the quota is not kept"

const motoTwoHeads = "PutSecretValue after a move of AWSCURRENT leaves the label on two versions, and reads take the older one"

func TestConformance(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			url := os.Getenv(server.env)
			if url == "" {
				t.Skipf("%s is not set; e2e/aws.sh runs this", server.env)
			}
			transport := &http.Transport{MaxIdleConnsPerHost: 32}
			t.Cleanup(transport.CloseIdleConnections)
			client := &http.Client{Transport: transport}
			if server.name == "moto" {
				client.Transport = &oneAtATime{next: transport}
			}
			h := harness(func(t testing.TB) *store {
				res, err := client.Post(url+server.reset, "", nil)
				must(t, err)
				must(t, res.Body.Close())
				return (&Config{Endpoint: url}).store(testConfig(client))
			})
			h.Wait = func(testing.TB, time.Duration) {} // both are one process with one lock
			for _, c := range append(providertest.Cases(), documented(h)...) {
				t.Run(c.Name, func(t *testing.T) {
					why, deviates := server.deviations[c.Name]
					if !deviates {
						c.Run(t, h)
						return
					}
					rec := &recorder{TB: t}
					rec.run(func() { c.Run(rec, h) })
					if len(rec.said) == 0 {
						t.Errorf("%s does not deviate any more: %s", server.name, why)
					}
					t.Logf("DEVIATION %s: %s: %s", server.name, why, strings.Join(rec.said, "; "))
				})
			}
			for name := range server.deviations {
				if !slices.ContainsFunc(append(providertest.Cases(), documented(h)...), func(c providertest.Case) bool { return c.Name == name }) {
					t.Errorf("there is no case %q", name)
				}
			}
			t.Run("a life, killed at every call", func(t *testing.T) {
				killedLives(t, client, func(client aws.HTTPClient) *store {
					conf := testConfig(client)
					conf.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
					return (&Config{Endpoint: url}).store(conf)
				})
			})
		})
	}
}

// oneAtATime makes one call after the other. moto moves a label in two steps
// which its other threads can see: under load a reader has met a secret without
// AWSCURRENT.
type oneAtATime struct {
	next http.RoundTripper
	mu   sync.Mutex
}

func (o *oneAtATime) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next.RoundTrip(r)
}

// documented are cases of the vendor's own rules, beyond what the contract asks:
// where a server keeps one that the fake keeps too, the two agree.
func documented(h providertest.Harness) []providertest.Case {
	ctx := context.Background()
	rule := func(rule string, keep func(t testing.TB, s *store, api *secretsmanager.Client, rev providers.Revision)) providertest.Case {
		return providertest.Case{Name: "documented/" + rule, Run: func(t testing.TB, _ providertest.Harness) {
			s := h.New(t).(*store)
			rev, err := s.Write(ctx, name, providers.NewSecret([]byte("first")), "", providers.Note{Lineage: "l", Generation: 1})
			must(t, err)
			keep(t, s, s.api, rev)
		}}
	}
	refusal := func(t testing.TB, err error, code string) {
		t.Helper()
		if api := (smithy.APIError)(nil); !errors.As(err, &api) || api.ErrorCode() != code {
			t.Errorf("the error is %v, want %s", err, code)
		}
	}
	put := func(s *store, token, value string, stages ...string) error {
		_, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), ClientRequestToken: &token, SecretString: &value, VersionStages: stages})
		return err
	}
	move := func(s *store, stage, to, from string) error {
		in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: aws.String(name), VersionStage: &stage}
		if to != "" {
			in.MoveToVersionId = &to
		}
		if from != "" {
			in.RemoveFromVersionId = &from
		}
		_, err := s.api.UpdateSecretVersionStage(ctx, in)
		return err
	}
	token := func(i int) string { return fmt.Sprintf("%032d", i) }
	return []providertest.Case{
		rule("same token, same value", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, put(s, token(1), "x", "mine"))
		}),
		rule("same token, other value", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			refusal(t, put(s, token(1), "y", "mine"), "ResourceExistsException")
		}),
		rule("the token is the version's id", func(t testing.TB, s *store, api *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			_, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name), VersionId: aws.String(token(1))})
			must(t, err)
		}),
		rule("the token of a creation is the version's id", func(t testing.TB, s *store, api *secretsmanager.Client, _ providers.Revision) {
			out, err := api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("another"), SecretString: aws.String("x"), ClientRequestToken: aws.String(token(1))})
			must(t, err)
			if aws.ToString(out.VersionId) != token(1) {
				t.Errorf("it is %s", aws.ToString(out.VersionId))
			}
		}),
		rule("a label is moved to an unknown version", func(t testing.TB, s *store, _ *secretsmanager.Client, rev providers.Revision) {
			refused := move(s, current, token(9), string(rev.ID))
			if refused == nil {
				t.Errorf("it is taken")
			}
			if got, err := s.Read(ctx, name); err != nil || got.ID != rev.ID {
				t.Errorf("then the head is %q (%v)", got.ID, err)
			}
		}),
		rule("a move from a version without the label fails", func(t testing.TB, s *store, _ *secretsmanager.Client, rev providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, put(s, token(2), "y", "yours"))
			refusal(t, move(s, current, token(1), token(2)), "InvalidParameterException")
			if got, err := s.Read(ctx, name); err != nil || got.ID != rev.ID {
				t.Errorf("then the head is %q (%v)", got.ID, err)
			}
		}),
		rule("a move needs RemoveFromVersionId", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			refusal(t, move(s, current, token(1), ""), "InvalidParameterException")
		}),
		rule("AWSPREVIOUS follows", func(t testing.TB, s *store, _ *secretsmanager.Client, rev providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, move(s, current, token(1), string(rev.ID)))
			if st, err := s.look(ctx, name); err != nil || st.cur != token(1) || st.prev != string(rev.ID) {
				t.Errorf("AWSCURRENT is on %s, AWSPREVIOUS on %s (%v)", st.cur, st.prev, err)
			}
		}),
		rule("AWSCURRENT cannot be removed", func(t testing.TB, s *store, _ *secretsmanager.Client, rev providers.Revision) {
			refusal(t, move(s, current, "", string(rev.ID)), "InvalidParameterException")
		}),
		rule("a read without VersionStage is of AWSCURRENT", func(t testing.TB, s *store, api *secretsmanager.Client, rev providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, move(s, current, token(1), string(rev.ID)))
			out, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
			must(t, err)
			if aws.ToString(out.VersionId) != token(1) {
				t.Errorf("it reads %s", aws.ToString(out.VersionId))
			}
		}),
		rule("a label is taken from a version by a put", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, put(s, token(2), "y", "mine", "yours"))
			st, err := s.look(ctx, name)
			must(t, err)
			if slices.Contains(st.versions[token(1)].stages, "mine") || !slices.Contains(st.versions[token(2)].stages, "mine") {
				t.Errorf("the labels are %v", st.versions)
			}
		}),
		rule("an unlabelled version is read by its id", func(t testing.TB, s *store, api *secretsmanager.Client, _ providers.Revision) {
			must(t, put(s, token(1), "x", "mine"))
			must(t, move(s, "mine", "", token(1)))
			_, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name), VersionId: aws.String(token(1))})
			must(t, err)
		}),
		rule("a value is put to a secret pending deletion", func(t testing.TB, s *store, api *secretsmanager.Client, _ providers.Revision) {
			outside{api}.lose(t, name)
			refusal(t, put(s, token(1), "x", "mine"), "InvalidRequestException")
		}),
		rule("a value has 65536 bytes", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			if put(s, token(1), strings.Repeat("x", maxValue+1), "mine") == nil {
				t.Errorf("one byte more is taken")
			}
		}),
		rule("a secret has 20 labels", func(t testing.TB, s *store, _ *secretsmanager.Client, _ providers.Revision) {
			var err error
			for i := 0; i < 25 && err == nil; i++ {
				err = put(s, token(i), "x", fmt.Sprint("mine-", i))
			}
			refusal(t, err, "LimitExceededException")
		}),
		rule("the first version is AWSCURRENT", func(t testing.TB, s *store, api *secretsmanager.Client, _ providers.Revision) {
			const empty = "made-by-terraform"
			_, err := api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(empty), ClientRequestToken: aws.String(token(1))})
			must(t, err)
			if _, err := s.Read(ctx, empty); !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("a secret without a value: %v", err)
			}
			rev, err := s.Write(ctx, empty, providers.NewSecret([]byte("first")), "", providers.Note{Lineage: "l", Generation: 1})
			must(t, err)
			if got, err := s.Read(ctx, empty); err != nil || got.ID != rev.ID || got.Note.Generation != 1 {
				t.Errorf("reads %+v (%v)", got, err)
			}
		}),
	}
}

// A recorder notes the failures of a case instead of failing the test.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, s)
}

func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

func (r *recorder) Helper()                   {}
func (r *recorder) Error(a ...any)            { r.note(fmt.Sprint(a...)) }
func (r *recorder) Errorf(f string, a ...any) { r.note(fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(a ...any)            { r.Error(a...); runtime.Goexit() }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); runtime.Goexit() }
func (r *recorder) Skipf(f string, a ...any)  { runtime.Goexit() }

// killer is a connection that dies at one call, before or after it is made, and
// stays dead: the process was killed.
type killer struct {
	inner aws.HTTPClient
	at    int // 0 never kills
	after bool

	mu    sync.Mutex
	calls int
	died  bool
}

var errKilled = errors.New("killed")

func (k *killer) Do(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	k.calls++
	n := k.calls
	k.died = k.died || k.at > 0 && n >= k.at
	k.mu.Unlock()
	switch {
	case k.at == 0 || n < k.at:
		return k.inner.Do(r)
	case n == k.at && k.after:
		if res, err := k.inner.Do(r); err == nil {
			_ = res.Body.Close()
		}
	}
	return nil, errKilled
}

// killedLives lives one short life after another, all at once: created, rotated
// on request, retired. In each the process is killed at another call; a second
// one finishes the work.
func killedLives(t *testing.T, client aws.HTTPClient, open func(aws.HTTPClient) *store) {
	total := oneShortLife(t, client, open, "life-0", 0, false)
	if t.Failed() {
		return
	}
	t.Logf("one short life has %d calls: %d points of failure", total, 2*total)
	t.Run("points", func(t *testing.T) {
		for n := 1; n <= total; n++ {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("call %d, after %v", n, after), func(t *testing.T) {
					t.Parallel()
					oneShortLife(t, client, open, fmt.Sprintf("life-%d-%v", n, after), n, after)
				})
			}
		}
	})
}

func oneShortLife(t *testing.T, client aws.HTTPClient, open func(aws.HTTPClient) *store, secretName string, at int, after bool) (calls int) {
	l := life.New(t, life.World{})
	k := &killer{inner: client, at: at, after: after}
	process := func() {
		l.Engine = life.NewEngine(func(engine.Event) {})
		l.Target = engine.Target{
			Name: "auth-jwt", Environment: "production", StoreName: "aws", Store: open(k), Secret: secretName,
			Policy: rotation.Policy{Schedule: rotation.Every(time.Hour), Grace: time.Second}, Generate: l.Generate,
		}
	}
	process()
	for deadline := time.Now().Add(time.Minute); ; {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
		ask := engine.Ask{Rotate: true, ID: "the one request", By: "test"}
		res, err := l.Engine.Pass(context.Background(), l.Target, engine.Ask{})
		if err == nil && res.Step.Do == rotation.Wait && res.Set != nil && res.Set.Generation < 3 {
			res, err = l.Engine.Pass(context.Background(), l.Target, ask)
		}
		switch {
		case k.died: // another process takes over
			*k = killer{inner: client}
			process()
			continue
		case err != nil:
			t.Fatal(err)
		case res.Step.Do == rotation.Halt:
			t.Fatal(res.Step.Why)
		}
		if res.Set != nil && len(res.Set.Gone) == 1 {
			break
		}
		time.Sleep(max(10*time.Millisecond, min(time.Until(res.Step.At), time.Second)))
	}
	calls = k.calls
	*k = killer{inner: client}
	rev, err := l.Target.Store.Read(t.Context(), secretName)
	must(t, err)
	set, err := keyset.Parse(rev.Value.Reveal())
	must(t, err)
	if len(set.Keys) != 1 || len(set.Gone) != 1 || len(set.Requests) != 1 {
		t.Errorf("ends at generation %d with %d keys, %d gone, %d requests", set.Generation, len(set.Keys), len(set.Gone), len(set.Requests))
	}
	st, err := l.Target.Store.(*store).look(t.Context(), secretName)
	must(t, err)
	if len(st.versions) != 1 {
		t.Errorf("labels are left on %d versions", len(st.versions))
	}
	return calls
}

var _ providers.Store = (*store)(nil)
