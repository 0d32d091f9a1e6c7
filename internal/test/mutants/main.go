// Mutants changes the core one operator at a time and tells which changes no
// test notices. `make mutants` runs it.
//
// Most mutants are made by gremlins, which runs a package's own tests on each. It
// leaves out whatever lies between the blocks of Go's coverage, the conditions
// of a switch among it, so those are made and tried here. A list of ours adds
// what changes of an operator do not reach; see ours.go.
//
// A mutant is killed if a test fails. One that does not compile is none. All
// others survive, a timeout included: survivors.txt lists each with the reason.
// The run fails where that list and the truth differ, or where a score is below
// its goal.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

var root = "." // of the module

// goals are the packages in the order in which they are tried, and the share of
// their mutants that has to be killed, in percent.
var goals = []struct {
	pkg  string
	goal float64
}{
	{"rotation/keyset", 95},
	{"rotation", 95},
	{"rotation/engine", 85},
}

const list = "internal/test/mutants/survivors.txt"

func main() {
	only := flag.String("only", "", "packages to try, with commas between, or ours; all if it is not set")
	gremlins := flag.String("gremlins", "", "the gremlins program, with its version, as go run takes it")
	flag.Parse()
	asked := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	if err := run(*gremlins, func(name string) bool { return len(asked) == 0 || slices.Contains(asked, name) }); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(gremlins string, wanted func(string) bool) error {
	listed, err := readList(list)
	if err != nil {
		return err
	}
	var errs []error
	var killed, lived int
	for _, g := range goals {
		if !wanted(g.pkg) {
			continue
		}
		all, err := try(gremlins, g.pkg)
		if err != nil {
			return err
		}
		survivors, score := count(all)
		killed, lived = killed+len(all)-len(survivors), lived+len(survivors)
		fmt.Printf("== %s: %d of %d mutants killed, %.1f %%, goal %.0f %%\n", g.pkg, len(all)-len(survivors), len(all), score, g.goal)
		if score < g.goal {
			errs = append(errs, fmt.Errorf("%s: %.1f %% is below the goal of %.0f %%: write tests that fail on the survivors", g.pkg, score, g.goal))
		}
		errs = append(errs, compare(g.pkg, survivors, listed)...)
	}
	if wanted("ours") {
		k, failed := tryOurs()
		killed, lived = killed+k, lived+len(failed)
		errs = append(errs, failed...)
	}
	fmt.Printf("%d passed, %d failed\n", killed, lived)
	return errors.Join(errs...)
}

// A mutant is one change of one operator.
type mutant struct {
	where string // package, function, kind and the expression, as survivors.txt has it
	at    string // file and line, for people
	fate  string // in gremlins' words
}

// The fates of a mutant.
const (
	fateKilled     = "KILLED"
	fateLived      = "LIVED"
	fateNotCovered = "NOT COVERED"
	fateTimedOut   = "TIMED OUT"
	fateNotViable  = "NOT VIABLE"
)

// try makes all mutants of a package, in the order of the source.
func try(gremlins, pkg string) ([]mutant, error) {
	found, err := unleash(gremlins, pkg)
	if err != nil {
		return nil, err
	}
	var all []mutant
	names := map[string]int{}
	for _, f := range found {
		m, err := f.resolve(pkg)
		if err != nil {
			return nil, err
		}
		if names[m.where]++; names[m.where] > 1 {
			m.where += fmt.Sprintf(" #%d", names[m.where])
		}
		if m.fate == fateNotCovered {
			if m.fate, err = f.try(pkg); err != nil {
				return nil, err
			}
		}
		if m.fate != fateNotViable {
			all = append(all, m)
		}
		if m.fate != fateKilled {
			fmt.Printf("%-9s %s: %s\n", m.fate, m.at, m.where)
		}
	}
	return all, nil
}

// count returns the mutants that no test has killed, and the share of the others
// in percent.
func count(all []mutant) (survivors []mutant, score float64) {
	for _, m := range all {
		if m.fate != fateKilled {
			survivors = append(survivors, m)
		}
	}
	return survivors, 100 * float64(len(all)-len(survivors)) / float64(max(len(all), 1))
}

// compare holds the survivors of a package against the list.
func compare(pkg string, survivors []mutant, listed map[string]string) (errs []error) {
	alive := map[string]bool{}
	for _, m := range survivors {
		alive[m.where] = true
		if listed[m.where] == "" {
			errs = append(errs, fmt.Errorf("%s: survived and is not listed: write a test that fails, or add this to %s with the reason:\n%s\n\tREASON", m.at, list, m.where))
		}
	}
	for where := range listed {
		if strings.HasPrefix(where, pkg+" ") && !alive[where] {
			errs = append(errs, fmt.Errorf("%s: this mutant is killed or is no more; take it out of the list:\n%s", list, where))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}

// readList reads the survivors that are known: a line each, and its reason in
// the lines below it, which begin with a tab.
func readList(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w (run it from the root of the module)", err)
	}
	reasons := map[string]string{}
	var last string
	for n, line := range strings.Split(string(data), "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t") && last != "":
			reasons[last] = strings.TrimSpace(reasons[last] + " " + strings.TrimSpace(line))
		default:
			if _, twice := reasons[line]; twice {
				return nil, fmt.Errorf("%s:%d: %s is listed twice", path, n+1, line)
			}
			last, reasons[line] = line, ""
		}
	}
	for where, reason := range reasons {
		if reason == "" {
			return nil, fmt.Errorf("%s: %s has no reason", path, where)
		}
	}
	return reasons, nil
}
