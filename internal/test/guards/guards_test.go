// Package guards takes the guards of the ten promises out of the code, one at a
// time, and holds that a test of that promise then fails. It runs with
// `make guards`; the sources are replaced by an overlay and stay as they are.
package guards

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A guard is a piece of code that keeps a promise.
type guard struct {
	promise string // its number, or that of an incident in docs/how-it-is-tested.md
	what    string
	file    string
	old     string // stands in the file exactly once
	without string // what stands there instead
	tests   string // what has to notice, as `go test` takes it: packages, and -run before them
}

const (
	core   = "./rotation ./rotation/keyset ./rotation/engine"
	plan   = "rotation/plan.go"
	clock  = "rotation/clock.go"
	erase  = "rotation/erase.go"
	set    = "rotation/keyset/"
	engine = "rotation/engine/"
)

var guards = []guard{
	{"1", "two current keys are refused", set + "parse.go", "case count[Current] > 1:", "case false:", core},
	{"1", "no current key is refused", set + "parse.go", "case count[Current] == 0:", "case false:", core},
	{"2", "promotion waits for the propagation", plan, "!pl.seen(pl.set.Ready, next.Kid, carriesNext) || pl.early.Before(pl.known())", "!pl.seen(pl.set.Ready, next.Kid, carriesNext)", core},
	{"2", "promotion waits for the skew", plan, "pl.set.Ready.At.Add(pl.p.Propagation + pl.p.Skew())", "pl.set.Ready.At.Add(pl.p.Propagation)", core},
	{"2", "promotion wants a mark of the outputs as they are", plan, "m != nil && m.Kid == kid && m.Places == pl.f.places(which).Digest()", "m != nil && m.Kid == kid", core},
	{"2", "ready wants every output to carry next", plan, `if !ok || pl.behind(carriesNext) != "" || pl.seen(pl.set.Ready, next.Kid, carriesNext) {`, `if !ok || pl.seen(pl.set.Ready, next.Kid, carriesNext) {`, core},
	{"2", "the document wants ready before a promotion", set + "transitions.go", "if !ok || s.Ready == nil || s.Ready.Kid != next.Kid {", "if !ok {", core},
	{"2", "what was written to an output is read back", engine + "outputs.go", "*got.wrote\n			again = true\n", "*got.wrote\n", core},
	{"2", "an older document that was covered begins the wait anew", plan, "return !pl.f.Covered && m != nil", "return m != nil", "-run=^TestPromise2ACovered ./providers/azurekv"},
	{"2", "an older value that was covered in an output begins the wait anew", engine + "outputs.go", "string(got.revision) + got.copy", "string(got.revision)", "-run=^TestPromise2ACovered ./rotation/engine"},
	{"3", "retirement waits for the stored date", plan, "k.Expires.IsZero() || pl.early.Before(k.Expires.Add(pl.p.Skew()))", "k.Expires.IsZero()", core},
	{"3", "the document refuses to retire too early", set + "transitions.go", "if k.Expires.IsZero() || at.Before(k.Expires) {", "if false {", core},
	{"3", "retirement waits for the outputs", plan, `if pl.doubt(pl.p.Grace) != "" || pl.behind(anyOutput) != "" {`, `if pl.doubt(pl.p.Grace) != "" {`, core},
	{"3", "the grace begins when the promotion was seen, not when it was written", plan, `if len(pl.set.Previous()) == 0 || pl.behind(anyOutput) != "" || pl.seen(`, `if len(pl.set.Previous()) == 0 || pl.seen(`, core},
	{"3", "a date is never shortened", set + "marks.go", "latest(seconds(n.Settled.At.Add(grace)), k.Expires, k.NotBefore)", "seconds(n.Settled.At.Add(grace))", core},
	{"4", "superseded revisions are erased", engine + "sweep.go", "erased, err := d.store.Erase(ctx, d.secret, rev.ID, d.head)", "erased, err := providers.Erasure{}, error(nil)", core},
	{"4", "a removal marks earlier revisions", set + "transitions.go", "	s.Dropped = s.Generation\n", "", core},
	{"4", "a removal is swept up after where the head stays", engine + "sweep.go", " || m.dropped != dropped", "", core},
	{"4", "a revision that cannot be erased stops no other", engine + "sweep.go", "			failed = append(failed, err)\n			continue\n", "			failed = append(failed, err)\n			break\n", core},
	{"5", "a request on record is not served again", plan, "if _, known := pl.set.Recorded(r.ID); known {", "if false {", core},
	{"5", "a request is about the key that was current", plan, "if r == nil || r.From != pl.set.Signing().Kid {", "if r == nil {", core},
	{"5", "the first write of a request records it", engine + "apply.go", "	return s.With(*r, step.At)\n", "	return s, nil\n", core},
	{"5", "due is counted from the end of the last rotation", "rotation/policy.go", "from = nbf.Add(p.Grace + p.Propagation)", "from = nbf", core},
	{"5", "a write goes on from what was read", engine + "apply.go", "doc, p.head.ID, note)", "doc, func() providers.RevisionID { r, _ := p.t.Store.Read(ctx, p.t.Secret); return r.ID }(), note)", core},
	{"6", "the digest is checked", set + "parse.go", "if s.Digest != digest {", "if s.Digest != digest && false {", core},
	{"6", "the schema is checked", set + "parse.go", `if tree["schema"] != Schema {`, "if false {", core},
	{"6", "duplicate members are refused", set + "tree.go", "if _, twice := m[name.(string)]; twice {", "if false {", core},
	{"6", "the name is checked", engine + "read.go", "case set.Name != p.t.Name:", "case false:", core},
	{"6", "the environment is checked", engine + "read.go", "case set.Environment != p.t.Environment:", "case false:", core},
	{"6", "the lineage is checked", engine + "read.go", "case lineage != set.Lineage:", "case false:", core},
	{"6", "an older truth is noticed", engine + "read.go", "case !set.Follows(w) && !p.restoring:", "case false:", core},
	{"6", "a store that lost the key is not filled anew", engine + "read.go", "errors.Is(err, providers.ErrUnreadable), errors.Is(err, providers.ErrUnsafe):\n		halt = p.advise(withoutHint(err))", "errors.Is(err, providers.ErrUnreadable):\n		p.head = providers.Revision{}", core},
	{"6", "a lower generation is not written over a higher", engine + "outputs.go", "case rev.Note.Generation > set.Generation:", "case false:", core},
	{"6", "a stranger's value is not overwritten", engine + "outputs.go", `case rev.Note.Lineage == "":`, "case false:", core},
	{"6", "an output remembers a newer document", engine + "outputs.go", "			if n.Generation > p.result.Set.Generation {", "			if false {", core},
	{"6", "an output remembers a lost store", engine + "engine.go", "p.result.Set == nil && p.remembered(ctx)", "false", core},
	{"6", "only the generation that was looked at is accepted", engine + "accept.go", "case found.Set.Generation != generation:", "case false:", core},
	{"6", "what an output knows as revoked is not accepted", engine + "accept.go", "slices.Concat(revoke, found.Revoked)", "slices.Clone(revoke)", core},
	{"7", "material prints as [secret]", "secret/secret.go", "func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }", "func (t Text) MarshalText() ([]byte, error) { return t.Reveal(), nil }", "./secret ./rotation/keyset"},
	{"7", "a panic is told by its type", "internal/bug/bug.go", `fmt.Sprintf("%T", v)`, `fmt.Sprintf("%v", v)`, "./internal/bug"},
	{"8", "clocks that disagree stop everything", clock, "case c.apart():", "case false:", core},
	{"8", "what cannot wait for the clocks to agree carries the store's time", clock, "	if c.apart() {\n", "	if false {\n", core},
	{"8", "a jump counts only whole waits", clock, "case c.Service.IsZero() && c.Steady != nil && *c.Steady < longest:", "case false:", core},
	{"8", "a clock behind the document is wrong", clock, "case newest.Sub(c.Early()) > Skew:", "case false:", core},
	{"8", "the end of a wait takes the earlier clock", clock, "if !c.Service.IsZero() && c.Service.Before(c.Wall) {", "if false {", core},
	{"8", "the jump is seen", engine + "clock.go", "	if jump {\n", "	if false {\n", core},
	{"9", "promotion drops the private half", set + "transitions.go", "append([]Key{next, old.withoutPrivate()}, s.Previous()...)", "append([]Key{next, old}, s.Previous()...)", core},
	{"9", "a private half that only verifies is refused", set + "parse.go", "if k.Private() && !k.Alg.Symmetric() {", "if false {", core},
	{"9", "revisions with a dropped private half go at once", set + "transitions.go", "	if !old.Alg.Symmetric() {\n		n.Dropped = n.Generation\n	}\n", "", core},
	{"10", "a lost reply is not an error of the pass if the write landed", engine + "apply.go", "	if p.head.ID == tried.base {\n		return tried.err\n	}\n", "	if true {\n		return tried.err\n	}\n", core},
	{"3", "frequent rotations do not shorten what is promised", set + "marks.go", "if k.Expires.IsZero() || again && replaced {", "if k.Expires.IsZero() || again && replaced && false {", core},
	{"4", "frequent rotations do not put retirement off", set + "marks.go", "if k.Expires.IsZero() || again && replaced {", "if k.Expires.IsZero() || again && replaced || true {", core},
	{"6", "a newer rotate's document is only read", engine + "read.go", "case set.Writable() != nil:", "case false:", core},
	{"9", "stray private members are refused", set + "parse.go", "		if m.has(name) {", "		if false {", core},
	{"5", "on Azure, who put a version looks whether it won", "providers/azurekv/write.go", "		case head:\n", "		case head || true:\n", "./providers/azurekv"},
	{"incident 8", "a lock is the file that others find", "providers/file/lock.go", "return err == nil && os.SameFile(ours, theirs)", "return err == nil && (true || os.SameFile(ours, theirs))", "-run=^TestIncident08 ./providers/file"},
	{"incident 9", "a lock is the kernel's and not a file that is left over", "providers/file/lock.go", "os.O_RDWR|os.O_CREATE, 0)", "os.O_RDWR|os.O_CREATE|os.O_EXCL, 0)", "-run=^TestIncident09 ./providers/file"},
	{"incident 10", "lines of a kind are logged once a minute", "rotation/scheduler/log.go", "case now.Sub(said.at) < quiet:", "case false:", "-run=^TestIncident10 ./rotation/scheduler"},
	{"incident 14", "a secret without a version is nothing stored yet", "providers/awssm/awssm.go", "case len(st.versions) == 0:", "case false:", "-run=^TestIncident14 ./cmd/rotate"},
	{"incident 25", "a token near its last day is not renewed but replaced", "providers/vaultkv/auth.go", "(g.life >= s.full/2 || s.auth.Method == \"token\")", "g.life >= 0", "-run=^TestIncident25 ./providers/vaultkv"},
	{"incident 26", "a right that is missing is named", "providers/awssm/probe.go", "missing, first = append(missing, \"secretsmanager:\"+c.action), errors.Join(first, err)", "", "-run=^TestIncident26 ./cmd/rotate"},
	{"incident 29", "a replica that is not in sync is waited for", "providers/awssm/state.go", "if r.Status != \"InSync\" {", "if false {", "-run=^TestIncident29 ./providers/awssm"},
	{"incident 18", "a zone's firings are counted on a clock that no one changes", "rotation/scheduler/schedule.go", "return zoned{clock: s, zone: zone}, nil", "s.Location = zone\n		return s, nil", "-run=^TestIncident18 ./rotation/scheduler"},
	{"incident 19", "due is in whole seconds", "rotation/policy.go", ".UTC().Truncate(time.Second)", ".UTC()", "-run=^TestIncident19 ./rotation"},
	{"incident 21", "the next rotation counts from the late one", set + "transitions.go", "next.NotBefore = latest(seconds(at), next.Issued, old.NotBefore)", "next.NotBefore = old.NotBefore", "-run=^TestIncident21 ./rotation/scheduler"},
	{"incident 22", "what came due since the last pass shows", "internal/live/live.go", "if step.Do != rotation.Wait {", "if false {", "-run=^TestIncident22 ./internal/live"},
	{"incident 24", "a panic is over with its pass", "rotation/scheduler/pass.go", "if v := recover(); v != nil {", "if v := any(nil); v != nil {", "-run=^TestIncident24 ./rotation/scheduler"},
	{"incident 28", "keys of one schedule are spread", "rotation/policy.go", "due.Add(p.Jitter).UTC()", "due.UTC()", "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 28", "a service is left alone for as long as it asks", "rotation/scheduler/key.go", "max(k.backoff(), asked(err))", "k.backoff()", "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 32", "no core is written", "cmd/rotate/harden_linux.go", "unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})", "error(nil)", "-run=^TestIncident32 ./cmd/rotate"},
	{"incident 32", "no other process reads the memory", "cmd/rotate/harden_linux.go", "unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)", "error(nil)", "-run=^TestIncident32 ./cmd/rotate"},
	{"incident 33", "a cut text is not what was read, and not written over", "providers/file/write.go", "if head.ID != saw {", "if false {", "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "an empty file is not a key", "providers/file/head.go", "case len(text) == 0:", "case false:", "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "a text is made beside the head and renamed", "providers/file/write.go", "replace(p.temp, p.head)", "true, func() error {\n		f, err := os.OpenFile(p.head, os.O_WRONLY|os.O_TRUNC, 0)\n		if err != nil {\n			return err\n		}\n		defer f.Close()\n		for i := range text {\n			if _, err := f.Write(text[i : i+1]); err != nil {\n				return err\n			}\n		}\n		return nil\n	}()", "-run=^TestIncident33Killed ./providers/file"},
	{"8", "another's mark is not made anew while its wait runs", plan, "if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {", "if false {", core},
	{"8", "another's mark is made anew once its wait is over", plan, "if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {", "until = m.At.Add(wait); if true {", core},
	{"10", "an output is recorded before it is written", engine + "engine.go", "	if p.unrecorded() {\n", "	if false {\n", core},
	{"3", "a value is kept while its key verifies", erase, "case k.Status == keyset.Previous:", "case false:", "-run=^TestPromise234 ./cmd/rotate"},
	{"4", "a value goes once its key is gone", erase, "	}\n	return MustGo\n", "	}\n	return Stays\n", "-run=^TestPromise234 ./cmd/rotate"},
	{"6", "a file output tells the generation that was written to it", "providers/file/output.go", "Note: providers.Note(side.Note), Created: info.ModTime(),", "Created: info.ModTime(),", "./providers/file"},
	{"10", "a lost race is planned anew", engine + "apply.go", "return nil // someone was faster: read what they did, and decide anew", "return err", core},
}

// The table is held against the code in plain `go test`, where it costs nothing.
func TestEveryGuardStandsInTheCode(t *testing.T) {
	for _, g := range guards {
		src, err := os.ReadFile(filepath.Join("../../..", g.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(src), g.old); n != 1 {
			t.Errorf("%s %s: stands %d times in %s", g.promise, g.what, n, g.file)
		}
	}
}

func TestEveryGuardIsTested(t *testing.T) {
	if os.Getenv("ROTATE_GUARDS") == "" {
		t.Skip("builds the core once a guard: run `make guards`")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guards {
		t.Run(g.promise+" "+g.what, func(t *testing.T) {
			out, failed := without(t, root, g)
			if !failed {
				t.Fatal("taken out, and every test passes")
			}
			if strings.Contains(out, "[build failed]") {
				t.Fatalf("taken out, it does not compile:\n%s", out)
			}
			t.Log(firstFailure(out))
		})
	}
}

// without runs the tests with a guard taken out.
func without(t *testing.T, root string, g guard) (out string, failed bool) {
	t.Helper()
	file := filepath.Join(root, g.file)
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(src), g.old, g.without, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"test", "-vet=off", "-failfast", "-timeout=2m", "-overlay=" + list}, strings.Fields(g.tests)...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	b, err := cmd.CombinedOutput()
	return string(b), err != nil
}

func firstFailure(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "--- FAIL") {
			return strings.TrimSpace(line)
		}
	}
	return "fails"
}
