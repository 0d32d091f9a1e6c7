package gcpfake

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The documents that the rules below are from, all under
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
	"ListSecretVersions":   {"secretmanager.versions.list", "read"},
	"GetSecretVersion":     {"secretmanager.versions.get", "read"},
	"AccessSecretVersion":  {"secretmanager.versions.access", "access"},
	"EnableSecretVersion":  {"secretmanager.versions.enable", "write"},
	"DisableSecretVersion": {"secretmanager.versions.disable", "write"},
	"DestroySecretVersion": {"secretmanager.versions.destroy", "write"},
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

// A Secret is one secret as the service has it.
type Secret struct {
	*secretmanagerpb.Secret
	versions []*version // by number, from 1
}

type version struct {
	*secretmanagerpb.SecretVersion
	data []byte
}

func (s *Secret) clone() *Secret {
	c := &Secret{Secret: proto.CloneOf(s.Secret)}
	for _, v := range s.versions {
		c.versions = append(c.versions, &version{proto.CloneOf(v.SecretVersion), v.data})
	}
	return c
}

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
	if !f.allowed[r.permission] {
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

// expire destroys a version whose time has come [delay].
func (f *Fake) expire(v *version) {
	if at := v.ScheduledDestroyTime; at != nil && !f.clock().Before(at.AsTime()) {
		v.State, v.DestroyTime, v.ScheduledDestroyTime, v.data = secretmanagerpb.SecretVersion_DESTROYED, at, nil, nil
	}
}

// find is a secret for a call that changes it.
func (f *Fake) find(name string) (*Secret, error) {
	if s := f.secrets[name]; s != nil {
		return s, nil
	}
	return nil, notFound(name)
}

// etag is a new one; the quotes are part of it [etags].
func (f *Fake) etag() string {
	f.etags++
	return fmt.Sprintf("\"%013x\"", f.etags)
}

func (f *Fake) stamp() *timestamppb.Timestamp { return timestamppb.New(f.clock()) }

// CreateSecret makes a secret without versions [rpc].
func (s service) CreateSecret(_ context.Context, in *secretmanagerpb.CreateSecretRequest) (*secretmanagerpb.Secret, error) {
	name := in.GetParent() + "/secrets/" + in.GetSecretId()
	f, err := s.enter("CreateSecret", in.GetParent())
	defer f.mu.Unlock()
	secret := proto.CloneOf(in.GetSecret())
	regional := in.GetParent() != Project
	switch {
	case err != nil:
		return nil, err
	case !validID.MatchString(in.GetSecretId()):
		return nil, invalid("secret_id")
	case regional == (secret.GetReplication() != nil): // a global secret needs a policy, a regional one has none [rpc]
		return nil, invalid("replication")
	case secret.GetReplication().GetUserManaged() != nil && len(secret.GetReplication().GetUserManaged().GetReplicas()) == 0: // [rpc]
		return nil, invalid("replication.user_managed.replicas")
	case len(secret.GetVersionAliases()) > 0: // there are no versions yet: believed
		return nil, invalid("version_aliases")
	case f.secrets[name] != nil:
		return nil, refusal(codes.AlreadyExists, fmt.Sprintf("Secret [%s] already exists.", name))
	}
	made := &Secret{Secret: secret}
	if err := made.check(); err != nil {
		return nil, err
	}
	secret.Name, secret.Etag, secret.CreateTime = name, f.etag(), f.stamp()
	f.secrets[name] = made
	f.remember(name)
	return proto.CloneOf(secret), nil
}

// check holds a secret against the rules of its maps [rpc].
func (s *Secret) check() error {
	size := 0
	for k, v := range s.Annotations {
		if size += len(k) + len(v); !validNote.MatchString(k) || len(k) > 128 {
			return invalid("annotations")
		}
	}
	for k, v := range s.Labels {
		if !validLabel.MatchString(k) || !validText.MatchString(v) || len(k) > 128 || len(v) > 128 {
			return invalid("labels")
		}
	}
	for alias, n := range s.VersionAliases {
		if !validAlias.MatchString(alias) || slices.Contains(forbidden, alias) {
			return invalid("version_aliases")
		}
		if n < 1 || n > int64(len(s.versions)) { // believed
			return invalid(fmt.Sprintf("version_aliases: there is no version %d", n))
		}
	}
	if size >= maxAnnotation || len(s.Labels) > maxLabels || len(s.VersionAliases) > maxAliases {
		return invalid("too much metadata")
	}
	return nil
}

// GetSecret may be behind [stale].
func (s service) GetSecret(_ context.Context, in *secretmanagerpb.GetSecretRequest) (*secretmanagerpb.Secret, error) {
	f, err := s.enter("GetSecret", in.GetName())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	secret := f.asOf(in.GetName())
	if secret == nil {
		return nil, notFound(in.GetName())
	}
	return proto.CloneOf(secret.Secret), nil
}

// UpdateSecret replaces the fields of the mask. A given etag has to be the
// stored one; without one nothing is compared. The new etag is another one even
// if nothing changed [etags].
func (s service) UpdateSecret(_ context.Context, in *secretmanagerpb.UpdateSecretRequest) (*secretmanagerpb.Secret, error) {
	name := in.GetSecret().GetName()
	f, err := s.enter("UpdateSecret", name)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	stored, err := f.find(name)
	switch {
	case err != nil:
		return nil, err
	case in.GetSecret().GetEtag() != "" && in.GetSecret().GetEtag() != stored.Etag:
		return nil, refusal(codes.FailedPrecondition, fmt.Sprintf("The etag provided in the request [%s] does not match the etag of the resource.", in.GetSecret().GetEtag()))
	case len(in.GetUpdateMask().GetPaths()) == 0: // required [rpc]
		return nil, invalid("update_mask")
	}
	changed := stored.clone()
	for _, field := range in.GetUpdateMask().GetPaths() {
		if !slices.Contains(mutable, field) {
			return nil, invalid("update_mask: " + field)
		}
		fd := changed.ProtoReflect().Descriptor().Fields().ByTextName(field)
		changed.ProtoReflect().Clear(fd)
		if from := proto.CloneOf(in.GetSecret()).ProtoReflect(); from.Has(fd) {
			changed.ProtoReflect().Set(fd, from.Get(fd))
		}
	}
	if err := changed.check(); err != nil {
		return nil, err
	}
	changed.Etag = f.etag()
	f.secrets[name] = changed
	f.remember(name)
	return proto.CloneOf(changed.Secret), nil
}

// DeleteSecret deletes at once and for good [rpc].
func (s service) DeleteSecret(_ context.Context, in *secretmanagerpb.DeleteSecretRequest) (*emptypb.Empty, error) {
	f, err := s.enter("DeleteSecret", in.GetName())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	secret, err := f.find(in.GetName())
	switch {
	case err != nil:
		return nil, err
	case in.GetEtag() != "" && in.GetEtag() != secret.Etag:
		return nil, refusal(codes.FailedPrecondition, "etag")
	}
	delete(f.secrets, in.GetName())
	f.remember(in.GetName())
	return &emptypb.Empty{}, nil
}

// AddSecretVersion checks the sum that came with the data, or makes one [crc].
// It leaves the secret's own etag alone [etags].
func (s service) AddSecretVersion(_ context.Context, in *secretmanagerpb.AddSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	f, err := s.enter("AddSecretVersion", in.GetParent())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	secret, err := f.find(in.GetParent())
	data, sum := in.GetPayload().GetData(), in.GetPayload().DataCrc32C
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0 || len(data) > maxValue:
		return nil, invalid("payload.data")
	case sum != nil && *sum != Checksum(data):
		return nil, invalid("payload.data_crc32c")
	}
	v := &version{data: slices.Clone(data), SecretVersion: &secretmanagerpb.SecretVersion{
		Name: fmt.Sprintf("%s/versions/%d", in.GetParent(), len(secret.versions)+1), CreateTime: f.stamp(), Etag: f.etag(),
		State: secretmanagerpb.SecretVersion_ENABLED, ClientSpecifiedPayloadChecksum: sum != nil,
	}}
	secret.versions = append(secret.versions, v)
	f.remember(in.GetParent())
	return proto.CloneOf(v.SecretVersion), nil
}

// Checksum is CRC32C.
func Checksum(b []byte) int64 { return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }

// at finds a version by number, by alias, or as the most recently created one
// whatever its state [rpc].
func (s *Secret) at(which string) *version {
	n, err := strconv.ParseInt(which, 10, 64)
	switch {
	case which == "latest":
		n = int64(len(s.versions))
	case err != nil:
		n = s.VersionAliases[which]
	}
	if n < 1 || n > int64(len(s.versions)) {
		return nil
	}
	return s.versions[n-1]
}

// AccessSecretVersion is of what is enabled [access]; by number it is not
// behind [stale].
func (s service) AccessSecretVersion(_ context.Context, in *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	f, err := s.enter("AccessSecretVersion", in.GetName())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	name, which := split(in.GetName())
	secret := f.secrets[name]
	if _, notNumber := strconv.Atoi(which); notNumber != nil {
		secret = f.asOf(name)
	}
	if secret == nil || secret.at(which) == nil {
		return nil, notFound(in.GetName())
	}
	v := secret.at(which)
	if now := f.secrets[name]; now != nil {
		v = now.at(numberOf(v)) // where it points may be old, not what is there
	}
	if v.State != secretmanagerpb.SecretVersion_ENABLED {
		return nil, refusal(codes.FailedPrecondition, fmt.Sprintf("Secret Version [%s] is in %s state.", v.Name, v.State))
	}
	sum := Checksum(v.data)
	return &secretmanagerpb.AccessSecretVersionResponse{Name: v.Name, Payload: &secretmanagerpb.SecretPayload{Data: slices.Clone(v.data), DataCrc32C: &sum}}, nil
}

func numberOf(v *version) string {
	_, n := split(v.Name)
	return n
}

// GetSecretVersion may be behind [stale].
func (s service) GetSecretVersion(_ context.Context, in *secretmanagerpb.GetSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	f, err := s.enter("GetSecretVersion", in.GetName())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	name, which := split(in.GetName())
	secret := f.asOf(name)
	if secret == nil || secret.at(which) == nil {
		return nil, notFound(in.GetName())
	}
	return proto.CloneOf(secret.at(which).SecretVersion), nil
}

// ListSecretVersions pages, the newest first [rpc].
func (s service) ListSecretVersions(_ context.Context, in *secretmanagerpb.ListSecretVersionsRequest) (*secretmanagerpb.ListSecretVersionsResponse, error) {
	f, err := s.enter("ListSecretVersions", in.GetParent())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	secret := f.asOf(in.GetParent())
	if secret == nil {
		return nil, notFound(in.GetParent())
	}
	size, from := 100, 0
	if in.GetPageSize() > 0 {
		size = min(int(in.GetPageSize()), maxPage)
	}
	if token := in.GetPageToken(); token != "" {
		if from, err = strconv.Atoi(token); err != nil {
			return nil, invalid("page_token")
		}
	}
	out := &secretmanagerpb.ListSecretVersionsResponse{TotalSize: int32(len(secret.versions))} //nolint:gosec // few
	all := slices.Clone(secret.versions)
	slices.Reverse(all)
	from = min(from, len(all))
	for _, v := range all[from:min(from+size, len(all))] {
		out.Versions = append(out.Versions, proto.CloneOf(v.SecretVersion))
	}
	if from+size < len(all) {
		out.NextPageToken = strconv.Itoa(from + size)
	}
	return out, nil
}

// change changes the state of a version, if its etag is the given one [etags].
// What is destroyed stays so [rpc].
func (s service) change(rpc, full, etag string, change func(*Fake, *Secret, *version)) (*secretmanagerpb.SecretVersion, error) {
	f, err := s.enter(rpc, full)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	name, which := split(full)
	secret, err := f.find(name)
	if err != nil {
		return nil, err
	}
	v := secret.at(which)
	switch {
	case v == nil:
		return nil, notFound(full)
	case etag != "" && etag != v.Etag:
		return nil, refusal(codes.FailedPrecondition, "The etag provided in the request does not match the etag of the resource.")
	case v.State == secretmanagerpb.SecretVersion_DESTROYED:
		return nil, refusal(codes.FailedPrecondition, fmt.Sprintf("Secret Version [%s] is in DESTROYED state.", full))
	}
	change(f, secret, v)
	v.Etag = f.etag()
	f.remember(name)
	return proto.CloneOf(v.SecretVersion), nil
}

// EnableSecretVersion also takes a version back from its scheduled destruction
// [delay].
func (s service) EnableSecretVersion(_ context.Context, in *secretmanagerpb.EnableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change("EnableSecretVersion", in.GetName(), in.GetEtag(), func(_ *Fake, _ *Secret, v *version) {
		v.State, v.ScheduledDestroyTime = secretmanagerpb.SecretVersion_ENABLED, nil
	})
}

// DisableSecretVersion makes a version unreadable, and can be undone [rpc].
func (s service) DisableSecretVersion(_ context.Context, in *secretmanagerpb.DisableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change("DisableSecretVersion", in.GetName(), in.GetEtag(), func(_ *Fake, _ *Secret, v *version) {
		v.State, v.ScheduledDestroyTime = secretmanagerpb.SecretVersion_DISABLED, nil
	})
}

// DestroySecretVersion destroys the data at once [rpc]; where the secret has a
// version_destroy_ttl it disables it and destroys it that much later [delay].
// Aliases stay on what was destroyed: believed.
func (s service) DestroySecretVersion(_ context.Context, in *secretmanagerpb.DestroySecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change("DestroySecretVersion", in.GetName(), in.GetEtag(), func(f *Fake, secret *Secret, v *version) {
		if ttl := secret.GetVersionDestroyTtl().AsDuration(); ttl > 0 {
			v.State, v.ScheduledDestroyTime = secretmanagerpb.SecretVersion_DISABLED, timestamppb.New(f.clock().Add(ttl))
			return
		}
		v.State, v.DestroyTime, v.data = secretmanagerpb.SecretVersion_DESTROYED, f.stamp(), nil
	})
}

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
		if f.allowed[p] {
			out.Permissions = append(out.Permissions, p)
		}
	}
	return out, nil
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
