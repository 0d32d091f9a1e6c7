package dotenv

import (
	"errors"
	"fmt"
	"strings"
)

// This file words the errors of the package. Each has what is wrong in Error and
// what to do in Hint; neither quotes a value.

// What Read says beside the errors with data.
var (
	ErrBadName = errors.New("that is not the name of a variable: letters, digits and _ only")
	ErrEmpty   = errors.New("the variable is set to nothing")
)

// Error names each text by its length and its readers.
func (d *Disagreement) Error() string {
	var parts []string
	for _, t := range d.Takes {
		part := fmt.Sprintf("%s %s %s", names(t.Readers), verb(t.Readers, "read"), count(t.Bytes, "byte"))
		if t.Differs > 0 {
			part += fmt.Sprintf(" (the first difference is byte %d)", t.Differs)
		}
		parts = append(parts, part)
	}
	if len(d.Unsure) > 0 {
		parts = append(parts, names(d.Unsure)+" "+verb(d.Unsure, "put")+" something else in place of a part of it")
	}
	return fmt.Sprintf("line %d: readers of .env files differ on %s: %s", d.Line, d.Name, strings.Join(parts, "; "))
}

// Hint gives the line that all read alike, for the text that most of them see.
func (d *Disagreement) Hint() string {
	if d.CRLF {
		return "save the file with the line ends of Unix: the carriage return of Windows becomes part of the value for " + names(d.Takes[1].Readers)
	}
	for _, t := range d.Takes {
		if t.Form == None || t.Bytes == 0 {
			continue
		}
		hint := fmt.Sprintf("if your application reads the text of %s, write %s", count(t.Bytes, "byte"), t.Form.Line(d.Name))
		if len(t.Not) == 0 {
			return hint + ": all of them read that alike"
		}
		hint += ": all of them read that alike, apart from " + names(t.Not)
		if t.Form == Single { // which docker takes for a part of the text
			hint += "; so adopt the text from standard input"
		}
		return hint
	}
	return "no line is read alike by all of them: adopt the text from standard input, as your application reads it"
}

// Line is a line of this form, with VALUE in the value's place.
func (f Form) Line(name string) string {
	switch f {
	case Single:
		return name + "='VALUE', in single quotes"
	case Double:
		return name + `="VALUE", in double quotes, with line ends as they are`
	}
	return name + "=VALUE, without quotes and with nothing after it"
}

// Error tells the lines.
func (t *Twice) Error() string {
	var lines []string
	for _, n := range t.Lines {
		lines = append(lines, fmt.Sprint(n))
	}
	return fmt.Sprintf("%s is set more than once, on the lines %s", t.Name, strings.Join(lines, ", "))
}

// Hint says what to do.
func (t *Twice) Hint() string { return "remove the lines that are not used" }

// Error tells what is wrong, and on which line.
func (u *Unfit) Error() string {
	switch u.Flaw {
	case UTF16:
		return "the file is UTF-16, which readers of .env files do not read"
	case NotUTF8:
		return fmt.Sprintf("line %d: a byte that is not UTF-8, which readers of .env files take in different ways", u.Line)
	case NUL:
		return fmt.Sprintf("line %d: a NUL byte, where some readers of .env files stop", u.Line)
	case CROnly:
		return fmt.Sprintf("line %d: the line ends in a carriage return alone, which half of the readers of .env files take for no line end", u.Line)
	}
	return fmt.Sprintf("line %d: the last line ends in a backslash, so that systemd and shells join the next line to it", u.Line)
}

// Hint says what to do.
func (u *Unfit) Hint() string {
	switch u.Flaw {
	case UTF16:
		return "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW, then look at NEW and put it in place"
	case NotUTF8:
		return "save it as UTF-8, or remove that line"
	case NUL:
		return "remove the NUL bytes: tr -d '\\000' < FILE > NEW, then look at NEW and put it in place"
	case CROnly:
		return "save it with the line ends of Unix: tr '\\r' '\\n' < FILE > NEW, then look at NEW and put it in place"
	}
	return "remove the backslash, or put the value in single quotes"
}

// Error says which characters are in the way.
func (u *Unwritable) Error() string {
	switch u.Why {
	case Dollar:
		return "the text has a $, which some readers of .env files replace in all kinds of quotes"
	case Control:
		return "the text has a tab or another control character, which readers of .env files take in different ways"
	case NotText:
		return "the text is not UTF-8, which readers of .env files take in different ways"
	}
	return "the text has characters that readers of .env files take in different ways, such as both kinds of quotes; " + names(u.Differ) + " would read another text"
}

// Hint says what to do.
func (u *Unwritable) Hint() string {
	return "use the format value, list or keyset for it; what rotate makes itself has no such characters"
}

// names lists readers. The versions of npm's dotenv are one where all are meant.
func names(readers []Reader) string {
	var all []string
	for _, r := range readers {
		all = append(all, r.Name)
	}
	if text := strings.Join(all, "|"); strings.Contains(text, "npm dotenv 15|npm dotenv 16|npm dotenv 17") {
		all = strings.Split(strings.Replace(text, "npm dotenv 15|npm dotenv 16|npm dotenv 17", "npm dotenv 15 to 17", 1), "|")
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

func verb(readers []Reader, verb string) string {
	if len(readers) == 1 {
		return verb + "s"
	}
	return verb
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
