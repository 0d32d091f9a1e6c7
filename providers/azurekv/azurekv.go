// Package azurekv keeps each secret in Azure Key Vault.
//
// The service has no conditional write: SetSecret adds a version and cannot be refused. So rotate finds out afterwards
// who won, from the tags that it puts on every version (see line.go). A version names its parent. Of several versions
// with one parent the oldest counts. Of two in the same second the smaller id counts. Creation times are whole
// seconds. So a write has succeeded if its version is still in the line of heads after its second is over for
// everybody.
//
// Applications do not read tags. They read the newest version, even if it lost. Every Read looks for such a version
// and then puts the head's value once more, tagged as a copy. Until then applications read a loser's document.
package azurekv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

const (
	maxValue = 25_000           // "25 KB", https://learn.microsoft.com/azure/key-vault/secrets/about-secrets; the smaller of the two kilobytes
	stale    = 10 * time.Second // no bound is documented; see docs/providers/azurekv.md
	timeout  = 30 * time.Second // of one call
	ownTags  = 5                // of the 15 that a version may have
	allTags  = 15
	longTag  = 256 // about-secrets says 512 for names and values; half of it is enough
)

// Config is the store's part of the config file. Credentials are those of the
// surroundings, in the order of DefaultAzureCredential: environment, workload
// identity, managed identity, az.
type Config struct {
	Vault      string            `yaml:"vault" masked:"true" doc:"Name of the key vault, or its address, such as https://NAME.vault.azure.net."`
	Cloud      string            `yaml:"cloud" masked:"true" doc:"public, china, government, or the https address at which another cloud logs in; public by default."`
	APIVersion string            `yaml:"api_version" doc:"Version of the REST API, for a cloud that does not have the SDK's own yet."`
	Tags       map[string]string `yaml:"tags" doc:"Further tags of each version, at most 10. They are no secret."`
	Recover    bool              `yaml:"recover" doc:"Recover a secret that someone deleted, instead of waiting for a person to do it."`

	// Transport carries the calls and the logins, if it is not nil: no option of the config, but
	// for programs and tests that have no network.
	Transport http.RoundTripper
}

// A sovereign is one of the clouds that have a name.
type sovereign struct {
	suffix string // of the address of a vault
	conf   cloud.Configuration
}

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
var clouds = map[string]sovereign{
	"":           {".vault.azure.net", cloud.AzurePublic},
	"public":     {".vault.azure.net", cloud.AzurePublic},
	"china":      {".vault.azure.cn", cloud.AzureChina},
	"government": {".vault.usgovcloudapi.net", cloud.AzureGovernment},
}

var (
	vaultName  = lazy.Regexp(`^[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$`)
	apiVersion = lazy.Regexp(`^(7\.[0-9]|20[0-9]{2}-[0-9]{2}-[0-9]{2})(-preview(\.[0-9]+)?)?$`)
)

// Validate refuses addresses on which keys could be overheard, and tags that the
// service would refuse.
func (c *Config) Validate() error {
	_, named := clouds[c.Cloud]
	switch {
	case c.Vault == "":
		return errors.New("vault is missing: the name of the key vault, or its address")
	case !named && !origin(c.Cloud):
		return errors.New("cloud is none of public, china, government, nor an address such as https://login.example.com")
	case strings.Contains(c.Vault, "/") && !origin(c.Vault):
		return errors.New("vault is not an address such as https://NAME.vault.azure.net")
	case !strings.Contains(c.Vault, "/") && !vaultName().MatchString(c.Vault):
		return errors.New("vault is neither a name (3 to 24 letters, digits and -) nor an address that begins with https://")
	case !named && !strings.Contains(c.Vault, "/"):
		return errors.New("vault has to be an address where cloud is one")
	case c.APIVersion != "" && !apiVersion().MatchString(c.APIVersion):
		return errors.New("api_version is not one such as 7.4 or 2025-07-01")
	case len(c.Tags) > allTags-ownTags:
		return fmt.Errorf("tags has %d tags; a version has room for %d beside rotate's own", len(c.Tags), allTags-ownTags)
	}
	for name, value := range c.Tags {
		if name == "" || len(name) > longTag || len(value) > longTag || strings.HasPrefix(name, tagPrefix) {
			return fmt.Errorf("tags: %.40q is empty, longer than %d, or begins with %s", name, longTag, tagPrefix)
		}
	}
	return nil
}

// origin tells whether s is https, a host, and nothing else.
func origin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}

// address is the vault's.
func (c *Config) address() string {
	if strings.Contains(c.Vault, "/") {
		return strings.TrimRight(c.Vault, "/")
	}
	return "https://" + strings.ToLower(c.Vault) + clouds[c.Cloud].suffix
}

// Where tells people, and the config, which secret is meant. Identifiers of secrets
// do not tell capitals from small letters:
// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
func (c *Config) Where(secret string) string {
	return "Azure Key Vault, " + providers.Spot(c.address()) + "/secrets/" + strings.ToLower(secret)
}

// Open prepares the credentials. It does not call the service.
func (c *Config) Open(context.Context) (_ providers.Store, err error) {
	defer providers.Dress(&err, "open", "azurekv")
	if err := c.Validate(); err != nil {
		return nil, unsafe(err, "")
	}
	where := clouds[c.Cloud].conf
	_, named := clouds[c.Cloud]
	if !named {
		where = cloud.Configuration{ActiveDirectoryAuthorityHost: c.Cloud, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{}}
	}
	wire, logins := &http.Client{Transport: c.Transport}, azcore.ClientOptions{Cloud: where}
	if c.Transport != nil {
		logins.Transport = wire
	}
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions:            logins,
		DisableInstanceDiscovery: !named, // else the SDK asks the public cloud about an authority that it does not know
	})
	if err != nil {
		return nil, unsafe(err, "look at the AZURE_… variables of rotate's surroundings")
	}
	return c.store(cred, where, wire)
}

// store is the part of Open that reads no surroundings.
func (c *Config) store(cred azcore.TokenCredential, where cloud.Configuration, wire policy.Transporter) (*store, error) {
	api, err := azsecrets.NewClient(c.address(), cred, &azsecrets.ClientOptions{ClientOptions: azcore.ClientOptions{
		APIVersion: c.APIVersion, Cloud: where, Transport: wire,
		Retry:     policy.RetryOptions{MaxRetries: -1}, // a write is not repeated unseen, and when to read again is the scheduler's
		Telemetry: policy.TelemetryOptions{ApplicationID: "rotate"},
	}})
	if err != nil {
		return nil, unsafe(err, "")
	}
	return &store{conf: *c, api: api, timeout: timeout, sleep: sleep, newID: newID}, nil
}

// store implements providers.Store. Its handles share nothing but the service.
type store struct {
	conf    Config
	api     *azsecrets.Client
	timeout time.Duration
	sleep   func(context.Context, time.Duration) error
	newID   func() string
}

func newID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// WritesAMinute implements providers.Paced: a tenth of the quota.
// 300 creations of secrets, certificates and keys in 10 s and vault, of which
// a Write makes one: https://learn.microsoft.com/azure/key-vault/general/service-limits
func (c *Config) WritesAMinute() int { return 180 }

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "azurekv", MaxValue: maxValue, Stale: stale, Clock: true, Witness: true,
		Erases:        providers.Disabled,
		WritesAMinute: s.conf.WritesAMinute(),
		TakesName:     takesName, NameRule: nameRule,
		Remains: "Disabled versions: reading one is refused, but whoever may update secrets can enable it again, and a backup of the secret holds it. " +
			"Azure has no call that deletes one version.",
		Notes: []string{
			"There is no conditional write, so one rotator a key is advised: after a race, applications can read the document that lost until the next Read of any rotator puts the right one on top.",
			"That one writer at most succeeds rests on listings that are no older than a second once a version's own second is over.",
			"A version from outside counts from the second in which it was made: it becomes the head, without a note.",
			"While a deletion or a recovery is under way, for some seconds, a secret looks as if it never was; a write is refused then.",
			"A secret that was purged, or deleted longer ago than the vault's retention (7 to 90 days), looks as if it never was.",
			"Versions cannot be removed: each 25 cost one more call a read, and the service's backup takes at most 500.",
		},
	}
}

// call makes one call, and returns the service's clock, from the Date header.
func (s *store) call(ctx context.Context, write bool, do func(context.Context) error) (served time.Time, err error) {
	var res *http.Response
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := do(policy.WithCaptureResponse(within, &res)); err != nil {
		return time.Time{}, failed(ctx, err, write)
	}
	if res != nil {
		served, _ = http.ParseTime(res.Header.Get("Date"))
	}
	return served, nil
}
