// Package man makes manual pages of a command line that cobra serves. It is a tool
// of the build: nothing in the product imports it. `make man` runs it, by a test of
// cmd/rotate, since that is where the command line is.
package man

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An Edition is what stands in the foot of each page.
type Edition struct {
	Date    string // YYYY-MM-DD
	Version string
}

// Pages returns the pages of a command and of all below it, in section 1, by file
// name. Text that a command indents is an example, and keeps its line ends; the
// rest is filled. Extra sections of the root come as name and roff text.
func Pages(root *cobra.Command, e Edition, extra ...[2]string) map[string]string {
	pages := map[string]string{}
	var add func(*cobra.Command)
	add = func(cmd *cobra.Command) {
		name := pageName(cmd)
		p := &page{}
		p.head(cmd, e)
		if !cmd.HasParent() {
			for _, section := range extra {
				p.line(".SH " + section[0])
				p.line(section[1])
			}
		}
		p.seeAlso(cmd)
		pages[name+".1"] = p.String()
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				add(sub)
			}
		}
	}
	add(root)
	return pages
}

// pageName is the path of a command with hyphens, as git names its pages.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

type page struct{ strings.Builder }

func (p *page) line(s string) { p.WriteString(s + "\n") }

func (p *page) head(cmd *cobra.Command, e Edition) {
	name := pageName(cmd)
	p.line(fmt.Sprintf(`.TH "%s" 1 "%s" "rotate %s" "rotate"`, strings.ToUpper(escape(name)), escape(e.Date), escape(e.Version)))
	p.line(".SH NAME")
	p.line(escape(name) + ` \- ` + escape(cmd.Short))
	p.line(".SH SYNOPSIS")
	p.line(`\fB` + escape(cmd.UseLine()) + `\fR`)
	if cmd.HasAvailableSubCommands() {
		p.line(".br\n" + `\fB` + escape(cmd.CommandPath()) + ` COMMAND\fR`)
	}
	p.line(".SH DESCRIPTION")
	if cmd.Long == "" {
		p.text(cmd.Short + ".")
	} else {
		p.text(cmd.Long)
	}
	if cmd.HasAvailableSubCommands() {
		p.line(".SH COMMANDS")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				p.line(".TP\n" + `\fB` + escape(pageName(sub)) + `\fR(1)` + "\n" + escape(sub.Short))
			}
		}
	}
	p.flags("OPTIONS", cmd.NonInheritedFlags())
	p.flags("OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	if cmd.Example != "" {
		p.line(".SH EXAMPLES")
		p.text(cmd.Example)
	}
}

func (p *page) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.line(".SH " + title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		word, usage := pflag.UnquoteUsage(f)
		name := `\fB\-\-` + escape(f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB\-` + f.Shorthand + `\fR, ` + name
		}
		if word != "" {
			name += ` \fI` + escape(word) + `\fR`
		}
		p.line(".TP\n" + name)
		p.line(noRequest(escape(usage)))
	})
}

func (p *page) seeAlso(cmd *cobra.Command) {
	var others []string
	if cmd.HasParent() {
		others = append(others, cmd.Parent().CommandPath())
		for _, sub := range cmd.Parent().Commands() {
			if sub != cmd && sub.IsAvailableCommand() {
				others = append(others, pageName(sub))
			}
		}
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, pageName(sub))
		}
	}
	for i, name := range others {
		others[i] = `\fB` + escape(name) + `\fR(1)`
	}
	if len(others) > 0 {
		p.line(".SH SEE ALSO\n" + strings.Join(others, ",\n"))
	}
}

// text writes paragraphs, and examples where lines are indented.
func (p *page) text(s string) {
	example, begun := false, false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
		switch {
		case line == "" && !example:
			begun = false
			continue
		case indented && !example:
			p.line(".PP\n.EX")
			example = true
		case !indented && example:
			p.line(".EE")
			example, begun = false, false
			if line == "" {
				continue
			}
		}
		if !example && !begun {
			p.line(".PP")
			begun = true
		}
		p.line(noRequest(escape(line)))
	}
	if example {
		p.line(".EE")
	}
}

// escape keeps roff from reading text as its own: a backslash begins an escape, and
// an unescaped hyphen may be set as a typographic one, which nobody can paste.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, `"`, `\(dq`).Replace(s)
}

// noRequest keeps a line that begins with a dot from being a request.
func noRequest(s string) string {
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
