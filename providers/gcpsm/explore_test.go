package gcpsm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"

	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
)

// Every order of the calls of two writers, and 100,000 states of three by lot;
// see providertest.Exploration.
func TestEveryInterleaving(t *testing.T) {
	for _, e := range []providertest.Exploration{{Writers: 2}, {Writers: 3, Limit: 100_000}} {
		e.Scene = func() providertest.Scene { return scene(t) }
		providertest.Explore(t, e)
	}
}

func scene(t *testing.T) providertest.Scene {
	f := gcpfake.New()
	conn, stop := f.Direct(nil)
	write(t, onConn(t, conn, Config{}), "first", "", 1)
	stop()
	held := func() (states map[int64]secretmanagerpb.SecretVersion_State, alias int64) {
		return f.Versions(name), f.Aliases(name)[aliasName]
	}
	var stops []func()
	return providertest.Scene{
		Store: func(turn providertest.Turn) providers.Store {
			conn, stop := f.Direct(func(reply proto.Message, call func() error) error {
				err := providertest.ErrStopped
				turn(func() string {
					err = call()
					return fmt.Sprint(told(reply), err)
				})
				return err
			})
			stops = append(stops, stop)
			s := onConn(t, conn, Config{})
			s.api.CallOptions = &secretmanager.CallOptions{} // no time limits: they would start goroutines
			return s
		},
		// `latest` is what some applications read against all advice: it must not be
		// one that was destroyed either.
		Head: func() (providers.RevisionID, bool) {
			states, alias := held()
			return providers.RevisionID(strconv.FormatInt(alias, 10)),
				states[alias] == secretmanagerpb.SecretVersion_ENABLED && states[int64(len(states))] == secretmanagerpb.SecretVersion_ENABLED
		},
		Holds: func() string { return fmt.Sprint(f.Versions(name), f.Aliases(name), f.Etags()) },
		After: func(ended bool) string {
			for _, stop := range stops {
				stop()
			}
			values := f.Held(name)
			_, alias := held()
			for n, value := range values {
				if ended && n > alias && value != values[alias] { // a copy of the head's may be
					return fmt.Sprintf("all have ended, and version %d is left above the head %d", n, alias)
				}
			}
			return ""
		},
	}
}

// told is what a reply tells a process, but for the nonce and the time.
func told(reply proto.Message) string {
	switch r := reply.(type) {
	case *secretmanagerpb.Secret:
		st, _ := newState(r)
		return fmt.Sprint(r.GetEtag(), st.alias, st.rec.Copy, slices.Sorted(maps.Keys(st.rec.Heads)))
	case *secretmanagerpb.SecretVersion:
		return fmt.Sprint(r.GetName(), r.GetState(), r.GetEtag())
	case *secretmanagerpb.ListSecretVersionsResponse:
		text := ""
		for _, v := range r.GetVersions() {
			text += told(v)
		}
		return text
	case *secretmanagerpb.AccessSecretVersionResponse:
		return r.GetName()
	}
	return fmt.Sprintf("%T", reply)
}
