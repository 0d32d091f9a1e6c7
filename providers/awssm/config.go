package awssm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/keyrotate/rotate/providers"
)

const timeout = 30 * time.Second // of one call

// Config is the store's part of the config file. Credentials are those of the
// surroundings: environment, profile, web identity, container or instance role.
type Config struct {
	Region   string            `yaml:"region" doc:"AWS region, such as eu-west-1; left out, that of the environment or profile."`
	Endpoint string            `yaml:"endpoint" masked:"true" doc:"Another address of the service, such as a VPC endpoint."`
	Profile  string            `yaml:"profile" doc:"Profile of the shared AWS config files."`
	Role     string            `yaml:"role" doc:"ARN of a role to assume with the credentials of the surroundings."`
	KMSKey   string            `yaml:"kms_key" doc:"ARN, id or alias of the KMS key of secrets that rotate creates; left out, aws/secretsmanager."`
	Tags     map[string]string `yaml:"tags" doc:"Tags of secrets that rotate creates."`
	Replicas []string          `yaml:"replicas" doc:"Regions to which secrets that rotate creates are replicated."`

	// Transport carries the calls if it is set. It is no option of the config: programs and tests without a network
	// set it.
	Transport http.RoundTripper
}

// Validate refuses an endpoint on which keys could be overheard.
func (c *Config) Validate() error {
	if c.Endpoint == "" {
		return nil
	}
	_, err := providers.Address("endpoint", c.Endpoint)
	return err
}

// Where tells people, and the config, which secret is meant.
func (c *Config) Where(secret string) string {
	where := "AWS Secrets Manager"
	account := c.Role // two roles of one account lead to one place
	if role, err := arn.Parse(c.Role); err == nil {
		account = "account " + role.AccountID
	}
	at := c.lookAround()
	for _, part := range []string{at.endpoint, at.region, c.Profile, account} {
		if part != "" {
			where += ", " + part
		}
	}
	return where + ", " + secret
}

// A place is where the calls of a store go: what the config says, or else what the SDK
// finds in variables and in ~/.aws. endpoint is "" for AWS's own of the region.
type place struct{ endpoint, region string }

// places are by all that a place hangs on but the files: these are read once.
var places sync.Map

// lookAround finds the place, without a call. What is wrong with the surroundings,
// Open says.
func (c *Config) lookAround() place {
	key := [...]string{c.Endpoint, c.Region, c.Profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), os.Getenv("AWS_CONFIG_FILE"), os.Getenv("AWS_SHARED_CREDENTIALS_FILE"),
		os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), os.Getenv("AWS_ENDPOINT_URL"), os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"), os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")}
	if known, ok := places.Load(key); ok {
		return known.(place)
	}
	at := place{c.Endpoint, c.Region}
	if conf, err := c.surroundings(context.Background()); err == nil {
		at = place{c.store(conf).endpoint, conf.Region}
	}
	at.endpoint = providers.Spot(at.endpoint)
	if own := "https://secretsmanager." + at.region + ".amazonaws.com"; at.endpoint == own || at.endpoint == own+".cn" {
		at.endpoint = ""
	}
	places.Store(key, at)
	return at
}

// Open finds the region and the credentials. It does not call the service.
func (c *Config) Open(ctx context.Context) (_ providers.Store, err error) {
	defer providers.Dress(&err, "open", "awssm")
	if err := c.Validate(); err != nil {
		return nil, unsafe(err, "")
	}
	conf, err := c.surroundings(ctx)
	if err != nil {
		return nil, err
	}
	s := c.store(conf)
	if s.endpoint != "" { // of a variable or of ~/.aws/config
		if _, err := providers.Address("the endpoint that AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER or ~/.aws/config names", s.endpoint); err != nil {
			return nil, unsafe(err, "")
		}
	}
	return s, nil
}

// surroundings are what the SDK finds of region and credentials.
func (c *Config) surroundings(ctx context.Context) (aws.Config, error) {
	conf, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(c.Region), config.WithSharedConfigProfile(c.Profile),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(timeout)),
		config.WithLogger(logging.Nop{})) // what matters comes as an error
	if err != nil {
		return aws.Config{}, unsafe(err, "look at AWS_PROFILE and the files in ~/.aws")
	}
	if c.Transport != nil {
		conf.HTTPClient = &http.Client{Transport: c.Transport, Timeout: timeout}
	}
	if conf.Region == "" {
		return aws.Config{}, &providers.Error{Kind: providers.ErrUnset, Err: errors.New("no region is set"), Hint: "give the store a region: {type: awssm, region: eu-west-1}"}
	}
	if c.Role != "" {
		conf.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(conf), c.Role,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "rotate" }))
	}
	return conf, nil
}

// store is the part of Open that reads no surroundings.
func (c *Config) store(conf aws.Config) *store {
	conf.ClientLogMode = 0 // requests hold values
	s := &store{conf: *c, region: conf.Region}
	s.api = secretsmanager.NewFromConfig(conf, func(o *secretsmanager.Options) {
		o.HTTPClient = whole{o.HTTPClient}
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
		s.endpoint = aws.ToString(o.BaseEndpoint)
	})
	return s
}

// whole is a client that reads a reply to its end before it returns it. The SDK closes the request's body first. With
// a fast server that has closed the connection before the reply was read.
type whole struct{ secretsmanager.HTTPClient }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	res, err := w.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // all there is was read, or is an error already
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}
