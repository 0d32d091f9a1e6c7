package gcpsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
)

func noteOf(g uint64) providers.Note {
	return providers.Note{Lineage: "lineage", Generation: g, Digest: fmt.Sprint("sha-256:", g)}
}

func write(t testing.TB, s *store, v string, after providers.RevisionID, g uint64) providers.Revision {
	t.Helper()
	rev, err := s.Write(context.Background(), name, providers.NewSecret([]byte(v)), after, noteOf(g))
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

func refused(t testing.TB, code codes.Code, detail protoadapt.MessageV1) error {
	t.Helper()
	st := status.New(code, "told so")
	if detail != nil {
		var err error
		st, err = st.WithDetails(detail)
		must(t, err)
	}
	return st.Err()
}

// What Google says, what kind that is on a read and in each call of a write,
// and what a person is told. No call is repeated.
func TestErrors(t *testing.T) {
	kms := &errdetails.ErrorInfo{Reason: "IAM_PERMISSION_DENIED", Metadata: map[string]string{"permission": "cloudkms.cryptoKeyVersions.useToEncrypt"}}
	for _, c := range []struct {
		code        codes.Code
		detail      protoadapt.MessageV1
		read, write error
		says        string
	}{
		{codes.PermissionDenied, nil, providers.ErrDenied, providers.ErrDenied, "secretmanager."},
		{codes.PermissionDenied, kms, providers.ErrDenied, providers.ErrDenied, "cloudkms.cryptoKeyVersions.useToEncrypt"},
		{codes.Unauthenticated, nil, providers.ErrDenied, providers.ErrDenied, "gcloud auth application-default login"},
		{codes.ResourceExhausted, &errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)}, providers.ErrThrottled, providers.ErrThrottled, "quota"},
		{codes.FailedPrecondition, nil, providers.ErrUnreadable, providers.ErrUnavailable, "KMS"},
		{codes.Aborted, nil, providers.ErrUnavailable, providers.ErrUnavailable, ""},
		{codes.InvalidArgument, nil, providers.ErrUnsafe, providers.ErrUnsafe, "kms_keys"},
		{codes.Unavailable, nil, providers.ErrUnavailable, providers.ErrUnclear, ""},
		{codes.DeadlineExceeded, nil, providers.ErrUnavailable, providers.ErrUnclear, ""},
		{codes.Internal, nil, providers.ErrUnavailable, providers.ErrUnclear, ""},
		{codes.Unknown, nil, providers.ErrUnavailable, providers.ErrUnclear, ""},
	} {
		f := gcpfake.New()
		s := directly(t, f)
		first := write(t, s, "first", "", 1)
		on := func(rpc string) {
			f.On(func(call fakes.Call) *fakes.Fault {
				if call.Kind != rpc {
					return nil
				}
				return &fakes.Fault{Before: refused(t, c.code, c.detail)}
			})
		}
		on("AccessSecretVersion")
		before := len(f.Calls())
		_, err := s.Read(t.Context(), name)
		fails(t, err, c.read, c.says)
		if n := len(f.Calls()) - before; n != 2 && c.read != providers.ErrUnreadable { // that is looked at twice
			t.Errorf("%v: a read made %d calls", c.code, n)
		}
		for _, rpc := range []string{"UpdateSecret", "AddSecretVersion"} {
			want := c.write
			if rpc == "AddSecretVersion" && c.code == codes.Aborted { // it has no etag, and nothing says that it was not made
				want = providers.ErrUnclear
			}
			on(rpc)
			before := len(f.Calls())
			_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("second")), first.ID, noteOf(2))
			fails(t, err, want, c.says)
			var e *providers.Error
			if errors.As(err, &e); errors.Is(err, providers.ErrThrottled) && e.After != 7*time.Second {
				t.Errorf("%v: After is %v", c.code, e.After)
			}
			n := 0
			for _, call := range f.Calls()[before:] {
				if call.Kind == rpc {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%v: %s was made %d times", c.code, rpc, n)
			}
		}
		f.On(nil)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != first.ID {
			t.Errorf("the head is %v (%v)", got.ID, err)
		}
	}
}

// Each missing permission is told by its name where it is missed.
func TestDeniedSaysWhatIsMissing(t *testing.T) {
	for rpc, permission := range permissions {
		f := gcpfake.New()
		s := directly(t, f)
		first := write(t, s, "first", "", 1)
		second := write(t, s, "second", first.ID, 2)
		f.Deny(permission)
		_, err := s.Read(t.Context(), name)
		if err == nil {
			_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("x")), second.ID, noteOf(3))
		}
		if err == nil {
			_, err = s.Erase(t.Context(), name, first.ID, second.ID+"")
			if errors.Is(err, providers.ErrConflict) {
				_, err = s.Erase(t.Context(), name, first.ID, "3")
			}
		}
		if rpc == "CreateSecret" {
			_, err = s.Write(t.Context(), "another", providers.NewSecret([]byte("x")), "", noteOf(1))
		}
		fails(t, err, providers.ErrDenied, "hint: allow rotate's service account "+permission)
	}
}

func TestNotOursToChange(t *testing.T) {
	for _, c := range []struct {
		what string
		edit func(*gcpfake.Secret)
		kind error
		says string
	}{
		{"expiring", func(s *gcpfake.Secret) {
			s.Expiration = &secretmanagerpb.Secret_ExpireTime{ExpireTime: timestamppb.New(time.Now().AddDate(1, 0, 0))}
		}, providers.ErrUnsafe, "--remove-expiration"},
		{"with a ttl", func(s *gcpfake.Secret) {
			s.Expiration = &secretmanagerpb.Secret_Ttl{Ttl: durationpb.New(life.Day)}
		}, providers.ErrUnsafe, "--remove-expiration"},
		{"rotated by Google", func(s *gcpfake.Secret) {
			s.Rotation = &secretmanagerpb.Rotation{ManagedRotationStatus: &secretmanagerpb.Rotation_ManagedRotationStatus{State: secretmanagerpb.Rotation_ManagedRotationStatus_ACTIVE}}
		}, providers.ErrUnsafe, "managed rotation"},
		{"with an edited record", func(s *gcpfake.Secret) { s.Annotations[annotation] = "{}" }, providers.ErrUnsafe, "annotation"},
		{"of a newer rotate", func(s *gcpfake.Secret) { s.Annotations[annotation] = `{"nonce":"x","version":2}` }, providers.ErrUnsafe, "newest rotate"},
		{"without its alias", func(s *gcpfake.Secret) { s.VersionAliases = nil }, providers.ErrUnreadable, "--update-version-aliases=rotate="},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := gcpfake.New()
			s := directly(t, f)
			first := write(t, s, "first", "", 1)
			f.Edit(name, c.edit)
			_, err := s.Read(t.Context(), name)
			fails(t, err, c.kind, c.says)
			for _, after := range []providers.RevisionID{"", first.ID} {
				_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("second")), after, noteOf(2))
				fails(t, err, c.kind, c.says)
			}
			if held := f.Held(name); len(held) != 1 || held[1] != "first" {
				t.Errorf("%v", held)
			}
		})
	}
}

// A secret of someone else is read as its newest version, for `rotate adopt`,
// and written only after that. Its own aliases, annotations and labels stay.
func TestForeignSecretIsAdopted(t *testing.T) {
	f := people()
	s := directly(t, f)
	f.Edit(name, func(s *gcpfake.Secret) {
		s.Annotations, s.Labels = map[string]string{"team": "auth"}, map[string]string{"stage": "production"}
	})
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrNotFound)
	out := outside{s}
	out.put(t, name, "old")
	out.put(t, name, "theirs")
	got, err := s.Read(t.Context(), name)
	if err != nil || got.ID != "2" || string(got.Value.Reveal()) != "theirs" || got.Note != (providers.Note{}) {
		t.Errorf("%+v (%v)", got, err)
	}
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("ours")), "", noteOf(1))
	fails(t, err, providers.ErrConflict)

	// Killed between the calls: the alias holds what is adopted, whatever they add.
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind == "AddSecretVersion" {
			return &fakes.Fault{Before: fakes.ErrLost}
		}
		return nil
	})
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("ours")), "2", noteOf(1))
	fails(t, err, providers.ErrUnclear)
	f.On(nil)
	out.put(t, name, "later")
	if got, err := s.Read(t.Context(), name); err != nil || got.ID != "2" {
		t.Errorf("%+v (%v)", got, err)
	}
	write(t, s, "ours", "2", 1)
	f.Edit(name, func(s *gcpfake.Secret) {
		if s.Annotations["team"] != "auth" || s.Labels["stage"] != "production" || s.VersionAliases[aliasName] != 4 {
			t.Errorf("%v", s)
		}
		s.VersionAliases["theirs"] = 2
	})
	write(t, s, "more", "4", 2)
	if got := f.Aliases(name); got["theirs"] != 2 || got[aliasName] != 5 {
		t.Errorf("the aliases are %v", got)
	}
}

// A rollback by a person shows, whoever reads, and what was rolled back from is
// not erased as if it were litter.
func TestRollback(t *testing.T) {
	f := people()
	s := directly(t, f)
	first := write(t, s, "first", "", 1)
	second := write(t, s, "second", first.ID, 2)
	outside{s}.point(t, name, 1)
	got, err := s.Read(t.Context(), name)
	if err != nil || got.ID != first.ID || got.Note != noteOf(1) || got.Witness != noteOf(2) {
		t.Errorf("%+v (%v)", got, err)
	}
	if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 1 {
		t.Errorf("%v (%v)", revs, err)
	}
	_, err = s.Erase(t.Context(), name, second.ID, first.ID)
	fails(t, err, providers.ErrConflict)
	write(t, s, "third", first.ID, 3)
}

// A writer that lost its race takes its version back, and `latest` is then the
// head once more, not what was destroyed.
func TestLoserLeavesLatestReadable(t *testing.T) {
	f := gcpfake.New()
	s := directly(t, f)
	first := write(t, s, "first", "", 1)
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind == "AddSecretVersion" {
			f.On(nil) // once
			write(t, directly(t, f), "theirs", first.ID, 2)
		}
		return nil
	})
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("mine")), first.ID, noteOf(2))
	fails(t, err, providers.ErrConflict)
	out, err := s.api.AccessSecretVersion(t.Context(), &secretmanagerpb.AccessSecretVersionRequest{Name: s.secret(name) + "/versions/latest"})
	if err != nil || string(out.GetPayload().GetData()) != "theirs" {
		t.Errorf("latest is %q (%v)", out.GetPayload().GetData(), err)
	}
	head, err := s.Read(t.Context(), name)
	must(t, err)
	for n, value := range f.Held(name) {
		if value == "mine" || id(n) == head.ID && value != "theirs" {
			t.Errorf("version %d is %q", n, value)
		}
	}
	if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 2 {
		t.Errorf("the copy is no revision: %v (%v)", revs, err)
	}
	next := write(t, s, "next", head.ID, 3) // and goes with the next head
	revs, err := s.History(t.Context(), name)
	must(t, err)
	for _, rev := range revs[:len(revs)-1] {
		_, err := s.Erase(t.Context(), name, rev.ID, next.ID)
		must(t, err)
	}
	if held := f.Held(name); len(held) != 1 {
		t.Errorf("left: %v", held)
	}
}

// A version whose writer was killed before it moved the alias is litter: a sweep
// finds it, its writer cannot make it the head any more, and `latest` stays
// readable.
func TestLitterIsSwept(t *testing.T) {
	f := gcpfake.New()
	s, slow := directly(t, f), directly(t, f)
	first := write(t, s, "first", "", 1)
	slow.api.CallOptions = &secretmanager.CallOptions{}
	thaw, frozen, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	moves := 0
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind != "UpdateSecret" {
			return nil
		}
		if moves++; moves != 2 {
			return nil
		}
		return &fakes.Fault{Paused: frozen, PauseBefore: thaw}
	})
	go func() {
		_, err := slow.Write(context.Background(), name, providers.NewSecret([]byte("litter")), first.ID, noteOf(2))
		ended <- err
	}()
	<-frozen
	revs, err := s.History(t.Context(), name)
	if err != nil || len(revs) != 2 || revs[1].ID != first.ID {
		t.Fatalf("%v (%v)", revs, err)
	}
	e, err := s.Erase(t.Context(), name, revs[0].ID, first.ID)
	if err != nil || e.How != providers.Destroyed {
		t.Errorf("%v (%v)", e, err)
	}
	close(thaw)
	fails(t, <-ended, providers.ErrConflict)
	if held := f.Held(name); len(held) != 2 || held[1] != "first" || held[3] != "first" {
		t.Errorf("held: %v", held)
	}
	if got, err := s.Read(t.Context(), name); err != nil || got.ID != first.ID {
		t.Errorf("the head is %v (%v)", got.ID, err)
	}
}

// The sums are checked on both ways, whoever garbles.
func TestChecksums(t *testing.T) {
	f := gcpfake.New()
	s := directly(t, f)
	first := write(t, s, "first", "", 1)
	garble := func(what func(proto.Message)) *store {
		conn, stop := f.Direct(func(reply proto.Message, call func() error) error {
			err := call()
			what(reply)
			return err
		})
		t.Cleanup(stop)
		return onConn(t, conn, Config{})
	}
	for _, bad := range []func(*secretmanagerpb.SecretPayload){
		func(p *secretmanagerpb.SecretPayload) { p.Data[0] ^= 1 },
		func(p *secretmanagerpb.SecretPayload) { p.DataCrc32C = nil },
		func(p *secretmanagerpb.SecretPayload) { p.Data = nil },
	} {
		_, err := garble(func(reply proto.Message) {
			if r, ok := reply.(*secretmanagerpb.AccessSecretVersionResponse); ok {
				bad(r.Payload)
			}
		}).Read(t.Context(), name)
		fails(t, err, providers.ErrUnavailable, "CRC32C")
	}
	_, err := garble(func(reply proto.Message) {
		if r, ok := reply.(*secretmanagerpb.SecretVersion); ok {
			r.ClientSpecifiedPayloadChecksum = false
		}
	}).Write(t.Context(), name, providers.NewSecret([]byte("second")), first.ID, noteOf(2))
	fails(t, err, providers.ErrUnavailable, "CRC32C")
	in := s.addition(name, []byte("value"))
	in.Payload.Data = []byte("valve")
	if _, err := s.api.AddSecretVersion(t.Context(), in); status.Code(err) != codes.InvalidArgument {
		t.Errorf("garbled on its way in: %v", err)
	}
	if got, err := s.Read(t.Context(), name); err != nil || got.ID != first.ID {
		t.Errorf("the head is %v (%v)", got.ID, err)
	}
}

func TestCreationSetsWhatTheConfigSays(t *testing.T) {
	key := func(place string) string {
		return "projects/p/locations/" + place + "/keyRings/r/cryptoKeys/k"
	}
	for _, c := range []struct {
		conf Config
		got  func(*secretmanagerpb.Secret) string
		want string
	}{
		{Config{Labels: map[string]string{"team": "auth"}, KMSKeys: []string{key("global")}}, func(s *secretmanagerpb.Secret) string {
			return s.Labels["team"] + " " + s.GetReplication().GetAutomatic().GetCustomerManagedEncryption().GetKmsKeyName()
		}, "auth " + key("global")},
		{Config{Locations: []string{"europe-west1", "europe-west3"}, KMSKeys: []string{key("europe-west3"), key("europe-west1")}}, func(s *secretmanagerpb.Secret) (text string) {
			for _, r := range s.GetReplication().GetUserManaged().GetReplicas() {
				text += r.GetLocation() + " " + r.GetCustomerManagedEncryption().GetKmsKeyName() + " "
			}
			return text
		}, "europe-west1 " + key("europe-west1") + " europe-west3 " + key("europe-west3") + " "},
		{Config{Location: "europe-west3", KMSKeys: []string{key("europe-west3")}}, func(s *secretmanagerpb.Secret) string {
			return s.GetName() + " " + s.GetCustomerManagedEncryption().GetKmsKeyName()
		}, "projects/test-project/locations/europe-west3/secrets/" + name + " " + key("europe-west3")},
	} {
		f := gcpfake.New()
		conn, stop := f.Direct(nil)
		t.Cleanup(stop)
		s := onConn(t, conn, c.conf)
		write(t, s, "first", "", 1)
		secret, err := s.api.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: s.secret(name)})
		must(t, err)
		if got := c.got(secret); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if got, err := s.Read(t.Context(), name); err != nil || got.Note != noteOf(1) || got.Created.IsZero() {
			t.Errorf("%+v (%v)", got, err)
		}
	}
}

func TestConfigIsRefused(t *testing.T) {
	const global, west1 = "projects/p/locations/global/keyRings/r/cryptoKeys/k", "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k"
	for _, c := range []Config{
		{}, {Project: "a/b"}, {Project: "p-1", Location: "EU"}, {Project: "p-1", Endpoint: "http://example.com"}, {Project: "p-1", Endpoint: "user@example.com"},
		{Project: "p-1", Location: "europe-west1", Locations: []string{"europe-west1"}}, {Project: "p-1", Locations: []string{"a", "a"}},
		{Project: "p-1", KMSKeys: []string{west1}}, {Project: "p-1", KMSKeys: []string{"k"}}, {Project: "p-1", KMSKeys: []string{global, global}},
		{Project: "p-1", Locations: []string{"europe-west1", "europe-west3"}, KMSKeys: []string{west1}}, {Project: "p-1", Location: "europe-west3", KMSKeys: []string{west1}},
		{Project: "p-1", Stale: -1},
	} {
		_, err := c.Open(t.Context())
		fails(t, err, providers.ErrUnsafe)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/dev/null")
	_, err := (&Config{Project: "p-1"}).Open(t.Context())
	fails(t, err, providers.ErrUnsafe, "gcloud auth application-default login")
}

// With the SDK's debugging on, nothing is logged: it would log whole requests.
func TestPromise7TheSDKLogsNothing(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	r, w, err := os.Pipe()
	must(t, err)
	stderr, stdout := os.Stderr, os.Stdout
	os.Stderr, os.Stdout = w, w
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer func() { os.Stderr, os.Stdout = stderr, stdout; slog.SetDefault(before) }()

	s := directly(t, gcpfake.New())
	write(t, s, "canary", "", 1)
	_, err = s.Read(t.Context(), name)
	must(t, err)
	must(t, w.Close())
	printed, err := io.ReadAll(r)
	must(t, err)
	if len(printed) > 0 || logged.Len() > 0 {
		t.Errorf("logged: %s%s", printed, &logged)
	}
}

func TestProbe(t *testing.T) {
	f := gcpfake.New()
	s := directly(t, f)
	must(t, s.Probe(t.Context()))
	f.Deny("secretmanager.versions.add", "secretmanager.versions.destroy")
	fails(t, s.Probe(t.Context()), providers.ErrDenied, "missing secretmanager.versions.add, secretmanager.versions.destroy")
	for _, p := range permissions {
		f.Deny(p)
	}
	fails(t, s.Probe(t.Context()), providers.ErrDenied, "secretmanager.secrets.get")
	for _, c := range f.Calls() {
		if c.Kind == "CreateSecret" {
			t.Error("it creates")
		}
	}
}

func TestProbeSecret(t *testing.T) {
	f := gcpfake.New()
	s := directly(t, f)
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || excess != nil {
		t.Errorf("of nothing: %v (%v)", excess, err)
	}
	write(t, s, "first", "", 1)
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || len(excess) > 0 {
		t.Errorf("%v (%v)", excess, err)
	}
	f.Allow("secretmanager.secrets.delete", "secretmanager.secrets.setIamPolicy")
	if excess, err := s.ProbeSecret(t.Context(), name); err != nil || !slices.Equal(excess, []string{"secretmanager.secrets.delete", "secretmanager.secrets.setIamPolicy"}) {
		t.Errorf("%v (%v)", excess, err)
	}
	f.Deny("secretmanager.versions.add")
	_, err := s.ProbeSecret(t.Context(), name)
	fails(t, err, providers.ErrDenied, "missing secretmanager.versions.add")
}

// Cancelled inside a call: soon, with the cause.
func TestCancelledInsideACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := gcpfake.New()
		s := onFake(t, f, Config{})
		first := write(t, s, "first", "", 1)
		gaveUp := errors.New("the operator gave up")
		for rpc, kind := range map[string]error{"AccessSecretVersion": providers.ErrUnavailable, "UpdateSecret": providers.ErrUnclear, "AddSecretVersion": providers.ErrUnclear} {
			ctx, cancel := context.WithCancelCause(t.Context())
			frozen := make(chan struct{})
			f.On(func(c fakes.Call) *fakes.Fault {
				if c.Kind != rpc {
					return nil
				}
				return &fakes.Fault{Paused: frozen, PauseBefore: make(chan struct{})}
			})
			go func() { <-frozen; cancel(gaveUp) }()
			var err error
			if rpc == "AccessSecretVersion" {
				_, err = s.Read(ctx, name)
			} else {
				_, err = s.Write(ctx, name, providers.NewSecret([]byte("x")), first.ID, noteOf(2))
			}
			fails(t, err, kind)
			fails(t, err, gaveUp)
		}
	})
}

// The record stays small, whatever is written.
func TestRecordStaysSmall(t *testing.T) {
	f := gcpfake.New()
	s := directly(t, f)
	head := write(t, s, "0", "", 1)
	for i := range 60 {
		head = write(t, s, fmt.Sprint(i), head.ID, uint64(i+2))
	}
	secret, err := s.api.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: s.secret(name)})
	must(t, err)
	if n := len(secret.GetAnnotations()[annotation]); n > 4<<10 {
		t.Errorf("the record has %d bytes", n)
	}
	if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 61 {
		t.Errorf("%d revisions (%v)", len(revs), err)
	}
	// A secret whose annotations are full is told, and its head stays.
	f.Edit(name, func(s *gcpfake.Secret) { s.Annotations["theirs"] = strings.Repeat("x", 15<<10) })
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("x")), head.ID, noteOf(99))
	fails(t, err, providers.ErrUnsafe)
}

// A version that a person added is told, above the head and below it, and neither
// History nor Erase has it destroyed. What killed writers leave is known again.
func TestAVersionAddedByHandIsNotDestroyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := people()
		s := directly(t, f)
		first := write(t, s, "first", "", 1)
		o := outside{s}
		byHand := o.put(t, name, "somebody's")
		if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 1 {
			t.Errorf("while the secret may be behind: %v (%v)", revs, err)
		}
		time.Sleep(stale + time.Second)
		said := func(what string) {
			t.Helper()
			revs, err := s.History(t.Context(), name)
			must(t, err)
			if slices.ContainsFunc(revs, func(r providers.Revision) bool { return r.ID == id(byHand) }) {
				t.Errorf("%s: it is listed to be erased", what)
			}
			if what == "below the head" {
				return
			}
			_, err = s.Read(t.Context(), name)
			fails(t, err, providers.ErrUnsafe)
			if text := say.Error(err).String(); !strings.Contains(text, fmt.Sprintf("version %d was not added by rotate", byHand)) || !strings.Contains(text, "gcloud secrets versions destroy 2 --secret="+name) {
				t.Errorf("%s: %s", what, text)
			}
		}
		said("above the head")
		_, err := s.Erase(t.Context(), name, id(byHand), first.ID)
		fails(t, err, providers.ErrUnsafe)
		next := write(t, s, "second", first.ID, 2)
		said("below the head")
		_, err = s.Erase(t.Context(), name, id(byHand), next.ID)
		fails(t, err, providers.ErrUnsafe)
		if _, err := s.Erase(t.Context(), name, first.ID, next.ID); err != nil {
			t.Errorf("its own: %v", err)
		}
		if held := f.Held(name); held[byHand] != "somebody's" || len(held) != 2 {
			t.Errorf("held: %v", held)
		}
		o.disable(t, name, byHand)
		if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 1 {
			t.Errorf("once it is disabled: %v (%v)", revs, err)
		}
		o.enable(t, name, byHand)
		_, err = o.api().DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: s.version(name, byHand)})
		must(t, err)
		if revs, err := s.History(t.Context(), name); err != nil || len(revs) != 1 {
			t.Errorf("once it is destroyed: %v (%v)", revs, err)
		}
		// A writer that is killed between its two patches leaves no riddle.
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "AddSecretVersion" {
				return &fakes.Fault{After: fakes.ErrLost}
			}
			return nil
		})
		_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("third")), next.ID, noteOf(3))
		fails(t, err, providers.ErrUnclear)
		f.On(nil)
		time.Sleep(stale + time.Second)
		revs, err := directly(t, f).History(t.Context(), name)
		if err != nil || len(revs) != 2 {
			t.Fatalf("of a killed writer: %v (%v)", revs, err)
		}
		if e, err := s.Erase(t.Context(), name, revs[0].ID, next.ID); err != nil || e.How != providers.Destroyed {
			t.Errorf("%v (%v)", e, err)
		}
	})
}
