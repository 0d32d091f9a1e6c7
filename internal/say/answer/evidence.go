package answer

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/say"
)

// Evidence writes an audit report for people.
func Evidence(w io.Writer, r audit.Report) error {
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
	b.WriteString("\nwhat this is worth\n")
	for _, line := range r.Worth {
		fmt.Fprintf(&b, "  - %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
	_, err := io.WriteString(w, say.Clean(b.String())) // the file may be anyone's
	return err
}

func entries(b *strings.Builder, list []audit.Entry) {
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
