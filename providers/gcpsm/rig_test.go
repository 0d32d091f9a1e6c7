package gcpsm

import (
	"strconv"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"go.uber.org/goleak"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "production-auth-jwt"

// onConn opens a store on a connection.
func onConn(t testing.TB, conn *grpc.ClientConn, c Config) *store {
	t.Helper()
	c.Project = "test-project"
	must(t, c.Validate())
	client, err := newClient(t.Context(), option.WithGRPCConn(conn))
	must(t, err)
	return c.store(client)
}

// onFake opens a store on a fake, over gRPC.
func onFake(t testing.TB, f *gcpfake.Fake, c Config) *store {
	t.Helper()
	conn, stop := f.Dial()
	t.Cleanup(stop)
	return onConn(t, conn, c)
}

// directly opens a store on a fake without a transport.
func directly(t testing.TB, f *gcpfake.Fake) *store {
	t.Helper()
	conn, stop := f.Direct(nil)
	t.Cleanup(stop)
	return onConn(t, conn, Config{})
}

// outside does to a secret what people do with the console: all by the API.
type outside struct{ s *store }

func (o outside) api() *secretmanager.Client { return o.s.api }

func (o outside) disable(t testing.TB, name string, n int64) {
	t.Helper()
	_, err := o.api().DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: o.s.version(name, n)})
	must(t, err)
}

func (o outside) enable(t testing.TB, name string, n int64) {
	t.Helper()
	_, err := o.api().EnableSecretVersion(t.Context(), &secretmanagerpb.EnableSecretVersionRequest{Name: o.s.version(name, n)})
	must(t, err)
}

func (o outside) alias(t testing.TB, name string) int64 {
	t.Helper()
	secret, err := o.api().GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: o.s.secret(name)})
	must(t, err)
	return secret.GetVersionAliases()[aliasName]
}

// point moves the alias without an etag, as gcloud does.
func (o outside) point(t testing.TB, name string, n int64) {
	t.Helper()
	aliases := map[string]int64{}
	if n > 0 {
		aliases[aliasName] = n
	}
	_, err := o.api().UpdateSecret(t.Context(), &secretmanagerpb.UpdateSecretRequest{
		Secret: &secretmanagerpb.Secret{Name: o.s.secret(name), VersionAliases: aliases}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}},
	})
	must(t, err)
}

// put adds a version without a checksum, as many do.
func (o outside) put(t testing.TB, name, value string) int64 {
	t.Helper()
	v, err := o.api().AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: o.s.secret(name), Payload: &secretmanagerpb.SecretPayload{Data: []byte(value)}})
	must(t, err)
	return number(v)
}

// harness runs the suite on what open opens.
func harness(open func(t testing.TB) *store) providertest.Harness {
	out := func(s providers.Store) outside { return outside{s.(*store)} }
	return providertest.Harness{
		New:    func(t testing.TB) providers.Store { return open(t) },
		Reopen: func(_ testing.TB, s providers.Store) providers.Store { again := *s.(*store); return &again },
		Lose: func(t testing.TB, s providers.Store, name string) {
			out(s).disable(t, name, out(s).alias(t, name))
		},
		Tamper: func(t testing.TB, s providers.Store, name string, value []byte) {
			out(s).point(t, name, out(s).put(t, name, string(value)))
		},
		Restore: func(t testing.TB, s providers.Store, name string, old providers.Revision) {
			n, err := strconv.ParseInt(string(old.ID), 10, 64)
			must(t, err)
			out(s).enable(t, name, n)
			out(s).point(t, name, n)
		},
		Wait:     func(testing.TB, time.Duration) {}, // the fake is not stale; see TestLifeOnStaleReads
		BadNames: []string{"schlüssel", "auth jwt", "auth/jwt", "auth.jwt", "projects/p/secrets/x", "a*"},
	}
}

// people are allowed more than rotate is.
func people() *gcpfake.Fake {
	f := gcpfake.New()
	f.Allow("secretmanager.versions.enable", "secretmanager.versions.disable", "secretmanager.secrets.delete", "secretmanager.secrets.list")
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func durationOf(d time.Duration) *durationpb.Duration { return durationpb.New(d) }
