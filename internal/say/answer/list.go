package answer

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
)

// Listing writes what stands in stores for people: a table for each, and below it what
// a person should look at.
func Listing(w io.Writer, l ops.Listing) error {
	var b strings.Builder
	for i, s := range l.Stores {
		if i > 0 {
			b.WriteString("\n")
		}
		listedStore(&b, l.At, s)
	}
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

func listedStore(b *strings.Builder, now time.Time, s ops.ListedStore) {
	switch {
	case s.Err != nil:
		fmt.Fprintf(b, "ATTENTION  %s\n", say.Error(s.Err))
		return
	case len(s.Secrets) == 0:
		fmt.Fprintf(b, "store %s (%s): nothing is stored here\n", s.Store, s.Type)
		return
	}
	fmt.Fprintf(b, "store %s (%s): %s\n", s.Store, s.Type, say.Plural(len(s.Secrets), "name"))
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  SECRET\tIS\tCONFIG\tKEYSET\tENVIRONMENT\tLINEAGE\tGENERATION\tAGE\tSIGNS SINCE\tBYTES\tLAST WRITE")
	for _, l := range s.Secrets {
		row := []string{
			l.Secret, string(l.Kind), named(l), none(l.Key), none(l.Environment), none(say.Kid(l.Lineage)), number(l.Generation),
			ago(now, l.Created), ago(now, l.Signs), number(uint64(max(0, l.Bytes))), ago(now, l.Written), //nolint:gosec // not negative
		}
		fmt.Fprintf(table, "  %s\n", strings.Join(row, "\t"))
	}
	_ = table.Flush() // a Builder takes all
	for _, l := range s.Secrets {
		if text := attention(l); text != "" {
			fmt.Fprintf(b, "ATTENTION  %s: %s\n", l.Secret, text)
		}
	}
}

// attention is why a person should look at a name; "" if nobody has to.
func attention(l ops.Listed) string {
	switch {
	case l.Error != "":
		return l.Error
	case l.Unnamed:
		return fmt.Sprintf("no key of this config has this keyset of key %q. Unless another config does, nobody rotates it", l.Key)
	}
	return ""
}

func named(l ops.Listed) string {
	if l.Named == "" && l.Kind == "other" {
		return "-"
	}
	return cmp.Or(l.Named, "not named")
}

func none(text string) string { return cmp.Or(text, "-") }

func number(n uint64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func ago(now time.Time, t *time.Time) string {
	if t == nil {
		return "-"
	}
	return say.Distance(now, *t)
}
