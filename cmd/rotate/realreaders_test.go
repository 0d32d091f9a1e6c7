package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/awssm"
	"github.com/keyrotate/rotate/providers/vaultkv"
)

// oneAtATime makes one call after the other: moto moves a label in two steps
// which its other threads can see.
type oneAtATime struct {
	http.RoundTripper
	mu sync.Mutex
}

func (o *oneAtATime) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.RoundTripper.RoundTrip(r)
}

// A realServer is one that others wrote, with readers of the value app/jwt in it.
type realServer struct {
	env, script string
	kind        string // of the store, and
	options     string // in the config, with the address
	single      bool   // takes one call at a time
	open        func(via http.RoundTripper) providers.Config
	readers     func(t *testing.T, address string, via http.RoundTripper) valuePlace
}

var realServers = map[string]realServer{
	"moto": {
		"ROTATE_MOTO", "e2e/aws.sh", "awssm", "region: eu-west-1, endpoint: '%s'", true,
		func(via http.RoundTripper) providers.Config { return &awssm.Config{Transport: via} }, readAWS,
	},
	"vault": {
		"ROTATE_VAULT", "e2e/vault.sh", "vaultkv", "address: '%s', auth: {token_file: token}", false,
		func(via http.RoundTripper) providers.Config { return &vaultkv.Config{Transport: via} }, readVault,
	},
}

const realValueConfig = `environment: test
stores: {app: {type: %s, %s}}
keys:
  auth-jwt:
    store: app
    every: 7s # on AWS a shorter one is refused: it needs more writes than rotate makes there
    jitter: 0s
    propagation: 0s
    grace: 4s
    grace_bounds: {min: 1s, max: 48h}
    outputs: [{store: app, secret: app/jwt, format: value}]
`

// TestValueReadersOnServers is TestValueReadersPoll on servers that others wrote,
// in seconds: a daemon rotates three times, two applications poll each half a
// second, and at each tick each verifies a token of the other's. Time is counted
// in ticks, so that a busy machine makes them longer and no one late.
func TestValueReadersOnServers(t *testing.T) {
	const tick, poll, rotations = 50 * time.Millisecond, 10, 3
	for name, server := range realServers {
		t.Run(name, func(t *testing.T) {
			address := os.Getenv(server.env)
			if address == "" {
				t.Skipf("%s is not set; %s runs this", server.env, server.script)
			}
			surroundings(t)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			via := http.RoundTripper(transport)
			if server.single {
				via = &oneAtATime{RoundTripper: transport}
			}
			inDaemon(t, fmt.Sprintf(realValueConfig, server.kind, fmt.Sprintf(server.options, address)),
				stores.Registry{server.kind: func() providers.Config { return server.open(via) }})
			place := server.readers(t, address, via)

			var seen []string
			n, changed := 0, 0
			read := func() string {
				text := place.current()
				if len(seen) > 0 && text == "" {
					t.Fatal("the value is gone")
				}
				if text != "" && (len(seen) == 0 || seen[len(seen)-1] != text) {
					seen, changed = append(seen, text), n
				}
				return text
			}
			var tokens, refused, late, again int
			var one, other string
			ticks := time.NewTicker(tick)
			defer ticks.Stop()
			for end := time.Now().Add(2 * time.Minute); len(seen) <= rotations || n-changed <= 2*poll; n++ {
				if time.Now().After(end) {
					t.Fatalf("%d keys in two minutes", len(seen))
				}
				<-ticks.C
				read()
				switch n % poll {
				case 1:
					one = read()
				case 6:
					other = read()
				}
				if one == "" || other == "" {
					continue
				}
				tokens += 2
				if one == other {
					continue
				}
				refused += 2
				if n-changed > poll {
					late += 2
				}
				for _, signer := range []string{one, other} {
					if signer != read() && signer != place.previous() {
						again++
					}
				}
			}
			t.Logf("%d tokens over %d rotations: %d refused by readers of one value that poll each %s, %d of them later than that after the promotion; %d when the reader looks again at the value and the one before",
				tokens, len(seen)-1, refused, poll*tick, late, again)
			if refused < rotations || late > 0 || again > 0 || len(seen) != rotations+1 {
				t.Errorf("%d refused, %d late, %d in spite of looking again, %d keys", refused, late, again, len(seen))
			}
		})
	}
}

// inDaemon runs a daemon until the test ends.
func inDaemon(t *testing.T, text string, stores stores.Registry) {
	c := newConsole(t, text)
	c.write("token", "root\n")
	c.stores = stores
	d := c.daemonTo(quiet)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- d.Rotate(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// readAWS reads as applications do: by the labels.
func readAWS(t *testing.T, address string, via http.RoundTripper) valuePlace {
	api := secretsmanager.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &address, HTTPClient: &http.Client{Transport: via}, Credentials: awsPerson,
	})
	labelled := func(label string) func() string {
		return func() string {
			out, err := api.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("app/jwt"), VersionStage: &label})
			if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
				return ""
			}
			return *must[*secretsmanager.GetSecretValueOutput](t)(out, err).SecretString
		}
	}
	return valuePlace{labelled("AWSCURRENT"), labelled("AWSPREVIOUS")}
}

// readVault reads the newest version, and the one numbered before it.
func readVault(t *testing.T, address string, via http.RoundTripper) valuePlace {
	read := func(version int) (text string, number int) {
		r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/v1/secret/data/app/jwt?version=%d", address, version), nil))
		r.Header.Set("X-Vault-Token", "root")
		resp := must[*http.Response](t)((&http.Client{Transport: via}).Do(r))
		defer resp.Body.Close()
		var out struct {
			Data struct {
				Data     struct{ Value string }
				Metadata struct{ Version int }
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotFound {
			t.Fatal(resp.Status, err)
		}
		return out.Data.Data.Value, out.Data.Metadata.Version
	}
	return valuePlace{
		func() string { text, _ := read(0); return text },
		func() string {
			_, newest := read(0)
			text, _ := read(newest - 1)
			return text
		},
	}
}
