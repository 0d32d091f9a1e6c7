package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A plant is a bug that someone could make. It is put in by an overlay: the
// code has no hooks for it.
type plant struct {
	what     string
	promises string // one of which has to be named
	file     string
	old      string // stands in the file exactly once
	planted  string
}

// test is what has to find it: a key that is removed for good has worlds of its own.
func (p plant) test() string {
	if strings.HasSuffix(p.file, "/remove.go") {
		return "TestARemovedKeyIsGoneInTrouble"
	}
	return "TestPromisesHoldForYears"
}

const (
	planGo    = "rotation/plan.go"
	trustGo   = "rotation/trust.go"
	engineDir = "rotation/engine/"
)

var plants = []plant{
	{
		"promote without waiting", "2", planGo,
		"pl.p.Propagation > 0 && pl.early.Before(pl.Known()) {", "false {",
	},
	{
		"grace counted from the promoting write", "3", planGo,
		"Do: MarkSettled, Kid: current.Kid, At: pl.late,", "Do: MarkSettled, Kid: current.Kid, At: current.NotBefore,",
	},
	{
		"exp from the config", "3", "rotation/keyset/marks.go",
		"latest(seconds(n.Settled.At.Add(grace)), k.Expires, k.NotBefore)", "seconds(n.Settled.At.Add(grace))",
	},
	{
		"no read-back", "2 3", engineDir + "outputs.go",
		"			// guard 2: what was written to an output is read back\n			again = true\n", "",
	},
	{
		"erase before the outputs", "3", planGo,
		"		pl.behind(anyOutput) {\n", "		false {\n",
	},
	{
		"ready not re-marked after a repair", "2 3", planGo,
		"m.Places == pl.f.places(which).Digest()", "true",
	},
	{
		"lower generation written to an output", "6", trustGo,
		"case note.Generation > set.Generation:", "case false:",
	},
	{
		"wall clock trusted after a jump", "8", "rotation/clock.go",
		"case c.Service.IsZero() && c.Steady != nil && *c.Steady < longest:", "case false:",
	},
	{
		"retry without reading", "5 6", engineDir + "apply.go",
		"		p.pending = &attempt{set: set, base: p.head.ID, events: events, err: err}\n",
		"		again, _ := p.t.Store.Read(ctx, p.t.Secret)\n		_, err = p.t.Store.Write(ctx, p.t.Secret, doc, again.ID, note)\n",
	},
	{
		"conflict ignored", "5 6 10", engineDir + "apply.go",
		"		return nil // someone was faster: read what they did, and decide anew\n", "		p.saw(set)\n		p.tell(events)\n		return nil\n",
	},
	{
		"an output forgotten", "2 10", engineDir + "outputs.go",
		"	for i, o := range os.all {\n		before,", "	for i, o := range os.all[:max(0, len(os.all)-1)] {\n		before,",
	},
	{
		"a key begins where one was removed", "6", "rotation/remove.go",
		"return fresh == marker.Lineage ||", "return true ||",
	},
	{
		"outputs of a removed key stay", "4", engineDir + "remove.go",
		"out, err := p.cleanWithin(ctx, o)", "out, err := p.open(ctx, o)",
	},
	{
		"create when the head is unreadable", "6", engineDir + "read.go",
		"case errors.Is(err, providers.ErrUnreadable), errors.Is(err, providers.ErrUnsafe):\n		// guard 6: a store that lost the key is not filled anew\n		halt = failure(rotation.StoreFailure, err)",
		"case errors.Is(err, providers.ErrUnreadable):\n		p.head = providers.Revision{}",
	},
}

// Both tables are held against the code in plain `go test`, where it costs
// nothing.
func TestWhatIsPlantedStandsInTheCode(t *testing.T) {
	for _, p := range plants {
		overlay(t, p.file, p.old, p.planted)
	}
	for _, g := range incidentGuards {
		overlay(t, g.file, g.old, g.without)
	}
}

// Each planted bug is found, and its promise named. `make planted` sets
// ROTATE_PLANTED; each bug needs a build of its own.
func TestPlantedBugsAreFound(t *testing.T) {
	if os.Getenv("ROTATE_PLANTED") == "" {
		t.Skip("builds the simulation once a bug: run `make planted`")
	}
	verdict := regexp.MustCompile(`(?m)^\s*promise (\d+): .*$`)
	for _, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			out := simulate(t, p.test(), p.file, p.old, p.planted)
			found := verdict.FindStringSubmatch(out)
			if found == nil {
				t.Fatalf("not found:\n%s", out)
			}
			if !strings.Contains(" "+p.promises+" ", " "+found[1]+" ") {
				t.Errorf("found, but as another promise than %s: %s", p.promises, found[0])
			}
			t.Log(found[0])
		})
	}
}

// simulate builds the simulation with a piece of a source replaced, and runs it.
func simulate(t *testing.T, test, file, old, replacement string) string {
	t.Helper()
	list, root := overlay(t, file, old, replacement)
	binary := filepath.Join(t.TempDir(), "sim.test")
	build := exec.Command("go", "test", "-c", "-overlay="+list, "-o", binary, "./internal/test/sim")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, out)
	}
	run := exec.Command(binary, "-test.run=^"+test+"$", "-test.v")
	run.Env = append(os.Environ(), "ROTATE_SIM_SEED=1", "ROTATE_SIM_YEARS=60", "ROTATE_SIM_SHRINK=0")
	out, _ := run.CombinedOutput() // fails where a promise is broken
	return string(out)
}

// overlay writes what `go build -overlay` takes to replace a piece of a source.
func overlay(t *testing.T, file, old, replacement string) (list, root string) {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(src), old); n != 1 {
		t.Errorf("%q stands %d times in %s: this table is out of date", old, n, file)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(src), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	replace := fmt.Appendf(nil, `{"Replace":{%s:%s}}`, quote(t, filepath.Join(root, file)), quote(t, changed))
	list = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	return list, root
}

func quote(t *testing.T, s string) []byte {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
