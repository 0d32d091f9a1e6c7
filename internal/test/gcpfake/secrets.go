package gcpfake

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A Secret is one secret as the service has it.
type Secret struct {
	*secretmanagerpb.Secret
	versions []*version // by number, from 1
}

func (s *Secret) clone() *Secret {
	c := &Secret{Secret: proto.CloneOf(s.Secret)}
	for _, v := range s.versions {
		c.versions = append(c.versions, &version{proto.CloneOf(v.SecretVersion), v.data})
	}
	return c
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

// ListSecrets pages through the secrets of a parent, by name, and may be behind [rpc], [stale].
func (s service) ListSecrets(_ context.Context, in *secretmanagerpb.ListSecretsRequest) (*secretmanagerpb.ListSecretsResponse, error) {
	f, err := s.enter("ListSecrets", in.GetParent())
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	size := 100
	if in.GetPageSize() > 0 {
		size = min(int(in.GetPageSize()), maxPage)
	}
	out := &secretmanagerpb.ListSecretsResponse{}
	for _, name := range slices.Sorted(maps.Keys(f.secrets)) {
		secret := f.asOf(name)
		if secret == nil || path.Dir(path.Dir(name)) != in.GetParent() || name <= in.GetPageToken() {
			continue
		}
		if len(out.Secrets) == size {
			out.NextPageToken = out.Secrets[size-1].GetName()
			break
		}
		out.Secrets = append(out.Secrets, proto.CloneOf(secret.Secret))
	}
	return out, nil
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
