package guards

// A guard is a piece of code that keeps a promise. Its name stands in the code,
// in a comment before it; see mark.
type guard struct {
	promise string // its number, or that of an incident in docs/how-it-is-tested.md
	what    string
	without change // takes it out
	tests   string // what has to notice, as `go test` takes it: packages, and -run before them
}

// name is what the comment in the code says.
func (g guard) name() string { return g.promise + ": " + g.what }

const core = "./rotation ./rotation/keyset ./rotation/engine"

var guards = []guard{
	{"1", "two current keys are refused", never, core},
	{"1", "no current key is refused", never, core},
	{"1", "nothing signs while a key is removed", never, core},
	{"1", "nothing begins to sign while a key is removed", never, core},
	{"2", "the document wants ready before a promotion", never, core},
	{"2", "promotion waits for the propagation", never, core},
	{"2", "promotion waits for the skew", call("$F($0-$this.Policy.Skew())"), core},
	{"2", "promotion wants a mark of the outputs as they are", always, core},
	{"2", "ready wants every output to carry next", never, core},
	{"2", "what was written to an output is read back", dropped, core},
	{"2", "an output counts once its readers were made to read it", dropped, "-run=^TestPromise2AKeyThatReaders ./rotation/engine"},
	{"2", "an older document that was covered begins the wait anew", always, "-run=^TestPromise2ACovered ./providers/azurekv"},
	{"2", "an older value that was covered in an output begins the wait anew", summand, "-run=^TestPromise2ACovered ./rotation/engine"},
	{"3", "the document refuses to retire too early", never, core},
	{"3", "a date is never shortened", call("$0"), core},
	{"3", "frequent rotations do not shorten what is promised", never, core},
	{"3", "retirement waits for the stored date", never, core},
	{"3", "retirement waits for the outputs", never, core},
	{"3", "the grace begins when the promotion was seen, not when it was written", never, core},
	{"3", "a value is kept while its key verifies", never, core},
	{"3", "the document refuses to end too early", never, core},
	{"3", "what is signed until the end was seen stays valid as long as was said", dropped, core},
	{"3", "so does what the key before has signed", never, core},
	{"3", "the end waits for the outputs", never, core},
	{"3", "the end waits for the last date", never, core},
	{"4", "a removal marks earlier revisions", dropped, core},
	{"4", "frequent rotations do not put retirement off", always, core},
	{"4", "superseded revisions are erased", becomes("$L := providers.Erasure{}, error(nil)"), core},
	{"4", "a removal is swept up after where the head stays", never, core},
	{"4", "a revision that cannot be erased stops no other", becomes("break"), core},
	{"4", "a value goes once its key is gone", becomes("return Stays"), core},
	{"4", "what a place still shows is not gone", never, core},
	{"4", "a place that could not be looked at proves nothing", never, core},
	{"4", "a place that no config names proves nothing", never, core},
	{"4", "the weakest place counts", always, core},
	{"4", "an erasure that was weaker than promised counts", never, core},
	{"4", "how gone a key was seen to be is noted for that removal alone", always, core},
	{"4", "a process that ends tells of a compromised key that is not gone", dropped, "-run=^TestPromise4(NotYet|Delayed) ./cmd/rotate"},
	{"4", "a kid is named only for what held it", always, core},
	{"4", "a pause changes no output, so it never holds a retirement", never, core},
	{"5", "due is counted from the end of the last rotation", dropped, core},
	{"5", "on Azure, who put a version looks whether it won", always, "./providers/azurekv"},
	{"5", "a request on record is not served again", never, core},
	{"5", "a request is about the key that was current", never, core},
	{"5", "the first write of a request records it", becomes("return $X, nil"), core},
	{"5", "a write goes on from what was read", call(onNewest), core},
	{"6", "what was served once is not served again", always, core},
	{"6", "a backup of a removed key is told", never, core},
	{"6", "the digest is checked", never, core},
	{"6", "the schema is checked", never, core},
	{"6", "duplicate members are refused", never, core},
	{"6", "a file output tells the generation that was written to it", becomes("$K: providers.Note{}"), "./providers/file"},
	{"6", "the name is checked", never, core},
	{"6", "what the audit file does not know of is not taken for nothing", never, "-run=^TestScripts$/^accept-audit$ ./cmd/rotate"},
	{"6", "the environment is checked", never, core},
	{"6", "the lineage is checked", never, core},
	{"6", "an older truth is noticed", never, core},
	{"6", "a store that lost the key is not filled anew", becomes("$this.head = providers.Revision{}"), core},
	{"6", "a lower generation is not written over a higher", never, core},
	{"6", "a stranger's value is not overwritten", never, core},
	{"6", "an output remembers a newer document", never, core},
	{"6", "an output remembers a lost store", never, core},
	{"6", "a key that was renamed is told from one that is new", never, core},
	{"6", "only the generation that was looked at is accepted", never, core},
	{"6", "what an output knows as revoked is not accepted", call("$F($0)"), core},
	{"6", "a newer rotate's document is only read", never, core},
	{"7", "material prints as [secret]", becomes("return $this.Reveal(), nil"), "./secret ./rotation/keyset"},
	{"7", "a panic is told by its type", call("$F(`%v`, $1)"), "./internal/bug"},
	{"7", "the error of a call does not have the address", becomes("return $0"), "-run=^TestPromise7NoAddress ./internal/notify"},
	{"8", "clocks that disagree stop everything", never, core},
	{"8", "what cannot wait for the clocks to agree carries the store's time", never, core},
	{"8", "a jump counts only whole waits", never, core},
	{"8", "a clock behind the document is wrong", never, core},
	{"8", "the end of a wait takes the earlier clock", never, core},
	{"8", "the jump is seen", never, core},
	{"8", "another's mark is not made anew while its wait runs", never, core},
	{"8", "another's mark is made anew once its wait is over", both(summand, always), core},
	{"9", "promotion drops the private half", dropped, core},
	{"9", "a private half that only verifies is refused", never, core},
	{"9", "revisions with a dropped private half go at once", never, core},
	{"9", "stray private members are refused", never, core},
	{"10", "a lost reply is not an error of the pass if the write landed", always, core},
	{"10", "an output is recorded before it is written", never, core},
	{"10", "a lost race is planned anew", never, core},
	{"incident 8", "a lock is the file that others find", always, "-run=^TestIncident08 ./providers/file"},
	{"incident 9", "a lock is the kernel's and not a file that is left over", call("$F($0, $1|os.O_EXCL, $2)"), "-run=^TestIncident09 ./providers/file"},
	{"incident 10", "lines of a kind are logged once a minute", never, "-run=^TestIncident10 ./rotation/scheduler"},
	{"incident 14", "a secret without a version is nothing stored yet", never, "-run=^TestIncident14 ./cmd/rotate"},
	{"incident 18", "a zone's firings are counted on a clock that no one changes", becomes("$0.Location = $1\nreturn $0, nil"), "-run=^TestIncident18 ./rotation/scheduler"},
	{"incident 19", "due is in whole seconds", call("$X"), "-run=^TestIncident19 ./rotation"},
	{"incident 21", "the next rotation counts from the late one", becomes("$L = $2"), "-run=^TestIncident21 ./rotation/scheduler"},
	{"incident 22", "what came due since the last pass shows", never, "-run=^TestIncident22 ./internal/live"},
	{"incident 24", "a panic is over with its pass", dropped, "-run=^TestIncident24 ./rotation/scheduler"},
	{"incident 25", "a token near its last day is not renewed but replaced", always, "-run=^TestIncident25 ./providers/vaultkv"},
	{"incident 26", "a right that is missing is named", dropped, "-run=^TestIncident26 ./cmd/rotate"},
	{"incident 28", "keys of one schedule are spread", dropped, "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 28", "a service is left alone for as long as it asks", call("$0"), "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 29", "a replica that is not in sync is waited for", never, "-run=^TestIncident29 ./providers/awssm"},
	{"incident 32", "no core is written", call("error(nil)"), "-run=^TestIncident32 ./cmd/rotate"},
	{"incident 32", "no other process reads the memory", call("error(nil)"), "-run=^TestIncident32 ./cmd/rotate"},
	{"incident 33", "a cut text is not what was read, and not written over", never, "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "an empty file is not a key", never, "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "a text is made beside the head and renamed", call(byteByByte), "-run=^TestIncident33Killed ./providers/file"},
}

// onNewest writes over whatever is there now, in place of what was read before.
const onNewest = `$F($0, $1, $2, func() providers.RevisionID {
	newest, _ := $X.Read($0, $1)
	return newest.ID
}(), $4)`

// byteByByte writes over a file in place where the code renames another to it.
const byteByByte = `true, func() error {
	whole, failure := os.ReadFile($0)
	if failure != nil {
		return failure
	}
	file, failure := os.OpenFile($1, os.O_WRONLY|os.O_TRUNC, 0)
	if failure != nil {
		return failure
	}
	defer file.Close()
	for at := range whole {
		if _, failure := file.Write(whole[at : at+1]); failure != nil {
			return failure
		}
	}
	return nil
}()`
