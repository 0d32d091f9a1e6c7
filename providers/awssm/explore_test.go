package awssm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Every order of the calls of two writers; see providertest.Exploration. The
// bubble stands the clock still, and versions are called by who put them, so
// that two replays are alike.
func TestEveryInterleaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		providertest.Explore(t, providertest.Exploration{Writers: 2, Scene: func() providertest.Scene {
			f, named := awsfake.New(), map[string]string{}
			open := func(who string, turn providertest.Turn) *store {
				names := func(text string) string {
					for token, who := range named {
						text = strings.ReplaceAll(strings.ReplaceAll(text, token, who), token[:nonceLen], who)
					}
					return text
				}
				conf := testConfig(&http.Client{Transport: &providertest.Gate{Fake: naming{f, who, named}, Turn: turn, Name: names}})
				conf.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
				return (&Config{}).store(conf)
			}
			begin := func(who string, after providers.RevisionID, g uint64) providers.RevisionID {
				rev, err := open(who, nil).Write(t.Context(), name, providers.NewSecret([]byte(who)), after, providers.Note{Lineage: "l", Generation: g})
				must(t, err)
				return rev.ID
			}
			begin("second", begin("first", "", 1), 2)
			writers := 0
			return providertest.Scene{
				Store: func(turn providertest.Turn) providers.Store {
					writers++
					return open(fmt.Sprint("writer ", writers), turn)
				},
				Head: func() (providers.RevisionID, bool) {
					for id, stages := range f.Stages(name) {
						if slices.Contains(stages, current) {
							return providers.RevisionID(id), f.Values(name)[id] != ""
						}
					}
					return "", false
				},
				Holds: func() string {
					var all []string
					for id, stages := range f.Stages(name) {
						all = append(all, fmt.Sprint(named[id], slices.Sorted(slices.Values(stages))))
					}
					slices.Sort(all)
					text := strings.Join(all, "\n")
					for token, who := range named {
						text = strings.ReplaceAll(text, token[:nonceLen], who)
					}
					return text
				},
				After: func(ended bool) string {
					if labelled := f.Stages(name); ended && len(labelled) != 1 {
						return fmt.Sprintf("all have ended, and %d versions have labels", len(labelled))
					}
					return ""
				},
			}
		}})
	})
}

// naming remembers who put which version.
type naming struct {
	fake  http.RoundTripper
	who   string
	named map[string]string
}

func (n naming) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ ClientRequestToken string }
	if json.Unmarshal(body, &in) == nil && in.ClientRequestToken != "" {
		n.named[in.ClientRequestToken] = n.who
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return n.fake.RoundTrip(r)
}
