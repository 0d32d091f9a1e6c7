package azurekv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/keyrotate/rotate/providers"
)

// Probe makes each call of a rotation on a secret that does not exist, named rotate-probe-…, and names the permissions
// that are missing. Key Vault answers an allowed call with SecretNotFound. SetSecret would make a secret, so Probe
// sends a value that is too large. The answer is then BadParameter.
func (s *store) Probe(ctx context.Context) (err error) {
	id, no, taken := s.newID(), false, false
	name, large := "rotate-probe-"+id[:12], strings.Repeat("too large ", 4000)
	defer providers.Dress(&err, "probe", name)
	calls := []struct {
		permission, policy string
		call               func(context.Context) error
	}{
		{readMetadata, "list", func(ctx context.Context) error {
			_, err := s.api.NewListSecretPropertiesVersionsPager(name, nil).NextPage(ctx)
			return err
		}},
		{getSecret, "get", func(ctx context.Context) error {
			_, err := s.api.GetSecret(ctx, name, "", nil)
			return err
		}},
		{readMetadata + " of deleted secrets", "get", func(ctx context.Context) error {
			_, err := s.api.GetDeletedSecret(ctx, name, nil)
			return err
		}},
		{setSecret, "set", func(ctx context.Context) error {
			_, err := s.api.SetSecret(ctx, name, azsecrets.SetSecretParameters{Value: &large}, nil)
			taken = err == nil
			return err
		}},
		{update, "set", func(ctx context.Context) error {
			_, err := s.api.UpdateSecretProperties(ctx, name, id, azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: &no}}, nil)
			return err
		}},
		{recovery, "recover", func(ctx context.Context) error {
			if !s.conf.Recover {
				return nil
			}
			_, err := s.api.RecoverDeletedSecret(ctx, name, nil)
			return err
		}},
	}
	var missing []string
	var why error
	for _, c := range calls {
		_, err := s.call(ctx, false, c.call)
		switch {
		case taken:
			return unsafe(fmt.Errorf("a value of %d bytes was taken", len(large)), "this is not Azure Key Vault: look at vault, and remove "+name)
		case err == nil, errors.Is(err, providers.ErrNotFound), errors.Is(err, providers.ErrTooLarge):
		case c.permission == setSecret && isCode(err, "BadParameter"): // too large; of another call it is the API's version
		case lacksRight(err):
			missing = append(missing, fmt.Sprintf("%s (access policy: %s)", c.permission, c.policy))
			why = err
		default:
			return err // the network, the login, or not a vault: the same for all calls
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &providers.Error{
		Kind: providers.ErrDenied, Err: fmt.Errorf("missing %s: %w", strings.Join(missing, ", "), why),
		Hint: "give them to rotate's identity on this vault: docs/providers/azurekv.md has the role. A new assignment takes some minutes to count",
	}
}

// lacksRight tells whether a right is missing. That the vault takes no calls from here
// at all, or none with these credentials, is the same for each right.
func lacksRight(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusForbidden && r.code != "ForbiddenByFirewall" && r.code != "ForbiddenByConnection"
}

// excessive are calls that rotate never makes. Whoever takes over its host could do harm with them: lose the secret,
// or carry it away.
var excessive = []struct {
	permission, policy string
	call               func(ctx context.Context, api *azsecrets.Client, name string) error
}{
	{dataActions + "delete", "delete", func(ctx context.Context, api *azsecrets.Client, name string) error {
		_, err := api.DeleteSecret(ctx, name, nil)
		return err
	}},
	{dataActions + "purge/action", "purge", func(ctx context.Context, api *azsecrets.Client, name string) error {
		_, err := api.PurgeDeletedSecret(ctx, name, nil)
		return err
	}},
	{dataActions + "backup/action", "backup", func(ctx context.Context, api *azsecrets.Client, name string) error {
		_, err := api.BackupSecret(ctx, name, nil)
		return err
	}},
}

// ProbeSecret names what this identity may do beyond what rotate needs. It makes those calls on a secret beside name,
// which does not exist: an assignment for the vault covers it too. It cannot find an assignment for the secret alone.
func (s *store) ProbeSecret(ctx context.Context, name string) (excess []string, err error) {
	beside := name + "-rotate-probe-" + s.newID()[:12]
	defer providers.Dress(&err, "probe", name)
	if !takesName(beside) {
		return nil, nil
	}
	for _, c := range excessive {
		_, err := s.call(ctx, false, func(ctx context.Context) error { return c.call(ctx, s.api, beside) })
		switch {
		case errors.Is(err, providers.ErrNotFound):
			excess = append(excess, fmt.Sprintf("%s (access policy: %s)", c.permission, c.policy))
		case errors.Is(err, providers.ErrDenied):
		case err == nil:
			return nil, unsafe(fmt.Errorf("%s succeeds on a secret that does not exist", c.permission), "this is not Azure Key Vault: look at vault")
		default:
			return nil, err
		}
	}
	return excess, nil
}
