package awssm

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/middleware"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers/providertest"
)

// The contract, what AWS documents, and one life, on AWS itself, in an account
// of the reader's own: `make live-awssm REGION=eu-west-1`. Its secrets are named
// rotate-live-… and are deleted at the end, for good.
func TestLive(t *testing.T) {
	region := os.Getenv("ROTATE_AWS_LIVE")
	if region == "" {
		t.Skip("ROTATE_AWS_LIVE is not set; make live-awssm runs this")
	}
	c := &Config{Region: region, Role: os.Getenv("ROTATE_AWS_LIVE_ROLE")}
	conf, err := c.surroundings(t.Context())
	must(t, err)
	h := harness(func(t testing.TB) *store { return c.store(ownNames(t, conf)) })
	for _, k := range append(providertest.Cases(), documented(h)...) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel() // most of their time is the wait for reads that may be old
			k.Run(t, h)
		})
	}
	t.Run("a life", func(t *testing.T) { liveLife(t, c, conf) })
}

func liveLife(t *testing.T, c *Config, conf aws.Config) {
	conf = ownNames(t, conf)
	calls := oneShortLife(t, conf.HTTPClient, func(client aws.HTTPClient) *store {
		conf := conf.Copy()
		conf.HTTPClient = client
		return c.store(conf)
	}, name, 0, false)
	t.Logf("a life of %d calls", calls)
}

// What TestLive does is shown on the fake: it works, under names of its own, and
// nothing is left.
func TestLiveOnTheFake(t *testing.T) {
	f := awsfake.New()
	synctest.Test(t, func(t *testing.T) { liveLife(t, &Config{}, testConfig(f)) })
	if len(f.Calls()) == 0 {
		t.Error("no calls")
	}
	for _, c := range f.Calls() {
		if !strings.HasPrefix(c.Name, "rotate-live-") {
			t.Errorf("%s is called on %q", c.Kind, c.Name)
		}
		if left := f.Values(c.Name); len(left) > 0 {
			t.Fatalf("%s is left", c.Name)
		}
	}
}

// ownNames has all calls made on secrets of a test's own, and deletes those at
// its end.
func ownNames(t testing.TB, conf aws.Config) aws.Config {
	prefix := "rotate-live-" + strings.ToLower(rand.Text()[:10]) + "-"
	var mu sync.Mutex
	made := map[string]bool{}
	own := func(field **string) {
		if *field == nil {
			return
		}
		full := prefix + **field
		mu.Lock()
		defer mu.Unlock()
		*field, made[full] = &full, true
	}
	plain := secretsmanager.NewFromConfig(conf)
	t.Cleanup(func() {
		for full := range made {
			_, err := plain.DeleteSecret(context.Background(), &secretsmanager.DeleteSecretInput{SecretId: &full, ForceDeleteWithoutRecovery: aws.Bool(true)})
			if err != nil && !refused(err) { // of most names there is no secret
				t.Errorf("%s is left: %v", full, err)
			}
		}
	})
	conf = conf.Copy()
	conf.APIOptions = append(conf.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ownNames", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			switch p := in.Parameters.(type) {
			case *secretsmanager.CreateSecretInput:
				own(&p.Name)
			case *secretsmanager.DescribeSecretInput:
				own(&p.SecretId)
			case *secretsmanager.GetSecretValueInput:
				own(&p.SecretId)
			case *secretsmanager.PutSecretValueInput:
				own(&p.SecretId)
			case *secretsmanager.UpdateSecretVersionStageInput:
				own(&p.SecretId)
			case *secretsmanager.DeleteSecretInput:
				own(&p.SecretId)
			case *secretsmanager.RestoreSecretInput:
				own(&p.SecretId)
			default:
				t.Fatalf("a call of %T", p)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
	return conf
}
