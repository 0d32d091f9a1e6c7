package audit

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
)

// Text writes the report for people.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, store %s, secret %s\n", r.Key, r.Environment, r.Store, r.Secret)
	if r.Generation > 0 {
		fmt.Fprintf(&b, "  the document, generation %d\n", r.Generation)
	}
	if r.File != "" {
		fmt.Fprintf(&b, "  the audit file %s, %d events of this key\n", r.File, r.Events)
	}
	for _, k := range r.Kids {
		algorithm := ""
		if k.Algorithm != "" {
			algorithm = " (" + k.Algorithm + ")"
		}
		fmt.Fprintf(&b, "\nkid %s%s  %s\n", k.Kid, algorithm, k.Status)
		entries(&b, k.Life)
	}
	if len(r.Others) > 0 {
		b.WriteString("\ncommands, refusals and erasures\n")
		entries(&b, r.Others)
	}
	worthOf(&b, r.Worth)
	_, err := io.WriteString(w, say.Clean(b.String())) // the file may be anyone's
	return err
}

// Text writes it for people.
func (v Verified) Text(w io.Writer) error {
	var b strings.Builder
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "%s:%d: %s: %s", f.File, f.Line, f.Kind, f.What)
		if f.Writer != "" {
			fmt.Fprintf(&b, " (chain %s)", f.Writer)
		}
		b.WriteString("\n")
	}
	found := "no chain has a gap or a changed line"
	if len(v.Findings) > 0 {
		found = say.Plural(len(v.Findings), "finding")
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s: %s\n", v.Files[len(v.Files)-1], say.Plural(len(v.Files), "file"), say.Plural(v.Lines, "line"), say.Plural(len(v.Chains), "chain"), found)
	if v.Older > 0 {
		fmt.Fprintf(&b, "  %s without a chain, of an older rotate\n", say.Plural(v.Older, "line"))
	}
	const shown = 5
	for _, c := range v.Chains[max(0, len(v.Chains)-shown):] {
		fmt.Fprintf(&b, "  chain %s ends at %s with line %d, digest %s\n", c.Writer, c.At.Format(time.RFC3339), c.Last, c.Digest)
	}
	if more := len(v.Chains) - shown; more > 0 {
		fmt.Fprintf(&b, "  and %s that ended before: -o json has all\n", say.Plural(more, "chain"))
	}
	worthOf(&b, v.Worth)
	_, err := io.WriteString(w, say.Clean(b.String())) // the files may be anyone's
	return err
}

func worthOf(b *strings.Builder, worth []string) {
	b.WriteString("\nwhat this is worth\n")
	for _, line := range worth {
		fmt.Fprintf(b, "  - %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
}

func entries(b *strings.Builder, list []Entry) {
	for _, e := range list {
		at := "at no known time      "
		if e.At != nil {
			at = e.At.Format(time.RFC3339)
			at += strings.Repeat(" ", max(0, 22-len(at)))
		}
		fmt.Fprintf(b, "  %s%-9s %s", at, e.Source, e.What)
		if e.Generation > 0 {
			fmt.Fprintf(b, ", generation %d", e.Generation)
		}
		if e.Why != "" {
			fmt.Fprintf(b, ": %s", strings.ReplaceAll(e.Why, "\n", "; "))
		}
		if e.By != "" {
			fmt.Fprintf(b, " (by %s)", e.By)
		}
		b.WriteString("\n")
	}
}
