package guards

// Guards that are not marked in the code yet: they quote it.
type unmarkedGuard struct {
	promise, what, file string
	old                 string // stands in the file exactly once
	without             string // what stands there instead
	tests               string
}

const (
	plan   = "rotation/plan.go"
	clock  = "rotation/clock.go"
	engine = "rotation/engine/"
)

var unmarked = []unmarkedGuard{
	{"2", "promotion waits for the propagation", plan, "!pl.seen(pl.set.Ready, next.Kid, carriesNext) || pl.early.Before(pl.known())", "!pl.seen(pl.set.Ready, next.Kid, carriesNext)", core},
	{"2", "promotion waits for the skew", plan, "pl.set.Ready.At.Add(pl.p.Propagation + pl.p.Skew())", "pl.set.Ready.At.Add(pl.p.Propagation)", core},
	{"2", "promotion wants a mark of the outputs as they are", plan, "m != nil && m.Kid == kid && m.Places == pl.f.places(which).Digest()", "m != nil && m.Kid == kid", core},
	{"2", "ready wants every output to carry next", plan, `if !ok || pl.behind(carriesNext) != "" || pl.seen(pl.set.Ready, next.Kid, carriesNext) {`, `if !ok || pl.seen(pl.set.Ready, next.Kid, carriesNext) {`, core},
	{"2", "what was written to an output is read back", engine + "outputs.go", "*got.wrote\n			again = true\n", "*got.wrote\n", core},
	{"2", "an older document that was covered begins the wait anew", plan, "return !pl.f.Covered && m != nil", "return m != nil", "-run=^TestPromise2ACovered ./providers/azurekv"},
	{"2", "an older value that was covered in an output begins the wait anew", engine + "outputs.go", "string(got.revision) + got.copy", "string(got.revision)", "-run=^TestPromise2ACovered ./rotation/engine"},
	{"3", "retirement waits for the stored date", plan, "k.Expires.IsZero() || pl.early.Before(k.Expires.Add(pl.p.Skew()))", "k.Expires.IsZero()", core},
	{"3", "retirement waits for the outputs", plan, `if pl.doubt(pl.p.Grace) != "" || pl.behind(anyOutput) != "" {`, `if pl.doubt(pl.p.Grace) != "" {`, core},
	{"3", "the grace begins when the promotion was seen, not when it was written", plan, `if len(pl.set.Previous()) == 0 || pl.behind(anyOutput) != "" || pl.seen(`, `if len(pl.set.Previous()) == 0 || pl.seen(`, core},
	{"5", "a request on record is not served again", plan, "if _, known := pl.set.Recorded(r.ID); known {", "if false {", core},
	{"5", "a request is about the key that was current", plan, "if r == nil || r.From != pl.set.Signing().Kid {", "if r == nil {", core},
	{"5", "the first write of a request records it", engine + "apply.go", "	return s.With(*r, step.At)\n", "	return s, nil\n", core},
	{"5", "a write goes on from what was read", engine + "apply.go", "doc, p.head.ID, note)", "doc, func() providers.RevisionID { r, _ := p.t.Store.Read(ctx, p.t.Secret); return r.ID }(), note)", core},
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
	{"8", "clocks that disagree stop everything", clock, "case c.apart():", "case false:", core},
	{"8", "what cannot wait for the clocks to agree carries the store's time", clock, "	if c.apart() {\n", "	if false {\n", core},
	{"8", "a jump counts only whole waits", clock, "case c.Service.IsZero() && c.Steady != nil && *c.Steady < longest:", "case false:", core},
	{"8", "a clock behind the document is wrong", clock, "case newest.Sub(c.Early()) > Skew:", "case false:", core},
	{"8", "the end of a wait takes the earlier clock", clock, "if !c.Service.IsZero() && c.Service.Before(c.Wall) {", "if false {", core},
	{"8", "the jump is seen", engine + "clock.go", "	if jump {\n", "	if false {\n", core},
	{"10", "a lost reply is not an error of the pass if the write landed", engine + "apply.go", "	if p.head.ID == tried.base {\n		return tried.err\n	}\n", "	if true {\n		return tried.err\n	}\n", core},
	{"6", "a newer rotate's document is only read", engine + "read.go", "case set.Writable() != nil:", "case false:", core},
	{"incident 22", "what came due since the last pass shows", "internal/live/live.go", "if step.Do != rotation.Wait {", "if false {", "-run=^TestIncident22 ./internal/live"},
	{"incident 32", "no core is written", "cmd/rotate/harden_linux.go", "unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})", "error(nil)", "-run=^TestIncident32 ./cmd/rotate"},
	{"incident 32", "no other process reads the memory", "cmd/rotate/harden_linux.go", "unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)", "error(nil)", "-run=^TestIncident32 ./cmd/rotate"},
	{"8", "another's mark is not made anew while its wait runs", plan, "if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {", "if false {", core},
	{"8", "another's mark is made anew once its wait is over", plan, "if until = m.At.Add(wait + 2*pl.p.Skew()); pl.early.Before(until) {", "until = m.At.Add(wait); if true {", core},
	{"10", "an output is recorded before it is written", engine + "engine.go", "	if p.unrecorded() {\n", "	if false {\n", core},
	{"10", "a lost race is planned anew", engine + "apply.go", "return nil // someone was faster: read what they did, and decide anew", "return err", core},
}
