package azurekv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/providers"
)

// inBubble runs a test on an empty vault, in a bubble, for writes wait.
func inBubble(t *testing.T, c Config, do func(t *testing.T, f *azurefake.Fake, s *store, o outside)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := azurefake.New()
		s := onFake(f, c)
		do(t, f, s, outside{s.api})
	})
}

// on makes every call of an op go wrong.
func on(f *azurefake.Fake, op string, fault fakes.Fault) {
	f.On(func(c fakes.Call) *fakes.Fault {
		if c.Kind != op {
			return nil
		}
		return &fault
	})
}

// What Azure says, what kind that is on a read and on a write, and what a person
// is told. The message is the same in all: codes tell them apart.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status      int
		code, inner string
		read, write error
		says        string
	}{
		{403, "Forbidden", "ForbiddenByRbac", providers.ErrDenied, providers.ErrDenied, "a new assignment takes some minutes"},
		{403, "Forbidden", "AccessDenied", providers.ErrDenied, providers.ErrDenied, "az keyvault set-policy"},
		{403, "Forbidden", "ForbiddenByFirewall", providers.ErrDenied, providers.ErrDenied, "az keyvault network-rule add"},
		{403, "Forbidden", "ForbiddenByConnection", providers.ErrDenied, providers.ErrDenied, "private endpoint"},
		{403, "Forbidden", "SomethingNew", providers.ErrDenied, providers.ErrDenied, "SomethingNew"},
		{409, "Conflict", "ObjectIsDeletedButRecoverable", providers.ErrUnreadable, providers.ErrUnreadable, "az keyvault secret recover"},
		{409, "Conflict", "ObjectIsBeingDeleted", providers.ErrUnreadable, providers.ErrUnreadable, "az keyvault secret recover"},
		{409, "Conflict", "ObjectIsBeingRecovered", providers.ErrUnavailable, providers.ErrUnavailable, ""},
		{409, "Conflict", "", providers.ErrConflict, providers.ErrConflict, ""},
		{429, "Throttled", "", providers.ErrThrottled, providers.ErrThrottled, ""},
		{429, "SomethingOfAProxy", "", providers.ErrThrottled, providers.ErrThrottled, ""},
		{400, "BadParameter", "", providers.ErrUnsafe, providers.ErrUnsafe, "api_version"},
		{413, "TooBig", "", providers.ErrTooLarge, providers.ErrTooLarge, ""},
		{500, "InternalServerError", "", providers.ErrUnavailable, providers.ErrUnclear, ""},
		{503, "Forbidden", "ForbiddenByRbac", providers.ErrUnavailable, providers.ErrUnclear, ""},
	} {
		t.Run(fmt.Sprint(c.status, c.code, c.inner), func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
				head := write(t, s, "first", "", 1)
				refusal := fakes.Fault{Before: &azurefake.Error{Status: c.status, Code: c.code, Inner: c.inner, Message: "told so", RetryAfter: 7}}
				on(f, "GetSecret", refusal)
				_, err := s.Read(t.Context(), name)
				fails(t, err, c.read, c.says, "told so")
				on(f, "SetSecret", refusal)
				before := len(f.Calls())
				_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("second")), head.ID, note(2))
				fails(t, err, c.write, c.says, "told so")
				if n := len(f.Calls()) - before; n != 2 {
					t.Errorf("%d calls were made, want a look and one SetSecret", n)
				}
				var e *providers.Error
				if errors.As(err, &e); errors.Is(err, providers.ErrThrottled) && e.After != 7*time.Second {
					t.Errorf("After is %v", e.After)
				}
				on(f, "UpdateSecret", refusal)
				next := write(t, s, "second", head.ID, 2)
				_, err = s.Erase(t.Context(), name, head.ID, next.ID)
				fails(t, err, c.write)
				f.On(nil)
				if got, err := s.Read(t.Context(), name); err != nil || got.ID != next.ID {
					t.Errorf("the head is %v (%v)", got.ID, err)
				}
			})
		})
	}
}

// A name that Key Vault does not take comes with a way out.
func TestNameIsRefusedWithAHint(t *testing.T) {
	_, err := providers.Checked(onFake(azurefake.New(), Config{})).Read(t.Context(), "production-auth.jwt_v2")
	fails(t, err, providers.ErrBadName, "secret: production-auth-jwt")
}

// A deleted secret is never taken as one that never was, and never brought back
// without being asked to.
func TestDeletedSecret(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		head := write(t, s, "first", "", 1)
		o.remove(t, name)
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnreadable, "az keyvault secret recover --id https://rotate-test.vault.azure.net/secrets/production-auth-jwt")
		time.Sleep(time.Hour)
		_, err = s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnreadable)
		o.recover(t, name)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != head.ID {
			t.Errorf("recovered: %v (%v)", got.ID, err)
		}
	})
}

// What Traits says of it: purged, or deleted longer ago than the vault keeps it.
func TestPurgedSecretLooksAsIfItNeverWas(t *testing.T) {
	for _, purge := range []bool{true, false} {
		inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
			write(t, s, "first", "", 1)
			o.remove(t, name)
			if purge {
				_, err := s.api.PurgeDeletedSecret(t.Context(), name, nil)
				must(t, err)
			} else {
				f.Advance(91 * life.Day)
			}
			_, err := s.Read(t.Context(), name)
			fails(t, err, providers.ErrNotFound)
		})
	}
}

// While a deletion and a recovery are under way the service itself says that
// there is nothing; it refuses what would be created then.
func TestNothingIsCreatedWhileDeletionOrRecoveryIsUnderWay(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		create := func() error {
			_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("made up")), "", note(1))
			return err
		}
		write(t, s, "first", "", 1)
		_, err := s.api.DeleteSecret(t.Context(), name, nil)
		must(t, err)
		fails(t, create(), providers.ErrUnreadable, "ObjectIsBeingDeleted")
		time.Sleep(time.Minute)
		fails(t, create(), providers.ErrUnreadable)
		_, err = s.api.RecoverDeletedSecret(t.Context(), name, nil)
		must(t, err)
		fails(t, create(), providers.ErrUnavailable, "ObjectIsBeingRecovered")
		time.Sleep(time.Minute)
		fails(t, create(), providers.ErrConflict)
		if n := len(f.Versions(name)); n != 1 {
			t.Errorf("there are %d versions, want 1", n)
		}
	})
}

// recover: true does what the hint says, and waits for it.
func TestDeletedSecretIsRecoveredWhereTheConfigSaysSo(t *testing.T) {
	inBubble(t, Config{Recover: true}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		head := write(t, s, "first", "", 1)
		o.remove(t, name)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != head.ID || string(got.Value.Reveal()) != "first" {
			t.Errorf("%v (%v)", got.ID, err)
		}
		o.remove(t, name)
		f.Latency(50 * time.Millisecond)
		var wg sync.WaitGroup
		for range 4 { // one of them asks for it, the others find that it is under way
			wg.Go(func() {
				if got, err := s.Read(t.Context(), name); err != nil || got.ID != head.ID {
					t.Errorf("%v (%v)", got.ID, err)
				}
			})
		}
		wg.Wait()
		o.remove(t, name)
		on(f, "RecoverDeletedSecret", fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "no recover/action"}})
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrDenied, "recover/action")
	})
}

// An administrator can disable the head. That is no absence, and nothing is
// written on it.
func TestDisabledHead(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		second := write(t, s, "second", first.ID, 2)
		o.enable(t, name, string(second.ID), false)
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnreadable, "--enabled true", string(second.ID))
		_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("third")), second.ID, note(3))
		fails(t, err, providers.ErrUnreadable)
		_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("third")), first.ID, note(3))
		fails(t, err, providers.ErrConflict)
		o.enable(t, name, string(second.ID), true)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != second.ID {
			t.Errorf("%v (%v)", got.ID, err)
		}
	})
}

// lose puts a version on a parent that has a child already, as a writer does who
// was held for hours.
func lose(t testing.TB, o outside, value string, parent providers.RevisionID) string {
	t.Helper()
	return o.set(t, name, value, version{parent: string(parent), write: "late", note: note(9)}.tags(nil))
}

// A loser is what applications read until the next Read; then they read the
// head's value again, the loser is listed to be erased, and no version that they
// read is ever disabled.
func TestLoserIsCoveredAndErased(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		second := write(t, s, "second", first.ID, 2)
		loser := providers.RevisionID(lose(t, o, "loser", first.ID))
		revs, err := s.History(t.Context(), name)
		if err != nil || len(revs) != 2 {
			t.Errorf("%v (%v): what applications read is not to be erased", revs, err)
		}
		_, err = s.Erase(t.Context(), name, loser, second.ID)
		fails(t, err, providers.ErrConflict)
		refusals := 0
		f.On(func(c fakes.Call) *fakes.Fault { // someone else is putting a copy just now
			if c.Kind != "SetSecret" || refusals > 0 {
				return nil
			}
			refusals++
			return &fakes.Fault{Before: &azurefake.Error{Status: 409, Code: "Conflict", Message: "two at once"}}
		})
		got, err := s.Read(t.Context(), name)
		if err != nil || got.ID != second.ID || got.Note != note(2) || got.Witness != note(2) || string(got.Value.Reveal()) != "second" {
			t.Errorf("%+v (%v)", got, err)
		}
		all := f.Versions(name)
		copied := all[len(all)-1]
		if copied.Value != "second" || copied.Tags["rotate-of"] != string(second.ID) || got.Copy != copied.ID {
			t.Errorf("applications read %+v, and Read tells of %q", copied, got.Copy)
		}
		calls := len(f.Calls())
		if _, err := s.Read(t.Context(), name); err != nil || len(f.Calls())-calls != 2 {
			t.Errorf("a Read after the repair takes %d calls, want 2 (%v)", len(f.Calls())-calls, err)
		}
		_, err = s.Erase(t.Context(), name, providers.RevisionID(copied.ID), second.ID)
		fails(t, err, providers.ErrConflict)
		revs, err = s.History(t.Context(), name)
		must(t, err)
		for _, rev := range revs[:len(revs)-1] {
			_, err := s.Erase(t.Context(), name, rev.ID, second.ID)
			must(t, err)
		}
		third := write(t, s, "third", second.ID, 3)
		revs, err = s.History(t.Context(), name)
		if err != nil || len(revs) != 3 || revs[2].ID != third.ID { // the second, its copy, the third
			t.Errorf("%v (%v)", revs, err)
		}
		enabled := map[string]bool{}
		for _, v := range f.Versions(name) {
			enabled[v.Value] = enabled[v.Value] || v.Enabled
		}
		if enabled["first"] || enabled["loser"] || !enabled["second"] {
			t.Errorf("enabled: %v", enabled)
		}
	})
}

// Of two in the same second the smaller id wins, whoever was first: the order of
// a listing, and of the clock below a second, say nothing.
func TestSmallerIDWinsWithinASecond(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := func(id, parent string, second int) version {
		return version{id: id, ours: true, parent: parent, created: at.Add(time.Duration(second) * time.Second), enabled: true}
	}
	foreign := func(id string, second int) version {
		return version{id: id, created: at.Add(time.Duration(second) * time.Second)}
	}
	copied := v("c", "", 9)
	copied.of = "b"
	for _, c := range []struct {
		what string
		all  []version
		line string
	}{
		{"one after the other", []version{v("c", "b", 8), v("b", "a", 4), v("a", "", 0)}, "a b c"},
		{"two in a second", []version{v("z", "a", 4), v("m", "a", 4), v("a", "", 0)}, "a m"},
		{"the older one, whatever its id", []version{v("b", "a", 5), v("z", "a", 4), v("a", "", 0)}, "a z"},
		{"what was made on a loser is lost, too", []version{v("a", "", 0), v("b", "a", 4), v("c", "a", 5), v("d", "c", 9)}, "a b"},
		{"two creations", []version{v("b", "", 0), v("a", "", 0)}, "a"},
		{"a copy is no head", []version{v("a", "", 0), v("b", "a", 4), copied}, "a b"},
		{"from outside, after all", []version{v("a", "", 0), v("b", "a", 4), foreign("x", 6)}, "a b x"},
		{"from outside, and written on", []version{foreign("x", 0), v("a", "x", 4)}, "x a"},
		{"from outside, before a write that did not know of it", []version{v("a", "", 0), foreign("x", 3), v("b", "a", 4)}, "a x"},
		{"nothing from rotate", []version{foreign("y", 1), foreign("x", 0)}, "x y"},
		{"tags in a circle", []version{foreign("x", 6), v("a", "x", 0)}, "x a"},
	} {
		var line []string
		for _, v := range newState(c.all, at).line {
			line = append(line, v.id)
		}
		if got := strings.Join(line, " "); got != c.line {
			t.Errorf("%s: the line is %s, want %s", c.what, got, c.line)
		}
	}
	if st := newState([]version{v("a", "", 0), v("c", "b", 4)}, at); st.lacks != "b" {
		t.Errorf("the listing lacks %q, want b", st.lacks)
	}
}

// While the second of the newest head is not over, an older one can appear: a
// Read waits for that.
func TestReadWaitsForTheSecondToEnd(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		smallest := lose(t, o, "0", first.ID)
		go func() {
			for i := range 7 {
				time.Sleep(100 * time.Millisecond)
				smallest = min(smallest, lose(t, o, fmt.Sprint(i+1), first.ID))
			}
		}()
		begun := time.Now()
		got, err := s.Read(t.Context(), name)
		if err != nil || string(got.ID) != smallest || time.Since(begun) < settle {
			t.Errorf("%s after %s, want %s (%v)", got.ID, time.Since(begun), smallest, err)
		}
	})
}

// A listing that is some seconds old can show a write and not yet the one of the
// same second that wins over it: the first that shows it decides nothing.
func TestFirstListingThatShowsAWriteMayBeOld(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Minute)))
		f.Stale("GetSecretVersions", 2*settle-200*time.Millisecond) // what it shows after two waits is of 200 ms after the write
		go func() {
			for i := range 7 {
				time.Sleep(100 * time.Millisecond)
				if i >= 3 {
					lose(t, o, "later", first.ID)
				}
			}
		}()
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("mine")), first.ID, note(2))
		fails(t, err, providers.ErrConflict)
		f.Stale("GetSecretVersions", 0)
		all := f.Versions(name)
		if got, err := s.Read(t.Context(), name); err != nil || all[1].Value != "mine" || string(got.ID) == all[1].ID {
			t.Errorf("the head is %s, and the first that was put %s (%v)", got.ID, all[1].ID, err)
		}
	})
}

// A listing that misses a page is not acted on: nothing is put over the head.
func TestTornListingIsNotRepaired(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		head := write(t, s, "second", first.ID, 2)
		o.set(t, name, "orphan", version{parent: strings.Repeat("0", 32), write: "w"}.tags(nil))
		_, err := s.Read(t.Context(), name)
		fails(t, err, providers.ErrUnavailable)
		_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("third")), head.ID, note(3))
		fails(t, err, providers.ErrUnavailable)
		_, err = s.Erase(t.Context(), name, first.ID, head.ID)
		fails(t, err, providers.ErrUnavailable)
		_, err = s.History(t.Context(), name)
		fails(t, err, providers.ErrUnavailable)
		all := f.Versions(name)
		if len(all) != 3 || !all[0].Enabled {
			t.Errorf("%d versions, want 3 as they were", len(all))
		}
	})
}

// The listing has pages of 25, in no order that means anything.
func TestManyVersions(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		var want []providers.RevisionID
		head := providers.RevisionID("")
		for i := range 60 {
			head = write(t, s, fmt.Sprint(i), head, uint64(i+1)).ID
			want = append(want, head)
		}
		revs, err := s.History(t.Context(), name)
		must(t, err)
		var got []providers.RevisionID
		for _, rev := range revs {
			got = append(got, rev.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the history is not in the order of the writes: %v", got)
		}
		calls := len(f.Calls())
		if _, err := s.Read(t.Context(), name); err != nil || len(f.Calls())-calls != 4 {
			t.Errorf("a Read of 60 versions takes %d calls, want 3 pages and the value (%v)", len(f.Calls())-calls, err)
		}
	})
}

// A request that arrives twice, as a proxy's retry, is one write.
func TestSameWriteTwiceIsOne(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		on(f, "SetSecret", fakes.Fault{Wait: time.Second})
		go func() {
			time.Sleep(500 * time.Millisecond)
			f.On(nil)
			o.set(t, name, "second", version{parent: string(first.ID), write: "the same", note: note(2)}.tags(nil))
		}()
		s.newID = func() string { return "the same" }
		second := write(t, s, "second", first.ID, 2)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != second.ID {
			t.Errorf("%v, want %v (%v)", got.ID, second.ID, err)
		}
	})
}

// Who may only read still reads the head after a race, and puts nothing.
func TestReaderWithoutPermissionToRepair(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		first := write(t, s, "first", "", 1)
		second := write(t, s, "second", first.ID, 2)
		lose(t, o, "loser", first.ID)
		on(f, "SetSecret", fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "no setSecret/action"}})
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != second.ID || string(got.Value.Reveal()) != "second" {
			t.Errorf("%v (%v)", got.ID, err)
		}
	})
}

// People see in the portal what it is, and the tags of the config stand beside
// rotate's own.
func TestWhatStandsInThePortal(t *testing.T) {
	inBubble(t, Config{Tags: map[string]string{"team": "auth"}}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		first := write(t, s, `{"current":"x"}`, "", 1)
		write(t, s, "just text", first.ID, 2)
		v := f.Versions(name)
		if v[0].ContentType != "application/json" || v[1].ContentType != "text/plain" {
			t.Errorf("content types %s and %s", v[0].ContentType, v[1].ContentType)
		}
		for name, want := range map[string]string{"team": "auth", "rotate-generation": "2", "rotate-lineage": "lineage", "rotate-digest": "sha-256:2", "rotate-parent": string(first.ID)} {
			if v[1].Tags[name] != want {
				t.Errorf("tag %s is %q, want %q", name, v[1].Tags[name], want)
			}
		}
		if n := len(v[1].Tags); n != ownTags+1 {
			t.Errorf("%d tags", n)
		}
	})
}

// The service's own limit, and what it asks for: the 301st write of 10 seconds.
func TestThrottledByTheService(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, o outside) {
		for i := range 300 {
			o.set(t, fmt.Sprint("other-", i), "x", nil)
		}
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("first")), "", note(1))
		fails(t, err, providers.ErrThrottled)
		var e *providers.Error
		if errors.As(err, &e); e.After <= 0 || e.After > 11*time.Second {
			t.Errorf("After is %v", e.After)
		}
		time.Sleep(e.After)
		write(t, s, "first", "", 1)
		on(f, "GetSecretVersions", fakes.Fault{Before: &azurefake.Error{Status: 429, Code: "Throttled", Message: "no Retry-After"}})
		_, err = s.Read(t.Context(), name)
		if errors.As(err, &e); e.After != slowDown {
			t.Errorf("After is %v, want %v where the service does not say", e.After, slowDown)
		}
	})
}

func TestProbe(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		must(t, s.Probe(t.Context()))
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "SetSecret" || c.Kind == "UpdateSecret" {
				return &fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized"}}
			}
			return nil
		})
		fails(t, s.Probe(t.Context()), providers.ErrDenied, "missing Microsoft.KeyVault/vaults/secrets/setSecret/action (access policy: set), Microsoft.KeyVault/vaults/secrets/update/action")
		on(f, "GetSecretVersions", fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByFirewall", Message: "Client address is not authorized"}})
		fails(t, s.Probe(t.Context()), providers.ErrDenied, "network-rule")
		for _, c := range f.Calls() {
			if f.Versions(c.Name) != nil {
				t.Errorf("the probe left %s", c.Name)
			}
		}
	})
}

// What is too much is told by its vendor's name, and nothing is deleted.
func TestProbeSecret(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		rev := write(t, s, "first", "", 1)
		got, err := s.ProbeSecret(t.Context(), name)
		want := []string{
			"Microsoft.KeyVault/vaults/secrets/delete (access policy: delete)", "Microsoft.KeyVault/vaults/secrets/purge/action (access policy: purge)",
			"Microsoft.KeyVault/vaults/secrets/backup/action (access policy: backup)",
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("too much: %q (%v)", got, err)
		}
		f.On(func(c fakes.Call) *fakes.Fault {
			return &fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Inner: "ForbiddenByRbac", Message: "Caller is not authorized"}}
		})
		if got, err := s.ProbeSecret(t.Context(), name); err != nil || len(got) > 0 {
			t.Errorf("the least role: %q (%v)", got, err)
		}
		on(f, "DeleteSecret", fakes.Fault{Before: fakes.ErrLost})
		_, err = s.ProbeSecret(t.Context(), name)
		fails(t, err, providers.ErrUnavailable)
		f.On(nil)
		if got, err := s.Read(t.Context(), name); err != nil || got.ID != rev.ID {
			t.Errorf("the head is %q (%v)", got.ID, err)
		}
	})
}

// Cancelled inside a call: soon, with the cause. A reply that never comes ends
// by itself.
func TestCancelledOrTimedOutInsideACall(t *testing.T) {
	gaveUp := errors.New("the operator gave up")
	for op, kind := range map[string]error{"GetSecret": providers.ErrUnavailable, "SetSecret": providers.ErrUnclear} {
		for _, cancels := range []bool{true, false} {
			inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
				first := write(t, s, "first", "", 1)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				held := make(chan struct{})
				on(f, op, fakes.Fault{Paused: held, PauseBefore: make(chan struct{})})
				if cancels {
					go func() { <-held; cancel(gaveUp) }()
				}
				begun := time.Now()
				var err error
				if op == "GetSecret" {
					_, err = s.Read(ctx, name)
				} else {
					_, err = s.Write(ctx, name, providers.NewSecret([]byte("x")), first.ID, note(2))
				}
				fails(t, err, kind)
				if took := time.Since(begun); cancels && took > 0 || !cancels && took != timeout {
					t.Errorf("it took %s", took)
				}
				if cancels {
					fails(t, err, gaveUp)
				}
			})
		}
	}
}

// A write whose wait is cancelled is unclear: it was made.
func TestCancelledWhileItWaits(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Write(ctx, name, providers.NewSecret([]byte("first")), "", note(1))
		fails(t, err, providers.ErrUnclear)
		if got, err := s.Read(t.Context(), name); err != nil || string(got.Value.Reveal()) != "first" {
			t.Errorf("it was made: %v", err)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		conf  Config
		where string // of the secret s; "" where it is refused
	}{
		{Config{Vault: "rotate-test"}, "https://rotate-test.vault.azure.net/secrets/s"},
		{Config{Vault: "rotate-test", Cloud: "china", APIVersion: "7.4"}, "https://rotate-test.vault.azure.cn/secrets/s"},
		{Config{Vault: "rotate-test", Cloud: "government", APIVersion: "2025-07-01-preview"}, "https://rotate-test.vault.usgovcloudapi.net/secrets/s"},
		{Config{Vault: "https://kv.vault.example.com/", Cloud: "https://login.example.com"}, "https://kv.vault.example.com/secrets/s"},
		{Config{}, ""},
		{Config{Vault: "http://rotate-test.vault.azure.net"}, ""},
		{Config{Vault: "https://user:pw@rotate-test.vault.azure.net"}, ""},
		{Config{Vault: "https://rotate-test.vault.azure.net/secrets/x"}, ""},
		{Config{Vault: "rotate_test"}, ""},
		{Config{Vault: "kv", Cloud: "public"}, ""},
		{Config{Vault: "rotate-test", Cloud: "mars"}, ""},
		{Config{Vault: "rotate-test", Cloud: "https://login.example.com"}, ""},
		{Config{Vault: "rotate-test", APIVersion: "latest"}, ""},
		{Config{Vault: "rotate-test", Tags: map[string]string{"rotate-parent": "x"}}, ""},
		{Config{Vault: "rotate-test", Tags: map[string]string{"0": "", "1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": "", "9": "", "10": ""}}, ""},
	} {
		opened, err := c.conf.Open(t.Context())
		switch {
		case c.where == "":
			fails(t, err, providers.ErrUnsafe)
		case err != nil || opened == nil:
			t.Errorf("%+v: %v", c.conf, err)
		case c.conf.Where("s") != "Azure Key Vault, "+c.where:
			t.Errorf("%+v is %s", c.conf, c.conf.Where("s"))
		}
	}
}

// Promise 7: what the SDK logs for whoever sets AZURE_SDK_GO_LOGGING=all holds
// neither a value nor a token.
func TestPromise7SDKLogsNoMaterial(t *testing.T) {
	var logged strings.Builder
	azlog.SetListener(func(e azlog.Event, text string) { fmt.Fprintln(&logged, e, text) })
	defer azlog.SetListener(nil)
	inBubble(t, Config{}, func(t *testing.T, f *azurefake.Fake, s *store, _ outside) {
		write(t, s, "canary", "", 1)
		_, err := s.Read(t.Context(), name)
		must(t, err)
		on(f, "GetSecretVersions", fakes.Fault{Before: &azurefake.Error{Status: 403, Code: "Forbidden", Message: "told so"}})
		_, err = s.Read(t.Context(), name)
		fails(t, err, providers.ErrDenied)
	})
	if text := logged.String(); !strings.Contains(text, "PUT "+azurefake.Vault) || strings.Contains(text, "canary") || strings.Contains(text, azurefake.Token) {
		t.Errorf("logged: %s", text)
	}
}

// Without credentials nothing is sent, and the error says where they come from.
func TestNoCredentials(t *testing.T) {
	f := azurefake.New()
	s, err := (&Config{Vault: "https://rotate-test.vault.example.com"}).store(credential{}, cloud.AzurePublic, f)
	must(t, err)
	_, err = s.Read(t.Context(), name) // the challenge names another domain than the vault's
	fails(t, err, providers.ErrDenied, "az login", "challenge resource")
	if n := len(f.Calls()); n != 0 {
		t.Errorf("%d calls were made with a token", n)
	}
}

func FuzzTags(f *testing.F) {
	f.Add("parent", "write", "lineage", uint64(3), "sha-256:x", "")
	f.Add("", "", "", uint64(0), "", "of")
	f.Fuzz(func(t *testing.T, parent, write, lineage string, gen uint64, digest, of string) {
		v := version{parent: parent, write: write, note: providers.Note{Lineage: lineage, Generation: gen, Digest: digest}, of: of}
		if of != "" {
			v.parent, v.write = "", ""
		}
		if v.parent == first {
			return
		}
		got := version{}
		if got.parse(v.tags(map[string]string{"team": "auth"})); !got.ours {
			t.Error("it is not taken for ours")
		}
		if got.ours = false; got != v {
			t.Errorf("%+v, want %+v", got, v)
		}
		got.parse(map[string]*string{parentTag: to.Ptr(parent), generation: &digest, ofTag: nil})
	})
}
