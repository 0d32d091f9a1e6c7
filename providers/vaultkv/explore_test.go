package vaultkv

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Every order of the calls of two writers; see providertest.Exploration. The
// bubble stands the clock still, so that two replays are alike.
func TestEveryInterleaving(t *testing.T) {
	token := fileOf(t, "root")
	synctest.Test(t, func(t *testing.T) {
		providertest.Explore(t, providertest.Exploration{Writers: 2, Scene: func() providertest.Scene {
			f := vaultfake.New()
			open := func(g *providertest.Gate) *store {
				s, err := (&Config{Address: "http://127.0.0.1:8200", Auth: Auth{TokenFile: token}}).open(t.Context(), g)
				must(t, err)
				return s
			}
			begin := open(&providertest.Gate{Fake: f})
			put(t, begin, "second", put(t, begin, "first", "", 1).ID, 2)
			key := f.Mounts["|secret"].Keys[name]
			return providertest.Scene{
				Store: func(turn providertest.Turn) providers.Store {
					g := &providertest.Gate{Fake: f}
					s := open(g)
					g.Turn = turn
					return s
				},
				Head: func() (providers.RevisionID, bool) {
					v := key.Versions[key.Current]
					return providers.RevisionID(fmt.Sprint(key.Current)), v != nil && len(v.Data) > 0
				},
				Holds: func() string {
					var b strings.Builder
					for n := range key.Current {
						fmt.Fprintf(&b, "%d %s\n", n+1, key.Versions[n+1].Data)
					}
					return b.String()
				},
				After: func(ended bool) string {
					for n := 1; n < key.Current && ended; n++ {
						if len(key.Versions[n].Data) > 0 {
							return fmt.Sprintf("all have ended, and version %d can still be read", n)
						}
					}
					return ""
				},
			}
		}})
	})
}
