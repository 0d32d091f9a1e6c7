// Package docs holds the pages to what they promise: links lead somewhere, the
// README is short, and the reading list is as long as it says.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
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
