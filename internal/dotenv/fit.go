package dotenv

import (
	"bytes"
	"unicode/utf8"
)

// A Flaw is what keeps a file from being read or changed as a .env file.
type Flaw string

// The flaws.
const (
	UTF16    Flaw = "UTF-16" // as some editors and shells of Windows write
	NotUTF8  Flaw = "not UTF-8"
	NUL      Flaw = "NUL"
	CROnly   Flaw = "CR"        // lines that end in a carriage return alone
	JoinsEnd Flaw = "backslash" // the last line ends in a backslash, so a shell and systemd join the next line to it
)

// An Unfit is a file that has a Flaw, at a line counted from 1.
type Unfit struct {
	Flaw Flaw
	Line int
}

// Fit refuses a file with a Flaw: its readers would differ about all of it, or
// what is written after its end would be lost. The error is an *Unfit.
func Fit(file []byte) error {
	at := func(f Flaw, i int) error { return &Unfit{f, 1 + bytes.Count(file[:i], []byte("\n"))} }
	if bytes.HasPrefix(file, []byte("\xff\xfe")) || bytes.HasPrefix(file, []byte("\xfe\xff")) || halfNUL(file) {
		return &Unfit{UTF16, 1}
	}
	if i := bytes.IndexByte(file, 0); i >= 0 {
		return at(NUL, i)
	}
	for i := 0; i < len(file); {
		r, size := utf8.DecodeRune(file[i:])
		if r == utf8.RuneError && size == 1 {
			return at(NotUTF8, i)
		}
		i += size
	}
	for i, c := range file {
		if c == '\r' && i+1 < len(file) && file[i+1] != '\n' {
			return at(CROnly, i)
		}
	}
	switch last := bytes.TrimRight(file, "\r\n"); {
	case len(last) > 0 && len(last) == len(file)-1 && file[len(file)-1] == '\r':
		return at(CROnly, len(last))
	case bytes.HasSuffix(last, []byte(`\`)):
		return at(JoinsEnd, len(last)-1)
	}
	return nil
}

// halfNUL reports whether every second byte of the beginning is NUL: UTF-16
// without its mark.
func halfNUL(file []byte) bool {
	head := file[:min(len(file), 64)&^1]
	if len(head) < 4 {
		return false
	}
	for _, first := range []int{0, 1} {
		all := true
		for i := first; i < len(head); i += 2 {
			all = all && head[i] == 0
		}
		if all {
			return true
		}
	}
	return false
}
