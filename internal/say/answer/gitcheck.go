package answer

import (
	"fmt"
	"io"
	"strings"

	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
)

// GitForms are the forms in which what a repository has is written, by name.
func GitForms() map[string]func(io.Writer, ops.GitChecked) error {
	return map[string]func(io.Writer, ops.GitChecked) error{
		"text":  gitText,
		"json":  func(w io.Writer, c ops.GitChecked) error { return JSON(w, c) },
		"sarif": gitSARIF,
	}
}

func gitText(w io.Writer, c ops.GitChecked) error {
	var b strings.Builder
	burnt := 0
	for _, f := range c.Found {
		if f.Burnt {
			burnt++
		}
		fmt.Fprintf(&b, "%s\n", gitWords(f))
		for _, p := range f.Places {
			fmt.Fprintf(&b, "  %s\n", gitPlace(f, p))
		}
		switch {
		case f.More > 0:
			fmt.Fprintf(&b, "  and %s\n", say.Plural(f.More, "more place"))
		case len(f.Places) == 0:
			fmt.Fprintf(&b, "  %s %s, which no commit has\n", f.Kind, f.Object)
		}
	}
	for _, f := range c.Files {
		fmt.Fprintf(&b, "%s\n", fileWords(f))
	}
	fmt.Fprintf(&b, "%s read in %s, %s looked for: %s\n", say.Plural(c.Objects, "object"), c.Repository, say.Plural(c.Keys, "kid"), burntWords(burnt))
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

func burntWords(burnt int) string {
	if burnt == 0 {
		return "no key was found"
	}
	return say.Plural(burnt, "place") + " with a key that is burnt"
}

// gitWords says what was found, and whether it matters.
func gitWords(f ops.GitFound) string {
	lead, is := "BURNT", "Git has the key"
	switch {
	case f.Status == "gone":
		lead, is = "note ", "Git has the kid, and nobody can tell any more whether the key stands with it"
	case f.Burnt && f.Public:
		is = "Git has the public half, with a private key beside it"
	case !f.Burnt:
		lead, is = "note ", "Git has the public half or the kid, which is no secret"
	}
	return fmt.Sprintf("%s  key %s, kid %s (%s): %s, read %s", lead, f.Key, say.Kid(f.Kid), f.Status, is, gitForm(f.Form))
}

func gitForm(form string) string {
	if form == "as it stands" {
		return form
	}
	return "as " + form
}

// gitPlace is where an object came in: PATH:LINE in COMMIT.
func gitPlace(f ops.GitFound, p ops.GitPlace) string {
	at := say.Word(p.Path)
	switch {
	case f.Kind == "commit":
		at = "the message, line " + fmt.Sprint(f.Line)
	case f.Kind == "blob":
		at = fmt.Sprintf("%s:%d", at, f.Line)
	case f.Kind == "tree":
		at = "the name of a file in " + at + "/"
	}
	if f.Repository != "" {
		at = "submodule " + say.Word(f.Repository) + ": " + at
	}
	if p.Commit == "" {
		return at + ", added and not committed"
	}
	since := ""
	if p.When != nil {
		since = " of " + say.Stamp(*p.When)
	}
	return fmt.Sprintf("%s in commit %s%s (%s)", at, p.Commit, since, refWords(p.Refs))
}

// refWords says what leads to a commit.
func refWords(refs []string) string {
	switch {
	case len(refs) == 0:
		return "git does not say from where"
	case refs[0] == "reflog":
		return "in the reflog: an older stash, or a branch that was deleted or moved"
	case refs[0] == "unreachable":
		return "unreachable: a dropped stash or a deleted branch, there until git gc removes it"
	}
	return say.Word(strings.Join(refs, ", "))
}

// fileWords says what Git does with a file in which keys usually lie.
func fileWords(f ops.GitFile) string {
	switch {
	case f.Tracked:
		return fmt.Sprintf("OPEN  %s is tracked: each commit has it", say.Word(f.Path))
	case f.Open:
		return fmt.Sprintf("OPEN  %s is not ignored: git add . takes it in", say.Word(f.Path))
	case !f.Ignored:
		return fmt.Sprintf("note  %s would not be ignored", say.Word(f.Path))
	}
	return fmt.Sprintf("ok    %s is ignored", say.Word(f.Path))
}

// GitRemarks is what there is to say beside the findings.
func GitRemarks(c ops.GitChecked) (all []string) {
	for _, u := range c.Unread {
		if u.Err != nil {
			continue // told as an error
		}
		name := say.Word(u.Name)
		if u.Repository != "" {
			name = "submodule " + say.Word(u.Repository) + ": " + name
		}
		all = append(all, say.Clean(map[string]string{
			"lfs":       name + " is a file of Git LFS, which lies elsewhere: not read",
			"submodule": name + " is a submodule that was not fetched here: not read",
			"shallow":   name + " is a shallow clone: what was committed before it was not read",
			"partial":   name + " is a partial clone: objects that were left on the server were not read",
		}[u.Why]))
	}
	if c.MoreUnread > 0 {
		all = append(all, say.Plural(c.MoreUnread, "more file")+" of Git LFS were not read")
	}
	for _, u := range c.Unsearched {
		all = append(all, fmt.Sprintf("key %s, kid %s: not looked for, since it has fewer than 12 bytes or hardly different ones, and would be found where it is not", u.Key, say.Kid(u.Kid)))
	}
	return all
}

// quoted is a path for a shell, which may hold anything.
func quoted(path string) string {
	return "'" + strings.ReplaceAll(say.Word(path), "'", `'\''`) + "'"
}

// GitHints is what to do about the findings.
func GitHints(c ops.GitChecked) (all []string) {
	seen := map[string]bool{}
	for _, f := range c.Found {
		if !f.Burnt || seen[f.Kid] {
			continue
		}
		seen[f.Kid] = true
		do := "rotate revoke " + f.Key + " " + f.Kid
		if f.Status == "current" {
			do = "rotate now --compromised " + f.Key
		}
		all = append(all, fmt.Sprintf("what was in Git is burnt: whoever cloned has it, and no clean-up of the history takes it back; %s replaces it, --dry-run says first what users will notice", do))
	}
	for _, f := range c.Files {
		switch {
		case f.Tracked:
			all = append(all, fmt.Sprintf("git rm -r --cached -- %s, and a line for it in .gitignore", quoted(f.Path)))
		case f.Open:
			all = append(all, fmt.Sprintf("a line %s in .gitignore keeps it out of commits", say.Word(f.Path)))
		}
	}
	for _, u := range c.Unsearched {
		all = append(all, fmt.Sprintf("rotate now %s replaces a key that is too weak to be looked for", u.Key))
	}
	return all
}

// gitSARIF writes a result for each place: an error where a key is burnt, a warning
// for a file that a commit would take in, a note for the rest.
func gitSARIF(w io.Writer, c ops.GitChecked) error {
	var all []report.Result
	for _, f := range c.Found {
		r := report.Result{Rule: "key-in-git", Level: "error", Text: gitWords(f), Line: f.Line, Name: f.Key}
		if !f.Burnt {
			r.Rule, r.Level = "public-key-in-git", "note"
		}
		if len(f.Places) == 0 {
			r.Text += fmt.Sprintf("; %s %s, which no commit has", f.Kind, f.Object)
		}
		for i, p := range f.Places {
			if i == 0 && f.Repository == "" {
				r.File = p.Path
			}
			r.Text += "; " + gitPlace(f, p)
		}
		all = append(all, r)
	}
	for _, f := range c.Files {
		if f.Open {
			all = append(all, report.Result{Rule: "key-file-not-ignored", Level: "warning", Text: fileWords(f), File: f.Path})
		}
	}
	return report.Results(w, tool(), all)
}
