// Package gcpfake is Google Secret Manager in this process, for tests: a gRPC
// server of the real service definition for the real SDK, which keeps the
// vendor's rules, see rules.go, and secrets.go and versions.go for the calls.
// Dial reaches it through a bufconn, Direct without a transport. Both run in a
// testing/synctest bubble.
//
// A script makes calls fail, before or after they are applied, holds them back,
// or applies them when their caller has long given up. All calls are counted.
package gcpfake

import (
	"context"
	"errors"
	"maps"
	"net"
	"path"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/keyrotate/rotate/internal/test/fakes"
)

// errLost is what a client sees when the connection breaks under a call.
var errLost = status.Error(codes.Unavailable, "gcpfake: connection reset")

// A Fake is the service for one project. Safe for concurrent use.
type Fake struct {
	fakes.Script // of what goes wrong, and of the calls so far: their Kind is the RPC

	mu      sync.Mutex
	clock   func() time.Time
	stale   time.Duration
	etags   int
	secrets map[string]*Secret
	past    fakes.Past[*Secret]
	allowed map[string]bool

	bindings []binding // of Run; nil while allowed counts
	policies map[string]*iampb.Policy
	window   time.Time // of the counts
	limits   map[string]int
	counts   map[string]int
}

// New returns an empty Fake on the clock of this process, or of its bubble.
func New() *Fake {
	f := &Fake{clock: time.Now, secrets: map[string]*Secret{}, allowed: map[string]bool{}}
	f.Allow(least...)
	return f
}

// Dial starts a server and connects to it. stop ends both.
func (f *Fake) Dial() (conn *grpc.ClientConn, stop func()) {
	lis := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.UnaryInterceptor(f.intercept))
	secretmanagerpb.RegisterSecretManagerServiceServer(server, service{fake: f})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(lis) // ends with Stop
	}()
	conn = client(grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	return conn, func() {
		_ = conn.Close()
		server.Stop()
		<-done
	}
}

// Direct makes each call without a transport. around, if it is not nil, makes
// the call, in the caller's own goroutine. stop ends the client.
func (f *Fake) Direct(around func(reply proto.Message, call func() error) error) (conn *grpc.ClientConn, stop func()) {
	if around == nil {
		around = func(_ proto.Message, call func() error) error { return call() }
	}
	conn = client(grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
		return around(reply.(proto.Message), func() error { return f.direct(ctx, method, req, reply) })
	}))
	return conn, func() { _ = conn.Close() }
}

// direct makes a call, and leaves it when its context ends.
func (f *Fake) direct(ctx context.Context, method string, req, reply any) error {
	if ctx.Done() == nil {
		return f.dispatch(ctx, method, req, reply.(proto.Message))
	}
	done, out := make(chan error, 1), proto.Clone(reply.(proto.Message))
	go func() { done <- f.dispatch(ctx, method, req, out) }()
	select {
	case err := <-done:
		proto.Merge(reply.(proto.Message), out)
		return err
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// dispatch hands a request to the service as the server would.
func (f *Fake) dispatch(ctx context.Context, method string, req any, reply proto.Message) error {
	for _, m := range secretmanagerpb.SecretManagerService_ServiceDesc.Methods {
		if m.MethodName != path.Base(method) {
			continue
		}
		out, err := m.Handler(service{fake: f}, ctx, func(in any) error {
			proto.Merge(in.(proto.Message), req.(proto.Message))
			return nil
		}, f.intercept)
		if err == nil {
			proto.Merge(reply, out.(proto.Message))
		}
		return err
	}
	return status.Error(codes.Unimplemented, method)
}

func client(opt grpc.DialOption) *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///gcpfake", opt, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry())
	if err != nil {
		panic(err) // the target above is one
	}
	return conn
}

// Stale makes every read but that of a version's data by its number answer as of
// so long ago.
func (f *Fake) Stale(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stale = d
}

// Limit keeps the quotas of a project; without it there are none.
func (f *Fake) Limit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits = quotas
}

// Allow gives permissions beyond those that rotate needs, Deny takes any away.
func (f *Fake) Allow(permissions ...string) { f.permit(true, permissions) }

// Deny takes permissions away.
func (f *Fake) Deny(permissions ...string) { f.permit(false, permissions) }

func (f *Fake) permit(yes bool, permissions []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range permissions {
		f.allowed[p] = yes
	}
}

// Edit changes a secret from outside, by its short name, or makes one.
func (f *Fake) Edit(name string, edit func(*Secret)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	full := Project + "/secrets/" + name
	if f.secrets[full] == nil {
		f.secrets[full] = &Secret{Secret: &secretmanagerpb.Secret{Name: full, CreateTime: f.stamp()}}
	}
	edit(f.secrets[full])
	f.secrets[full].Etag = f.etag()
	f.remember(full)
}

// Held are the data of all versions that are not destroyed, by number: what is
// enabled, and what could be enabled again.
func (f *Fake) Held(name string) map[int64]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[int64]string{}
	if s := f.secrets[Project+"/secrets/"+name]; s != nil {
		for i, v := range s.versions {
			if f.expire(v); v.State != secretmanagerpb.SecretVersion_DESTROYED {
				all[int64(i+1)] = string(v.data)
			}
		}
	}
	return all
}

// Versions are all versions of a secret with their states, by number.
func (f *Fake) Versions(name string) map[int64]secretmanagerpb.SecretVersion_State {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[int64]secretmanagerpb.SecretVersion_State{}
	if s := f.secrets[Project+"/secrets/"+name]; s != nil {
		for i, v := range s.versions {
			f.expire(v)
			all[int64(i+1)] = v.State
		}
	}
	return all
}

// Aliases are a secret's aliases.
func (f *Fake) Aliases(name string) map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.secrets[Project+"/secrets/"+name]; s != nil {
		return maps.Clone(s.VersionAliases)
	}
	return nil
}

// Etags is how many etags were given: it tells two states apart that look the
// same.
func (f *Fake) Etags() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.etags
}

// remember keeps a secret as it is now, for stale reads.
func (f *Fake) remember(name string) {
	var is *Secret
	if f.secrets[name] != nil {
		is = f.secrets[name].clone()
	}
	f.past.Keep(f.clock(), name, is)
}

// asOf is a secret as a stale read sees it.
func (f *Fake) asOf(name string) *Secret {
	if f.stale == 0 {
		return f.secrets[name]
	}
	return f.past.AsOf(f.clock().Add(-f.stale), name)
}

// intercept counts a call, makes what goes wrong with it, and has it applied.
func (f *Fake) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, apply grpc.UnaryHandler) (any, error) {
	fault := f.Enter(path.Base(info.FullMethod), resource(req))
	out, err := fakes.Make(ctx, fault, func() (any, error) { return apply(ctx, req) })
	switch {
	case errors.Is(err, fakes.ErrLost):
		return nil, errLost
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, status.FromContextError(err).Err()
	}
	return out, err
}

// resource is what a request is about.
func resource(req any) string {
	switch r := req.(type) {
	case *secretmanagerpb.CreateSecretRequest:
		return r.GetParent() + "/secrets/" + r.GetSecretId()
	case *secretmanagerpb.UpdateSecretRequest:
		return r.GetSecret().GetName()
	case interface{ GetName() string }:
		return r.GetName()
	case interface{ GetParent() string }:
		return r.GetParent()
	case interface{ GetResource() string }:
		return r.GetResource()
	}
	return ""
}

// split parts a version's name into its secret's and its own.
func split(name string) (secret, version string) {
	secret, version, _ = strings.Cut(name, "/versions/")
	return secret, version
}
