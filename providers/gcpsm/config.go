package gcpsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

// Config is the store's part of the config file. Credentials are those of the
// surroundings: Application Default Credentials.
type Config struct {
	Project   string            `yaml:"project" doc:"Project id or number."`
	Location  string            `yaml:"location" doc:"Region of regional secrets, such as europe-west3; left out, secrets are global."`
	Endpoint  string            `yaml:"endpoint" masked:"true" doc:"Another address of the service, host or host:port, such as a Private Service Connect endpoint. TLS always."`
	Locations []string          `yaml:"locations" doc:"Regions to which global secrets that rotate creates are replicated; left out, Google chooses (automatic)."`
	KMSKeys   []string          `yaml:"kms_keys" doc:"KMS keys of secrets that rotate creates, projects/…/cryptoKeys/…: one in global, or one in each region."`
	Labels    map[string]string `yaml:"labels" doc:"Labels of secrets that rotate creates."`
	Stale     time.Duration     `yaml:"stale" doc:"How old Google's answers may be; 10m by default. An older one causes an alarm, and nothing worse."`

	// Conn carries the calls, if it is not nil: no option of the config, but for
	// programs and tests that have no network.
	Conn *grpc.ClientConn
}

var (
	validProject  = lazy.Regexp(`^([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{1,61}$`)
	validLocation = lazy.Regexp(`^[a-z0-9-]{1,63}$`)
	validEndpoint = lazy.Regexp(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	validKey      = lazy.Regexp(`^projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+$`)
)

// Validate refuses what could not be opened, or would make secrets elsewhere
// than the config says.
func (c *Config) Validate() error {
	switch {
	case c.Project == "":
		return errors.New("project is not set: {type: gcpsm, project: my-project}")
	case !validProject().MatchString(c.Project):
		return errors.New("project is not the id or number of a project")
	case c.Location != "" && !validLocation().MatchString(c.Location):
		return errors.New("location is not a region such as europe-west3")
	case c.Location != "" && len(c.Locations) > 0:
		return errors.New("location is for regional secrets and locations for replicas of global ones: only one can be")
	case c.Endpoint != "" && !validEndpoint().MatchString(c.Endpoint):
		return errors.New("endpoint is not a host or host:port")
	case c.Stale < 0:
		return errors.New("stale is negative")
	}
	places := c.places()
	for i, l := range c.Locations {
		if !validLocation().MatchString(l) || slices.Contains(c.Locations[:i], l) {
			return fmt.Errorf("locations: %q is not a region, or stands twice", l)
		}
	}
	if len(c.KMSKeys) > 0 && len(c.KMSKeys) != len(places) {
		return fmt.Errorf("kms_keys: %d are given, and one is needed for each of %s", len(c.KMSKeys), strings.Join(places, ", "))
	}
	for _, place := range places {
		if len(c.KMSKeys) > 0 && c.kmsKey(place) == nil {
			return fmt.Errorf("kms_keys: none is projects/…/locations/%s/keyRings/…/cryptoKeys/…", place)
		}
	}
	return nil
}

// places are where KMS keys have to be.
// https://docs.cloud.google.com/secret-manager/docs/cmek
func (c *Config) places() []string {
	switch {
	case c.Location != "":
		return []string{c.Location}
	case len(c.Locations) > 0:
		return c.Locations
	}
	return []string{"global"}
}

func (c *Config) kmsKey(place string) *secretmanagerpb.CustomerManagedEncryption {
	for _, key := range c.KMSKeys {
		if m := validKey().FindStringSubmatch(key); m != nil && m[1] == place {
			return &secretmanagerpb.CustomerManagedEncryption{KmsKeyName: key}
		}
	}
	return nil
}

// parent is the resource that secrets are in.
func (c *Config) parent() string {
	if c.Location != "" {
		return "projects/" + c.Project + "/locations/" + c.Location
	}
	return "projects/" + c.Project
}

// Where tells people, and the config, which secret is meant.
func (c *Config) Where(secret string) string {
	where := "Google Secret Manager"
	if host := strings.TrimSuffix(strings.ToLower(c.Endpoint), ":443"); host != "" && host != "secretmanager.googleapis.com" {
		where += ", " + host
	}
	return where + ", " + c.parent() + "/secrets/" + secret
}

// secret is what is asked for on creation.
func (c *Config) secret() *secretmanagerpb.Secret {
	s := &secretmanagerpb.Secret{Labels: c.Labels}
	switch {
	case c.Location != "": // a regional secret has no replication
		s.CustomerManagedEncryption = c.kmsKey(c.Location)
	case len(c.Locations) > 0:
		var replicas []*secretmanagerpb.Replication_UserManaged_Replica
		for _, l := range c.Locations {
			replicas = append(replicas, &secretmanagerpb.Replication_UserManaged_Replica{Location: l, CustomerManagedEncryption: c.kmsKey(l)})
		}
		s.Replication = &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_UserManaged_{
			UserManaged: &secretmanagerpb.Replication_UserManaged{Replicas: replicas},
		}}
	default:
		s.Replication = &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{
			Automatic: &secretmanagerpb.Replication_Automatic{CustomerManagedEncryption: c.kmsKey("global")},
		}}
	}
	return s
}

// Open finds the credentials. It does not call the service.
func (c *Config) Open(ctx context.Context) (_ providers.Store, err error) {
	defer providers.Dress(&err, "open", "gcpsm")
	if err := c.Validate(); err != nil {
		return nil, unsafe(err, "")
	}
	var opts []option.ClientOption
	switch {
	case c.Conn != nil:
		opts = append(opts, option.WithGRPCConn(c.Conn))
	case c.Endpoint != "":
		opts = append(opts, option.WithEndpoint(c.Endpoint))
	case c.Location != "": // https://docs.cloud.google.com/secret-manager/docs/create-regional-secrets
		opts = append(opts, option.WithEndpoint("secretmanager."+c.Location+".rep.googleapis.com:443"))
	}
	client, err := newClient(context.WithoutCancel(ctx), opts...)
	if err != nil {
		return nil, unsafe(err, "gcloud auth application-default login; on GKE, Compute Engine or Cloud Run give the workload a service account")
	}
	return c.store(client), nil
}

// newClient makes a client that repeats nothing by itself, and says nothing:
// with GOOGLE_SDK_GO_LOGGING_LEVEL=debug the SDK would log whole requests, keys
// included.
func newClient(ctx context.Context, opts ...option.ClientOption) (*secretmanager.Client, error) {
	client, err := secretmanager.NewClient(ctx, append([]option.ClientOption{
		option.WithLogger(slog.New(slog.DiscardHandler)),
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithDisableRetry()),
		option.WithUserAgent("rotate"),
	}, opts...)...)
	if err != nil {
		return nil, err
	}
	within := []gax.CallOption{gax.WithTimeout(timeout)}
	client.CallOptions = &secretmanager.CallOptions{
		CreateSecret: within, GetSecret: within, UpdateSecret: within, AddSecretVersion: within, AccessSecretVersion: within,
		GetSecretVersion: within, ListSecretVersions: within, DestroySecretVersion: within, ListSecrets: within, TestIamPermissions: within, GetIamPolicy: within,
	}
	return client, nil
}

// store is the part of Open that reads no surroundings.
func (c *Config) store(client *secretmanager.Client) *store { return &store{conf: *c, api: client} }
