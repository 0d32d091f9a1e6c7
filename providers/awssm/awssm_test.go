package awssm

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers"
)

func note(g uint64) providers.Note {
	return providers.Note{Lineage: "lineage", Generation: g, Digest: fmt.Sprint("sha-256:", g)}
}

func write(t testing.TB, s *store, v string, after providers.RevisionID, g uint64) providers.Revision {
	t.Helper()
	rev, err := s.Write(context.Background(), name, providers.NewSecret([]byte(v)), after, note(g))
	must(t, err)
	return rev
}

func fails(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("the error is %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(say.Error(err).String(), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
}

// What AWS says, what kind that is on a read and on a write, and what a person
// is told.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status      int
		code        string
		read, write error
		says        string
	}{
		{400, "AccessDeniedException", providers.ErrDenied, providers.ErrDenied, "whole policy"},
		{400, "DecryptionFailure", providers.ErrUnreadable, providers.ErrUnreadable, "aws kms enable-key"},
		{400, "EncryptionFailure", providers.ErrUnavailable, providers.ErrUnavailable, "aws kms enable-key"},
		{400, "ThrottlingException", providers.ErrThrottled, providers.ErrThrottled, ""},
		{400, "LimitExceededException", providers.ErrThrottled, providers.ErrThrottled, "quota"},
		{400, "ExpiredTokenException", providers.ErrDenied, providers.ErrDenied, "aws sts get-caller-identity"},
		{400, "InvalidRequestException", providers.ErrUnreadable, providers.ErrUnreadable, "restore-secret"},
		{400, "SomethingNewException", providers.ErrUnavailable, providers.ErrUnavailable, "SomethingNew"},
		{403, "SomethingOfAProxy", providers.ErrDenied, providers.ErrDenied, ""},
		{429, "SomethingOfAProxy", providers.ErrThrottled, providers.ErrThrottled, ""},
		{500, "InternalServiceError", providers.ErrUnavailable, providers.ErrUnclear, ""},
		{503, "ServiceUnavailable", providers.ErrUnavailable, providers.ErrUnclear, ""},
	} {
		synctest.Test(t, func(t *testing.T) { // the SDK repeats some reads, after a while
			f := awsfake.New()
			s := onFake(f, Config{})
			first := write(t, s, "first", "", 1)
			on := func(action string) {
				f.On(func(call fakes.Call) *fakes.Fault {
					if call.Kind != action {
						return nil
					}
					return &fakes.Fault{Before: &awsfake.Error{Status: c.status, Code: c.code, Message: "told so", RetryAfter: 7}}
				})
			}
			on("GetSecretValue")
			_, err := s.Read(t.Context(), name)
			fails(t, err, c.read, c.says)
			for _, action := range []string{"PutSecretValue", "UpdateSecretVersionStage"} {
				on(action)
				before := len(f.Calls())
				_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("second")), first.ID, note(2))
				fails(t, err, c.write, c.says)
				var e *providers.Error
				if errors.As(err, &e); errors.Is(err, providers.ErrThrottled) && e.After != 7*time.Second {
					t.Errorf("%s: After is %v", c.code, e.After)
				}
				n := 0
				for _, call := range f.Calls()[before:] {
					if call.Kind == action && (action == "PutSecretValue" || n == 0) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%s: %s was made %d times", c.code, action, n)
				}
			}
			f.On(nil)
			if got, err := s.Read(t.Context(), name); err != nil || got.ID != first.ID {
				t.Errorf("the head is %v (%v)", got.ID, err)
			}
		})
	}
}

func TestNotOursToChange(t *testing.T) {
	for _, c := range []struct {
		what string
		edit func(*awsfake.Secret)
		kind error
		says string
		read bool
	}{
		{"rotated by AWS", func(s *awsfake.Secret) { s.RotationEnabled = true }, providers.ErrUnsafe, "cancel-rotate-secret", true},
		{"of another service", func(s *awsfake.Secret) { s.OwningService = "rds" }, providers.ErrUnsafe, "rds", true},
		{"pending deletion", func(s *awsfake.Secret) { s.Deleted = time.Now() }, providers.ErrUnreadable, "restore-secret", true},
		{"replica behind", func(s *awsfake.Secret) { s.Replicas["us-east-1"] = "InProgress" }, providers.ErrUnavailable, "us-east-1 is InProgress", false},
		{"replica failed", func(s *awsfake.Secret) { s.Replicas["us-east-1"] = "Failed" }, providers.ErrUnavailable, "us-east-1 is Failed", false},
		{"a replica", func(s *awsfake.Secret) { s.PrimaryRegion = "us-east-1" }, providers.ErrUnavailable, "us-east-1", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := awsfake.New()
			s := onFake(f, Config{})
			first := write(t, s, "first", "", 1)
			f.Edit(name, c.edit)
			before := f.Stages(name)
			_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("second")), first.ID, note(2))
			fails(t, err, c.kind, c.says)
			if after := f.Stages(name); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("labels were %v and are %v", before, after)
			}
			if _, err := s.Read(t.Context(), name); c.read {
				fails(t, err, c.kind, c.says)
			} else {
				must(t, err)
			}
		})
	}
}

// A value that was put is at all replicas before AWSCURRENT moves.
func TestIncident29ReplicasAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := awsfake.New()
		s := onFake(f, Config{Replicas: []string{"us-east-1"}})
		first := write(t, s, "first", "", 1)
		f.On(func(c fakes.Call) *fakes.Fault {
			switch {
			case c.Kind == "PutSecretValue":
				f.Edit(name, func(s *awsfake.Secret) { s.Replicas["us-east-1"] = "InProgress" })
				time.AfterFunc(3*time.Second, func() { f.Edit(name, func(s *awsfake.Secret) { s.Replicas["us-east-1"] = "InSync" }) })
			case c.Kind == "UpdateSecretVersionStage":
				f.Edit(name, func(s *awsfake.Secret) {
					if s.Replicas["us-east-1"] != "InSync" {
						t.Error("a label was moved while a replica was behind")
					}
				})
			}
			return nil
		})
		second := write(t, s, "second", first.ID, 2)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != second.ID {
			t.Errorf("%v (%v)", got.ID, err)
		}
	})
}

// A rollback by a person shows, whoever reads, and what was rolled back from is
// not erased as if it were old.
func TestRollback(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	first := write(t, s, "first", "", 1)
	second := write(t, s, "second", first.ID, 2)
	outside{s.api}.restore(t, name, first.ID)
	got, err := s.Read(t.Context(), name)
	if err != nil || got.ID != first.ID || got.Note != note(1) || got.Witness != note(2) {
		t.Errorf("%+v (%v)", got, err)
	}
	_, err = s.Erase(t.Context(), name, second.ID, first.ID)
	fails(t, err, providers.ErrConflict)
	third := write(t, s, "third", first.ID, 3)
	revs, err := s.History(t.Context(), name)
	must(t, err)
	if got := revs[len(revs)-1].ID; len(revs) != 3 || got != third.ID {
		t.Errorf("the history after it: %v", revs)
	}
}

// Labels do not run out: neither by writes without a sweep, nor by writers that
// are killed between their two calls.
func TestLabelsDoNotRunOut(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	head := write(t, s, "0", "", 1)
	for i := range 40 {
		head = write(t, s, fmt.Sprint(i), head.ID, uint64(i+2))
	}
	revs, err := s.History(t.Context(), name)
	if err != nil || len(revs) != keep+1 {
		t.Errorf("%d revisions are listed, want %d (%v)", len(revs), keep+1, err)
	}
	for i := range 40 {
		f.Advance(2 * abandoned)
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "UpdateSecretVersionStage" {
				return &fakes.Fault{Before: fakes.ErrLost}
			}
			return nil
		})
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("killed")), head.ID, note(90))
		if i < 5 {
			fails(t, err, providers.ErrUnclear)
		}
		f.On(nil)
	}
	head = write(t, s, "last", head.ID, 91)
	revs, err = s.History(t.Context(), name)
	must(t, err)
	for _, rev := range revs[:len(revs)-1] {
		_, err := s.Erase(t.Context(), name, rev.ID, head.ID)
		must(t, err)
	}
	if got := f.Stages(name); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// Promise 4, as far as AWS goes: what was erased is read by its id and by
// nothing else, and ListSecretVersionIds shows it only with IncludeDeprecated.
func TestErasureLeavesWhatIsDeclared(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	first := write(t, s, "first", "", 1)
	second := write(t, s, "second", first.ID, 2)
	_, err := s.Erase(t.Context(), name, first.ID, second.ID)
	must(t, err)
	for _, stage := range []string{current, previous} {
		out, err := s.api.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(name), VersionStage: &stage})
		if err == nil && aws.ToString(out.SecretString) == "first" {
			t.Errorf("it is read as %s", stage)
		}
	}
	out, err := s.api.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(name), VersionId: aws.String(string(first.ID))})
	if err != nil || aws.ToString(out.SecretString) != "first" {
		t.Errorf("by its id: %v; Traits.Remains says that it can be read", err)
	}
	for _, deprecated := range []bool{false, true} {
		var ids []string
		p := secretsmanager.NewListSecretVersionIdsPaginator(s.api, &secretsmanager.ListSecretVersionIdsInput{
			SecretId: aws.String(name), IncludeDeprecated: &deprecated, MaxResults: aws.Int32(1),
		})
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			must(t, err)
			for _, v := range page.Versions {
				ids = append(ids, aws.ToString(v.VersionId))
			}
		}
		if got := slices.Contains(ids, string(first.ID)); got != deprecated {
			t.Errorf("listed with IncludeDeprecated=%v: %v", deprecated, ids)
		}
	}
}

func TestCreationSetsWhatTheConfigSays(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{KMSKey: "alias/rotate", Tags: map[string]string{"team": "auth"}})
	first := write(t, s, "first", "", 1)
	f.Edit(name, func(secret *awsfake.Secret) {
		if secret.KMSKey != "alias/rotate" || secret.Tags["team"] != "auth" {
			t.Errorf("%+v", secret)
		}
	})
	// Killed before the first version had its label: the note is in the description.
	must(t, s.unlabel(t.Context(), name, string(first.ID), f.Stages(name)[string(first.ID)][1]))
	got, err := s.Read(t.Context(), name)
	if err != nil || got.Note != note(1) || got.Witness != note(1) {
		t.Errorf("%+v (%v)", got, err)
	}
	second := write(t, s, "second", first.ID, 2)
	revs, err := s.History(t.Context(), name)
	if err != nil || len(revs) != 2 || revs[0].ID != first.ID {
		t.Errorf("%v (%v)", revs, err)
	}
	_, err = s.Erase(t.Context(), name, first.ID, second.ID)
	must(t, err)
}

func TestProbe(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	must(t, s.Probe(t.Context()))
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind == "PutSecretValue" || c.Kind == "UpdateSecretVersionStage" {
			return &fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized"}}
		}
		return nil
	})
	fails(t, s.Probe(t.Context()), providers.ErrDenied, "missing secretsmanager:PutSecretValue, secretsmanager:UpdateSecretVersionStage")
}

func TestProbeNamesWhatIsTooMuch(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	write(t, s, "first", "", 1)
	denied := &fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized"}}
	for _, c := range []struct {
		allowed string
		want    []string
	}{
		{"", nil},
		{"DeleteSecret", []string{"secretsmanager:DeleteSecret"}},
		{"DeleteSecret PutResourcePolicy", []string{"secretsmanager:DeleteSecret", "secretsmanager:PutResourcePolicy"}},
	} {
		f.On(func(call fakes.Call) *fakes.Fault {
			if call.Name == name {
				t.Errorf("the probe calls %s on the secret itself", call.Kind)
			}
			if strings.Contains(c.allowed, call.Kind) {
				return nil
			}
			return denied
		})
		if got, err := s.ProbeSecret(t.Context(), name); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("with %q it says %q (%v)", c.allowed, got, err)
		}
	}
	f.On(func(fakes.Call) *fakes.Fault {
		return &fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}}
	})
	_, err := s.ProbeSecret(t.Context(), name)
	fails(t, err, providers.ErrThrottled)
}

// Cancelled inside a call: soon, with the cause.
func TestCancelledInsideACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := awsfake.New()
		s := onFake(f, Config{})
		first := write(t, s, "first", "", 1)
		gaveUp := errors.New("the operator gave up")
		for action, kind := range map[string]error{"GetSecretValue": providers.ErrUnavailable, "PutSecretValue": providers.ErrUnclear} {
			ctx, cancel := context.WithCancelCause(t.Context())
			frozen := make(chan struct{})
			f.On(func(c fakes.Call) *fakes.Fault {
				if c.Kind != action {
					return nil
				}
				return &fakes.Fault{Paused: frozen, PauseBefore: make(chan struct{})}
			})
			go func() { <-frozen; cancel(gaveUp) }()
			var err error
			if action == "GetSecretValue" {
				_, err = s.Read(ctx, name)
			} else {
				_, err = s.Write(ctx, name, providers.NewSecret([]byte("x")), first.ID, note(2))
			}
			fails(t, err, kind)
			fails(t, err, gaveUp)
		}
	})
}

// Over a real socket, with the SDK's own client.
func TestOverASocket(t *testing.T) {
	f := awsfake.New()
	server := httptest.NewServer(f)
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	opened, err := (&Config{Region: "eu-west-1", Endpoint: server.URL}).Open(t.Context())
	must(t, err)
	first := write(t, opened.(*store), "first", "", 1)
	if got, err := opened.Read(t.Context(), name); err != nil || got.ID != first.ID || got.Service.IsZero() {
		t.Errorf("%+v (%v)", got, err)
	}
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind == "UpdateSecretVersionStage" {
			return &fakes.Fault{After: fakes.ErrLost}
		}
		return nil
	})
	_, err = opened.Write(t.Context(), name, providers.NewSecret([]byte("second")), first.ID, note(2))
	fails(t, err, providers.ErrUnclear)
	if got, err := opened.Read(t.Context(), name); err != nil || string(got.Value.Reveal()) != "second" {
		t.Errorf("it was applied: %v", err)
	}
}

func TestConfigIsRefused(t *testing.T) {
	for _, v := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	for _, c := range []Config{
		{Region: "r", Endpoint: "http://example.com"}, {Region: "r", Endpoint: "example.com"}, {Region: "r", Endpoint: "https://user:pw@example.com"},
		{Region: "r", Endpoint: "https://example.com/?token=s"},
		{Region: "r", Profile: "there-is-none"},
	} {
		_, err := c.Open(t.Context())
		fails(t, err, providers.ErrUnsafe)
	}
}

// A region that is missing exposes and loses no key.
func TestNoRegion(t *testing.T) {
	for _, v := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	_, err := (&Config{}).Open(t.Context())
	fails(t, err, providers.ErrUnset, "no region is set", "region: eu-west-1")
}

// The date of a secret that waits for its deletion may be to come.
func TestDeletionHasADate(t *testing.T) {
	f := awsfake.New()
	s := onFake(f, Config{})
	write(t, s, "first", "", 1)
	at := time.Now().Add(7 * 24 * time.Hour).UTC()
	f.Edit(name, func(s *awsfake.Secret) { s.Deleted = at })
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrUnreadable, "it waits for its deletion, with the date "+at.Format(time.RFC3339))
	if strings.Contains(err.Error(), "since") {
		t.Error(err)
	}
}

func FuzzLabel(f *testing.F) {
	f.Add(uint64(7), int64(1795443962), "lineage", uint64(3), "sha-256:x", uint64(4), "sha-256:y")
	f.Add(uint64(1), int64(0), "", uint64(0), "", uint64(0), "")
	f.Add(uint64(1), int64(1), "a/b%", uint64(0), "é\x00", uint64(0), "")
	f.Fuzz(func(t *testing.T, seq uint64, at int64, lineage string, gen uint64, digest string, wgen uint64, wdigest string) {
		const most = 1<<63 - 1
		l := label{seq: seq%most + 1, nonce: "0123456789ab", note: providers.Note{Lineage: lineage, Generation: gen % most, Digest: digest}}
		if at > 0 {
			l.at = time.Unix(at, 0).UTC()
		}
		l.witness = providers.Note{Lineage: lineage, Generation: wgen % most, Digest: wdigest}.Newest(l.note)
		if got := parseLabel(current, l.String()); got.seq != min(l.seq, most) && got != l {
			t.Errorf("%q is %+v, want %+v", l, got, l)
		}
		_ = parseLabel(prefix + digest)
	})
}
