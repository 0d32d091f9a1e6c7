package gcpfake

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The documents that this package's rules are from, all under
// https://docs.cloud.google.com/secret-manager/
//
//	[rpc]      docs/reference/rpc/google.cloud.secretmanager.v1
//	[etags]    docs/etags
//	[alias]    docs/assign-alias-to-secret-version
//	[access]   docs/access-secret-version
//	[crc]      docs/data-integrity
//	[delay]    docs/delay-destruction-of-secret-versions
//	[quotas]   quotas
//	[stale]    docs/reference/consistency
//	[iam]      docs/access-control
//	[test]     docs/reference/rest/v1/projects.secrets/testIamPermissions
//
// What no document says is marked "believed".
const (
	maxValue      = 64 << 10 // bytes [quotas]
	maxAliases    = 50       // of a secret [rpc]
	maxLabels     = 64       // [rpc]
	maxAnnotation = 16 << 10 // bytes of all keys and values together [rpc]
	maxPage       = 25000    // [rpc]

	// Project is the only one that there is.
	Project = "projects/test-project"
)

// quotas are calls a minute and project [quotas].
var quotas = map[string]int{"access": 90000, "read": 600, "write": 600}

// rights is which permission each call needs, and which quota it counts against
// [iam], [quotas].
var rights = map[string]struct{ permission, quota string }{
	"CreateSecret":         {"secretmanager.secrets.create", "write"},
	"GetSecret":            {"secretmanager.secrets.get", "read"},
	"UpdateSecret":         {"secretmanager.secrets.update", "write"},
	"DeleteSecret":         {"secretmanager.secrets.delete", "write"},
	"AddSecretVersion":     {"secretmanager.versions.add", "write"},
	"ListSecrets":          {"secretmanager.secrets.list", "read"},
	"ListSecretVersions":   {"secretmanager.versions.list", "read"},
	"GetSecretVersion":     {"secretmanager.versions.get", "read"},
	"AccessSecretVersion":  {"secretmanager.versions.access", "access"},
	"EnableSecretVersion":  {"secretmanager.versions.enable", "write"},
	"DisableSecretVersion": {"secretmanager.versions.disable", "write"},
	"DestroySecretVersion": {"secretmanager.versions.destroy", "write"},
	"GetIamPolicy":         {"secretmanager.secrets.getIamPolicy", "read"},
}

var least = []string{
	"secretmanager.secrets.create", "secretmanager.secrets.get", "secretmanager.secrets.update", "secretmanager.versions.add",
	"secretmanager.versions.list", "secretmanager.versions.get", "secretmanager.versions.access", "secretmanager.versions.destroy",
	// The tests' own people have more, see Allow.
}

var (
	validID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)                               // [rpc]
	validAlias = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)                        // [rpc]
	validNote  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)      // keys of annotations [rpc]
	validLabel = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)          // [rpc]
	validText  = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)                        // of labels [rpc]
	forbidden  = []string{"latest", "Latest", "LATEST", "new", "New", "NEW"}                // as aliases [alias]
	mutable    = []string{"annotations", "version_aliases", "labels", "topics", "rotation"} // what the tests patch
)

// service implements the API.
type service struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer
	fake *Fake
}

// enter locks the fake, counts against the quota and checks the permission,
// which comes before existence: a denial does not tell whether there is
// anything [iam].
func (s service) enter(rpc, name string) (*Fake, error) {
	f := s.fake
	f.mu.Lock()
	now := f.clock()
	if now.Sub(f.window) >= time.Minute {
		f.window, f.counts = now, map[string]int{}
	}
	r := rights[rpc]
	f.counts[r.quota]++
	if limit := f.limits[r.quota]; limit > 0 && f.counts[r.quota] > limit {
		return f, refusal(codes.ResourceExhausted, "Quota exceeded for quota metric '"+r.quota+" requests'",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(f.window.Add(time.Minute).Sub(now))})
	}
	if !f.may(r.permission, name) {
		return f, refusal(codes.PermissionDenied, fmt.Sprintf("Permission '%s' denied for resource '%s' (or it may not exist).", r.permission, name),
			&errdetails.ErrorInfo{Reason: "IAM_PERMISSION_DENIED", Domain: "iam.googleapis.com", Metadata: map[string]string{"permission": r.permission, "resource": name}})
	}
	for full, secret := range f.secrets { // an expired one is deleted for good [rpc]
		if at := secret.GetExpireTime(); at != nil && !now.Before(at.AsTime()) {
			delete(f.secrets, full)
			f.remember(full)
		}
		for _, v := range secret.versions {
			f.expire(v)
		}
	}
	return f, nil
}

func (f *Fake) stamp() *timestamppb.Timestamp { return timestamppb.New(f.clock()) }

// TestIamPermissions tells which of the permissions the caller has, and none of
// a secret that does not exist [test]. It needs none itself.
func (s service) TestIamPermissions(_ context.Context, in *iampb.TestIamPermissionsRequest) (*iampb.TestIamPermissionsResponse, error) {
	f := s.fake
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &iampb.TestIamPermissionsResponse{}
	if f.secrets[in.GetResource()] == nil {
		return out, nil
	}
	for _, p := range in.GetPermissions() {
		if f.may(p, in.GetResource()) {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
}

// GetIamPolicy is a secret's own policy; one without bindings has an empty one:
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/getIamPolicy
func (s service) GetIamPolicy(_ context.Context, in *iampb.GetIamPolicyRequest) (*iampb.Policy, error) {
	f, err := s.enter("GetIamPolicy", in.GetResource())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if f.secrets[in.GetResource()] == nil {
		return nil, notFound(in.GetResource())
	}
	if p := f.policies[in.GetResource()]; p != nil {
		return p, nil
	}
	return &iampb.Policy{}, nil
}

func refusal(code codes.Code, msg string, details ...proto.Message) error {
	st := status.New(code, msg)
	for _, d := range details {
		with, err := st.WithDetails(protoadapt.MessageV1Of(d))
		if err != nil {
			panic(err) // not a message
		}
		st = with
	}
	return st.Err()
}

func notFound(name string) error {
	return refusal(codes.NotFound, fmt.Sprintf("[%s] not found.", name))
}

func invalid(what string) error { return refusal(codes.InvalidArgument, "Invalid value for "+what+".") }
