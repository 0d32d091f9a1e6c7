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
	{"2", "the document wants ready before a promotion", never, core},
	{"3", "the document refuses to retire too early", never, core},
	{"3", "a date is never shortened", call("$0"), core},
	{"4", "a removal marks earlier revisions", dropped, core},
	{"4", "superseded revisions are erased", call("providers.Erasure{}, error(nil)"), core},
	{"4", "a removal is swept up after where the head stays", never, core},
	{"4", "a revision that cannot be erased stops no other", becomes("break"), core},
	{"3", "a value is kept while its key verifies", never, core},
	{"4", "a value goes once its key is gone", becomes("return Stays"), core},
	{"4", "what a place still shows is not gone", never, core},
	{"4", "a place that could not be looked at proves nothing", never, core},
	{"4", "a place that no config names proves nothing", never, core},
	{"4", "the weakest place counts", always, core},
	{"4", "an erasure that was weaker than promised counts", never, core},
	{"4", "how gone a key was seen to be is noted for that removal alone", always, core},
	{"4", "a kid is named only for what held it", always, core},
	{"5", "due is counted from the end of the last rotation", dropped, core},
	{"6", "the digest is checked", never, core},
	{"6", "the schema is checked", never, core},
	{"6", "duplicate members are refused", never, core},
	{"7", "material prints as [secret]", becomes("return $this.Reveal(), nil"), "./secret ./rotation/keyset"},
	{"7", "a panic is told by its type", call("$F(`%v`, $1)"), "./internal/bug"},
	{"9", "promotion drops the private half", dropped, core},
	{"9", "a private half that only verifies is refused", never, core},
	{"9", "revisions with a dropped private half go at once", never, core},
	{"3", "frequent rotations do not shorten what is promised", never, core},
	{"4", "frequent rotations do not put retirement off", always, core},
	{"9", "stray private members are refused", never, core},
	{"5", "on Azure, who put a version looks whether it won", always, "./providers/azurekv"},
	{"incident 8", "a lock is the file that others find", always, "-run=^TestIncident08 ./providers/file"},
	{"incident 9", "a lock is the kernel's and not a file that is left over", call("$F($0, $1|os.O_EXCL, $2)"), "-run=^TestIncident09 ./providers/file"},
	{"incident 10", "lines of a kind are logged once a minute", never, "-run=^TestIncident10 ./rotation/scheduler"},
	{"incident 14", "a secret without a version is nothing stored yet", never, "-run=^TestIncident14 ./cmd/rotate"},
	{"incident 25", "a token near its last day is not renewed but replaced", always, "-run=^TestIncident25 ./providers/vaultkv"},
	{"incident 26", "a right that is missing is named", dropped, "-run=^TestIncident26 ./cmd/rotate"},
	{"incident 29", "a replica that is not in sync is waited for", never, "-run=^TestIncident29 ./providers/awssm"},
	{"incident 18", "a zone's firings are counted on a clock that no one changes", becomes("$0.Location = $1\nreturn $0, nil"), "-run=^TestIncident18 ./rotation/scheduler"},
	{"incident 19", "due is in whole seconds", call("$X"), "-run=^TestIncident19 ./rotation"},
	{"incident 21", "the next rotation counts from the late one", becomes("$L = $2"), "-run=^TestIncident21 ./rotation/scheduler"},
	{"incident 24", "a panic is over with its pass", dropped, "-run=^TestIncident24 ./rotation/scheduler"},
	{"incident 28", "keys of one schedule are spread", dropped, "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 28", "a service is left alone for as long as it asks", call("$0"), "-run=^TestIncident28 ./rotation/scheduler"},
	{"incident 33", "a cut text is not what was read, and not written over", never, "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "an empty file is not a key", never, "-run=^TestIncident33Torn ./providers/file"},
	{"incident 33", "a text is made beside the head and renamed", call(byteByByte), "-run=^TestIncident33Killed ./providers/file"},
	{"6", "a file output tells the generation that was written to it", becomes("$K: providers.Note{}"), "./providers/file"},
}

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
