// Command licences collects the terms of everything that is linked into rotate, and
// refuses what may not be shipped with it. It writes them to a file that every
// archive and package brings along.
//
// What counts is what is linked: the packages of `go list -deps` for each system that
// a release is made for, the licence files from a package's folder up to its module's,
// and those of Go itself. Each module needs a licence that licensecheck recognises,
// and each one found must be in the list below.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed is the licences that may be linked into a program under Apache-2.0: those
// that ask for their text and notices alone, and MPL-2.0, which asks for the source
// of its own files, too. The file says where that is.
var allowed = map[string]bool{
	"Apache-2.0": true, "BSD-2-Clause": true, "BSD-3-Clause": true, "ISC": true, "MIT": true, "MPL-2.0": true,
	"GooglePatentsFile": true, // a grant beside the licence
	"Unicode-DFS-2015":  true, "Unicode-DFS-2016": true, "Unicode-3.0": true,
}

// named are the files that hold terms; of these, NOTICE and PATENTS belong to a
// licence and are none by themselves.
var (
	named  = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|unlicen[cs]e|copyright|notice|patents)([-_.].*)?$`)
	notice = regexp.MustCompile(`(?i)^(notice|copyright|patents)`)
)

// covered is the part of a licence file, in percent, that has to be known text. The
// rest is names, years and headings.
const covered = 75

func main() {
	root := flag.String("C", ".", "folder of the module")
	out := flag.String("o", "", "file to write")
	targets := flag.String("targets", "linux/amd64", "systems, as GOOS/GOARCH, with commas")
	flag.Parse()
	if err := run(*root, *out, strings.Split(*targets, ","), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// run collects the terms of packages for targets into the file out.
func run(root, out string, targets, packages []string) error {
	modules := map[string]*module{}
	for _, target := range targets {
		if err := list(modules, root, target, packages); err != nil {
			return err
		}
	}
	if len(modules) == 0 {
		return errors.New("no module is linked: are the packages named after the flags?")
	}
	goroot, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	dir, version, _ := strings.Cut(strings.TrimSpace(string(goroot)), "\n")
	modules["Go"] = &module{Path: "Go, its standard library", Version: version, Dir: dir, folders: map[string]bool{dir: true}}
	var text bytes.Buffer
	counts, err := collect(&text, modules)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, text.Bytes(), 0o644); err != nil { //nolint:gosec // everyone may read it
		return err
	}
	fmt.Printf("%s: %d modules:", out, len(modules))
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf(" %s %d", id, counts[id])
	}
	fmt.Println()
	return nil
}

// A module is one that something is linked from.
type module struct {
	Path, Version, Dir string
	Main               bool
	folders            map[string]bool // those of its linked packages, and all above them
}

// list adds the modules that packages are made of on one target.
func list(modules map[string]*module, root, target string, packages []string) error {
	system, arch, ok := strings.Cut(target, "/")
	if !ok {
		return fmt.Errorf("%q is not GOOS/GOARCH", target)
	}
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Dir,Standard,Module"}, packages...)...) //nolint:gosec // the caller's words
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	data, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list for %s: %w", target, err)
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				module
				Replace *module
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list for %s: %w", target, err)
		}
		if p.Standard || p.Module == nil {
			continue
		}
		if p.Module.Main {
			addData(modules, p.Module.Dir, p.Dir)
			continue
		}
		m := modules[p.Module.Path]
		if m == nil {
			m = &module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir, folders: map[string]bool{}}
			modules[p.Module.Path] = m
		}
		for dir := p.Dir; len(dir) >= len(m.Dir); dir = filepath.Dir(dir) {
			m.folders[dir] = true
		}
	}
}

// addData adds what a package of rotate's own embeds from others: its folder data, if
// there is one. The terms lie beside the data.
func addData(modules map[string]*module, root, folder string) {
	data := filepath.Join(folder, "data")
	if info, err := os.Stat(data); err != nil || !info.IsDir() {
		return
	}
	name, _ := filepath.Rel(root, data)
	modules[data] = &module{Path: "the data in " + name, Dir: data, folders: map[string]bool{data: true}}
}

// collect writes each text once, below the modules that come under it, and counts
// the licences. All that is wrong is told at once.
func collect(w io.Writer, modules map[string]*module) (map[string]int, error) {
	under, counts := map[string][]string{}, map[string]int{}
	var wrong []error
	for _, m := range modules {
		ids := map[string]bool{}
		for folder := range m.folders {
			if err := m.terms(folder, under, ids); err != nil {
				wrong = append(wrong, err)
			}
		}
		if len(ids) == 0 {
			wrong = append(wrong, fmt.Errorf("%s %s: no licence that licensecheck knows in %s; without one it may not be shipped", m.Path, m.Version, m.Dir))
		}
		for id := range ids {
			counts[id]++
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(wrong...)
	}
	fmt.Fprint(w, head)
	texts := slices.Collect(maps.Keys(under))
	for text := range under {
		slices.Sort(under[text])
	}
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(slices.Compare(under[a], under[b]), cmp.Compare(a, b))
	})
	for _, text := range texts {
		fmt.Fprintf(w, "%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(under[text], "\n"), strings.TrimSpace(text))
	}
	return counts, nil
}

const head = `The terms of what rotate is linked with, each text below the modules that come under
it. rotate itself is under the Apache License 2.0. The source of each module, that of
those under MPL-2.0 too, is what this gets: go mod download -json MODULE@VERSION

`

// terms adds a folder's files of terms to those that the module is under, and the
// licences in them to ids.
func (m *module) terms(folder string, under map[string][]string, ids map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !named.MatchString(entry.Name()) || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		place, _ := filepath.Rel(m.Dir, filepath.Join(folder, entry.Name()))
		under[string(data)] = append(under[string(data)], fmt.Sprintf("%s %s (%s)", m.Path, m.Version, place))
		found := licensecheck.Scan(data)
		for _, match := range found.Match {
			if !allowed[match.ID] {
				return fmt.Errorf("%s %s: %s holds %s, which is not in the list of packaging/licences: may it be shipped with a program under Apache-2.0?", m.Path, m.Version, place, match.ID)
			}
			if !notice.MatchString(entry.Name()) {
				ids[match.ID] = true
			}
		}
		if !notice.MatchString(entry.Name()) && found.Percent < covered {
			return fmt.Errorf("%s %s: of %s only %.0f %% is the text of a known licence; a person has to read it", m.Path, m.Version, place, found.Percent)
		}
	}
	return nil
}
