package answer

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/say"
)

// Verified writes what the chains of an audit file show, for people.
func Verified(w io.Writer, v audit.Verified) error {
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
	fmt.Fprintf(&b, "%s: %s, %s, %s: %s\n", v.Files[len(v.Files)-1],
		say.Plural(len(v.Files), "file"), say.Plural(v.Lines, "line"), say.Plural(len(v.Chains), "chain"), found)
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

// worthOf says what a reader may conclude.
func worthOf(b *strings.Builder, worth []string) {
	b.WriteString("\nwhat this is worth\n")
	for _, line := range worth {
		fmt.Fprintf(b, "  - %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
}
