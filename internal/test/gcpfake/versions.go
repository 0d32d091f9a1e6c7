package gcpfake

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type version struct {
	*secretmanagerpb.SecretVersion
	data []byte
}

// expire destroys a version whose time has come [delay].
func (f *Fake) expire(v *version) {
	if at := v.ScheduledDestroyTime; at != nil && !f.clock().Before(at.AsTime()) {
		v.State, v.DestroyTime, v.ScheduledDestroyTime, v.data = secretmanagerpb.SecretVersion_DESTROYED, at, nil, nil
	}
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
