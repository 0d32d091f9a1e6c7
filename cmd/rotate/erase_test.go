package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A shelf is a key in each kind of store, with an output `format: value` in the
// same store. Every command is a process of its own.
type shelf struct {
	*console
	managers map[string]manager
	kinds    []string // which are the keys' names, too
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{managers: managers(t)}
	text, keys := "environment: test\naudit: {file: audit.jsonl}\ndefaults: {every: 90d, propagation: 0s, jitter: 0s}\nstores:\n", "keys:\n"
	kept := memory.New()
	registry := stores.Registry{
		"file":   func() providers.Config { return &file.Config{} },
		"memory": func() providers.Config { return &opened{kept} },
	}
	options := map[string]string{"file": ", dir: ./keys", "memory": ""}
	for name, m := range s.managers {
		w := &wire{}
		registry[name] = func() providers.Config { return m.open(w) }
		options[name] = ", " + m.options
	}
	s.kinds = slices.Sorted(maps.Keys(options))
	for _, name := range s.kinds {
		text += fmt.Sprintf("  %s: {type: %s%s}\n", name, name, options[name])
		keys += fmt.Sprintf("  %s: {store: %s, outputs: [{store: %s, secret: app-%s, format: value}]}\n", name, name, name, name)
	}
	s.console = newConsole(t, text+keys)
	s.stores = registry
	credentials(s.console)
	return s
}

// each runs f for every kind of store, in a bubble of its own.
func onEachShelf(t *testing.T, kinds []string, f func(t *testing.T, s *shelf, kind string)) {
	surroundings(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newShelf(t), kind) })
		})
	}
}

var allKinds = []string{"awssm", "azurekv", "file", "gcpsm", "kubernetes", "memory", "vaultkv"}

// erasesHow is what each kind of store does to what is superseded.
var erasesHow = map[string]string{
	"awssm": "unlabelled", "azurekv": "disabled", "file": "unlinked", "gcpsm": "destroyed",
	"kubernetes": "replaced", "memory": "destroyed", "vaultkv": "destroyed",
}

// weakly tells whether somebody can get back what such a store erases.
func weakly(kind string) bool { return kind == "awssm" || kind == "azurekv" }

// look is status -o json of one key, with its exit code.
func (s *shelf) look(kind string) (status.Key, int) {
	s.t.Helper()
	code, stdout, stderr := s.try("", "status", kind, "-o", "json")
	var r status.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || len(r.Keys) != 1 {
		s.t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	return r.Keys[0], code
}

// code runs a command and holds its exit code.
func (s *shelf) code(want int, args ...string) (stdout string) {
	s.t.Helper()
	code, stdout, stderr := s.try("", args...)
	if code != want {
		s.t.Fatalf("rotate %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout
}

// rotate makes the next key sign.
func (s *shelf) rotate(kind string) (kid string) {
	s.t.Helper()
	time.Sleep(time.Minute)
	if code, stdout, stderr := s.try("", "now", kind); code == cli.Failed { // 3 says that .env readers know two keys at most
		s.t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	k, _ := s.look(kind)
	return k.Current.Kid
}

// Issue 12, wrong 1: a compromised key is reported within the grace of the one
// before it. The revision of the value that holds only that one stays, and is no
// leftover: the report is done, with 3 where the store cannot erase for good.
func TestPromise34ACompromiseKeepsThePreviousValue(t *testing.T) {
	onEachShelf(t, allKinds, func(t *testing.T, s *shelf, kind string) {
		s.do("now", kind)
		first, _ := s.look(kind)
		leaked := s.rotate(kind)
		time.Sleep(time.Minute)
		want := cli.Done
		if weakly(kind) {
			want = cli.Attention
		}
		s.code(want, "now", kind, "--compromised", "--yes")
		s.code(want, "revoke", kind, leaked, "--yes") // a repeat, by another process
		k, _ := s.look(kind)
		if len(k.Previous) != 1 || k.Previous[0].Kid != first.Current.Kid || !slices.Equal(k.Erasure.Revoked, []string{leaked}) {
			t.Errorf("previous are %+v, revoked %v", k.Previous, k.Erasure.Revoked)
		}
		if g := k.Erasure.Gone; len(g) != 1 || g[0].Kid != leaked || g[0].How != erasesHow[kind] || !g[0].Observed {
			t.Errorf("gone are %+v", g)
		}
		for _, o := range k.Outputs {
			if o.Behind != "" {
				t.Errorf("output %s is behind: %s", o.Output, o.Behind)
			}
		}
	})
}

// eventsOf is what the audit file has of a key.
func (s *shelf) eventsOf(kind string) (events []engine.Event) {
	s.t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(s.read("audit.jsonl")), "\n") {
		var ev engine.Event
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			s.t.Fatal(err)
		}
		if ev.Key == kind {
			events = append(events, ev)
		}
	}
	return events
}

// Issue 12, wrong 2: an erasure is evidence for the kids that the revision held,
// and for no other. Of a value that is the one that signed in its generation; of
// a document those that lived in it.
func TestAuditListsErasuresUnderTheirKids(t *testing.T) {
	onEachShelf(t, allKinds, func(t *testing.T, s *shelf, kind string) {
		s.do("now", kind)
		s.rotate(kind)
		s.rotate(kind)
		time.Sleep(49 * time.Hour)
		s.code(cli.Done, "run", "--once")
		s.rotate(kind)
		time.Sleep(49 * time.Hour)
		s.code(cli.Done, "run", "--once")

		signs, made, gone := map[uint64]string{}, map[string]uint64{}, map[string]uint64{}
		values, documents := 0, 0
		events := s.eventsOf(kind)
		for _, ev := range events {
			switch {
			case ev.To == keyset.Current:
				signs[ev.Generation] = ev.Kid
			case ev.From != "" && ev.To == "":
				gone[ev.Kid] = ev.Generation
			}
			if ev.From == "" && ev.To != "" {
				made[ev.Kid] = ev.Generation
			}
		}
		want := map[string][]string{} // by revision
		for _, ev := range events {
			if ev.Action != "erase" {
				continue
			}
			if ev.How != erasesHow[kind] {
				t.Errorf("%s was erased: %q", ev.Revision, ev.How)
			}
			if ev.Secret == "app-"+kind {
				values++
				g := ev.Generation
				for signs[g] == "" {
					g--
				}
				want[ev.Secret+ev.Revision] = []string{signs[g]}
			} else {
				documents++
				for kid, from := range made {
					if to := gone[kid]; from <= ev.Generation && (to == 0 || ev.Generation < to) {
						want[ev.Secret+ev.Revision] = append(want[ev.Secret+ev.Revision], kid)
					}
				}
			}
			got := slices.Sorted(slices.Values(ev.Kids))
			slices.Sort(want[ev.Secret+ev.Revision])
			if !slices.Equal(got, want[ev.Secret+ev.Revision]) {
				t.Errorf("%s, %s, generation %d: it names %v, and held %v", ev.Secret, ev.Revision, ev.Generation, got, want[ev.Secret+ev.Revision])
			}
		}
		if versions := kind != "file" && kind != "kubernetes"; versions != (values > 0) || versions != (documents > 0) {
			t.Errorf("%d values and %d documents were erased", values, documents)
		}
		var r struct {
			Kids []struct {
				Kid  string
				Life []struct{ What string }
			}
		}
		if err := json.Unmarshal([]byte(s.do("audit", kind, "-o", "json")), &r); err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, k := range r.Kids {
			for _, e := range k.Life {
				told += strings.Count(e.What, "erase revision ")
			}
		}
		all := 0
		for _, kids := range want {
			all += len(kids)
		}
		if told != all {
			t.Errorf("audit lists %d erasures under kids, want %d", told, all)
		}
	})
}

// Issue 12, wrong 3: as long as a compromised key can be read, every process says
// "not yet", with attention; then what happened.
func TestPromise4NotYetUntilItIs(t *testing.T) {
	onEachShelf(t, []string{"azurekv", "gcpsm", "vaultkv"}, func(t *testing.T, s *shelf, kind string) {
		s.do("now", kind)
		leaked := s.rotate(kind)
		time.Sleep(time.Minute)
		s.managers[kind].rights(lacking) // of what erases
		s.code(cli.Failed, "now", kind, "--compromised", "--yes")
		time.Sleep(time.Minute)
		s.code(cli.Attention, "run", "--once")
		for _, args := range [][]string{{"status", kind}, {"audit", kind}} {
			if text := s.code(cli.Attention, args...); !strings.Contains(text, "not yet gone") || strings.Contains(text, "held it is") {
				t.Errorf("rotate %s:\n%s", args[0], text)
			}
		}
		k, _ := s.look(kind)
		if g := k.Erasure.Gone; len(g) != 1 || g[0].Kid != leaked || g[0].How != "not yet" || len(k.Attention) == 0 {
			t.Errorf("gone: %+v, attention: %q", g, k.Attention)
		}
		s.managers[kind].rights(least)
		want := cli.Done
		if weakly(kind) {
			want = cli.Attention // until the next rotation
		}
		s.code(want, "run", "--once")
		k, code := s.look(kind)
		if g := k.Erasure.Gone; code != want || g[0].How != erasesHow[kind] || !g[0].Observed {
			t.Errorf("exit code %d; gone: %+v; %q", code, g, k.Attention)
		}
		s.code(want, "audit", kind)
		time.Sleep(49 * time.Hour)
		s.code(want, "run", "--once")
		s.rotate(kind)
		if k, code := s.look(kind); code != cli.Done || k.Erasure.Gone[0].How != erasesHow[kind] {
			t.Errorf("after the next rotation: exit code %d; gone: %+v; %q", code, k.Erasure.Gone, k.Attention)
		}
	})
}

// The same for Google's version_destroy_ttl: disabled until then, in every
// process; a version that somebody enables is not gone; and destroyed afterwards.
func TestPromise4DelayedDestructionIsToldByEveryProcess(t *testing.T) {
	onEachShelf(t, []string{"gcpsm"}, func(t *testing.T, s *shelf, kind string) {
		s.do("now", kind)
		fake := s.managers[kind].fake.(*gcpfake.Fake)
		fake.Edit("test-"+kind, func(secret *gcpfake.Secret) { secret.VersionDestroyTtl = durationpb.New(7 * 24 * time.Hour) })
		s.rotate(kind)
		time.Sleep(time.Minute)
		s.code(cli.Attention, "now", kind, "--compromised", "--yes")
		text := s.code(cli.Attention, "status", kind)
		if !strings.Contains(text, "disabled until the service destroys it at 2000-01-08") || strings.Contains(text, "is destroyed") {
			t.Errorf("status:\n%s", text)
		}
		if text := s.code(cli.Attention, "audit", kind); !strings.Contains(text, "what held it is disabled until the service destroys it at 2000-01-08") {
			t.Errorf("audit:\n%s", text)
		}
		s.code(cli.Attention, "now", kind, "--compromised", "--yes")
		k, _ := s.look(kind)
		if g := k.Erasure.Gone[0]; k.Erasure.How != "disabled" || g.How != "disabled" || g.Until == nil || !g.Observed {
			t.Errorf("%+v", k.Erasure)
		}
		s.code(cli.Attention, "run", "--once") // it tells what status tells
		time.Sleep(8 * 24 * time.Hour)
		s.do("run", "--once")
		s.do("status", kind)
		if k, _ := s.look(kind); k.Erasure.Gone[len(k.Erasure.Gone)-1].How != "destroyed" {
			t.Errorf("after the delay: %+v", k.Erasure.Gone)
		}
	})
}
