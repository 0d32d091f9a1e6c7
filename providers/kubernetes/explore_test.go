package kubernetes

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Every order of the calls of two writers; see providertest.Exploration. The
// bubble stands the clock still, so that two replays are alike.
func TestEveryInterleaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		providertest.Explore(t, providertest.Exploration{Writers: 2, Scene: func() providertest.Scene {
			f, v := fakeServer()
			begin := v.open(t, Config{Namespace: namespace}, "rotate")
			must(t, write(t, begin, "first", ""))
			object := func() (id, text string) {
				s := f.Secrets[namespace+"/"+name]
				return s.ResourceVersion, fmt.Sprint(s.Data, s.Annotations)
			}
			return providertest.Scene{
				Store: func(turn providertest.Turn) providers.Store {
					v.conf.Transport = &providertest.Gate{Fake: f, Turn: turn}
					return v.open(t, Config{Namespace: namespace}, "rotate")
				},
				Head: func() (providers.RevisionID, bool) {
					id, text := object()
					return providers.RevisionID(id), text != ""
				},
				Holds: func() string { _, text := object(); return text },
			}
		}})
	})
}
