// Package docs holds the pages to what they promise: links lead somewhere, the
// README is short, and the reading list is as long as it says.
package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const root = "../../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// pages lists every page of the project, as a path below its root.
func pages(t *testing.T) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			rel, err := filepath.Rel(root, path)
			found = append(found, rel)
			return err
		}
		return nil
	})
	if err != nil || len(found) < 20 {
		t.Fatalf("%d pages: %v", len(found), err)
	}
	return found
}

var (
	code   = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	remote = regexp.MustCompile(`^[a-z]+:`)
	odd    = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names by which a page's headings can be linked to, as GitHub
// makes them.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			all[strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")] = true
		}
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, page := range pages(t) {
		text := read(t, page)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if remote.MatchString(m[1]) {
				continue // nothing here can ask the network
			}
			links++
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			} else if anchor != "" && strings.HasSuffix(path, ".md") && !anchors(read(t, path))[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, path, anchor)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found: is the pattern right?", links)
	}
}

// Each page of the docs can be reached from docs/README.md by links.
func TestEveryPageIsFound(t *testing.T) {
	found := map[string]bool{}
	for next := []string{"docs/README.md"}; len(next) > 0; next = next[1:] {
		page := next[0]
		if found[page] || !strings.HasSuffix(page, ".md") {
			continue
		}
		found[page] = true
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, page), ""), -1) {
			if target, _, _ := strings.Cut(m[1], "#"); target != "" && !remote.MatchString(target) {
				next = append(next, filepath.Join(filepath.Dir(page), target))
			}
		}
	}
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/") && !found[page] {
			t.Errorf("no link leads from docs/README.md to %s", page)
		}
	}
}

// Prose has at most 120 columns, so that it can be read beside code and in a
// terminal. Code, tables and what has no blank to break at are exempt.
func TestLinesAreShort(t *testing.T) {
	for _, page := range pages(t) {
		fenced := false
		n := 0
		for line := range strings.Lines(read(t, page)) {
			n++
			line = strings.TrimRight(line, "\n")
			bare := strings.TrimLeft(line, " ")
			if strings.HasPrefix(bare, "```") {
				fenced = !fenced
			}
			if fenced || strings.HasPrefix(bare, "|") || !strings.Contains(strings.TrimLeft(bare, "-#0123456789. "), " ") {
				continue
			}
			if columns := utf8.RuneCountInString(line); columns > 120 {
				t.Errorf("%s:%d has %d columns, more than 120", page, n, columns)
			}
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	if n := strings.Count(read(t, "README.md"), "\n"); n > 120 {
		t.Errorf("README.md has %d lines, more than 120", n)
	}
}

// The list that says "read these in thirty minutes" is at most 1,100 lines.
func TestReadingListIsHonest(t *testing.T) {
	_, list, _ := strings.Cut(read(t, "docs/read-the-core.md"), "| file | what it tells |")
	list, _, ok := strings.Cut(list, "\n\n")
	files := link.FindAllStringSubmatch(list, -1)
	if !ok || len(files) < 4 {
		t.Fatalf("the list has %d files", len(files))
	}
	lines := 0
	for _, f := range files {
		lines += strings.Count(read(t, filepath.Join("docs", f[1])), "\n")
	}
	if lines > 1100 {
		t.Errorf("the reading list has %d lines, more than 1,100", lines)
	}
}

var (
	shell = regexp.MustCompile("(?m)^ *```(sh|console)$")
	named = regexp.MustCompile("`([^` ]+/[^` ]+)`")
)

// Each page that shows commands has a row that says who runs them, or why nobody
// does. Who runs them names the page.
func TestEveryPageOfCommandsIsRunOrListed(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "docs/how-it-is-tested.md"), "\n| page | who runs its commands |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		rows[strings.TrimPrefix(cells[0], "| ")] = cells[1]
	}
	for _, page := range pages(t) {
		who, listed := rows[page]
		delete(rows, page)
		if shows := shell.MatchString(read(t, page)); shows != listed {
			t.Errorf("%s shows commands: %v; docs/how-it-is-tested.md says who runs them: %v", page, shows, listed)
		}
		runners := named.FindAllStringSubmatch(who, -1)
		if strings.HasPrefix(who, "not run: ") || !listed {
			continue
		}
		if len(runners) == 0 {
			t.Errorf("%s: nobody runs its commands: %s", page, who)
		}
		for _, r := range runners {
			if !strings.Contains(read(t, r[1]), filepath.Base(page)) {
				t.Errorf("%s: %s does not name it", page, r[1])
			}
		}
	}
	for page := range rows {
		t.Errorf("docs/how-it-is-tested.md: there is no page %s", page)
	}
}

// The threat model names only tests that exist, and each threat has a rating.
func TestThreatsNameTheirTests(t *testing.T) {
	out, err := exec.Command("grep", "-rhoE", "^func Test[A-Za-z0-9_]+", "--include=*_test.go", root).Output()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		exists[strings.TrimPrefix(strings.TrimSpace(line), "func ")] = true
	}
	threats := 0
	for line := range strings.Lines(read(t, "docs/threat-model.md")) {
		cells := strings.Split(line, " | ")
		if len(cells) != 6 || !stride.MatchString(cells[0]) {
			continue
		}
		threats++
		if !regexp.MustCompile(`^(high|medium|low)$`).MatchString(cells[2]) {
			t.Errorf("%q has the rating %q", cells[1], cells[2])
		}
		if cells[4] == "–" && strings.HasPrefix(cells[5], "–") {
			t.Errorf("%q has no test, and nothing is said of what stays", cells[1])
		}
		for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(cells[4], -1) {
			if !exists[name[1]] {
				t.Errorf("%q is held by %s, which does not exist", cells[1], name[1])
			}
		}
	}
	if threats < 60 {
		t.Errorf("only %d threats were read", threats)
	}
}

var stride = regexp.MustCompile(`^\| [STRIDE](, [STRIDE])*$`)

// The image is built of what .dockerignore lets in: each folder that the program is
// made of has to be there.
func TestTheImageGetsAllOfTheProgram(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./cmd/rotate")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields(read(t, ".dockerignore"))
	for path := range strings.Lines(string(out)) {
		folder, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(path), "github.com/keyrotate/rotate/"), "/")
		if folder != "" && !slices.Contains(allowed, "!"+folder) {
			t.Errorf(".dockerignore keeps out %s, which the program is made of", folder)
			return
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-\n].*) /`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		for _, name := range strings.Fields(m[1]) {
			if !slices.Contains(allowed, "!"+name) {
				t.Errorf(".dockerignore keeps out %s, which the Dockerfile copies", name)
			}
		}
	}
}
