package answer

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
)

// InventoryMarkdown writes an inventory as a page: a table of the keys, and below it who
// may read each place.
func InventoryMarkdown(w io.Writer, v ops.Inventory) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Keys of %s\n\n", v.Environment)
	row := func(cells ...string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	row("key", "purpose", "owner", "store", "address", "algorithm", "made", "last rotation", "schedule", "outputs")
	row("---", "---", "---", "---", "---", "---", "---", "---", "---", "---")
	for _, i := range v.Keys {
		var outputs []string
		for _, o := range i.Outputs {
			outputs = append(outputs, fmt.Sprintf("%s (%s)", o.Place, o.Format))
		}
		made := date(i.Made)
		switch {
		case i.AgeDays != nil:
			made += fmt.Sprintf(" (%s)", say.Plural(*i.AgeDays, "day"))
		case i.Missing:
			made = "no key yet"
		case i.Error != "":
			made = "not known"
		}
		row(i.Key, none(i.Purpose), none(i.Owner), i.Store, i.Address, i.Algorithm, made, date(i.Signs), i.Schedule, none(strings.Join(outputs, ", ")))
	}
	for _, i := range v.Keys {
		if i.Error != "" {
			fmt.Fprintf(&b, "\nATTENTION: %s could not be looked at: %s\n", i.Key, i.Error)
		}
	}
	if v.Principals {
		b.WriteString("\n## Who may read\n")
		for _, i := range v.Keys {
			readersOf(&b, i.Key+", its keyset in "+i.Store, i.Readers)
			for _, o := range i.Outputs {
				readersOf(&b, i.Key+", its output "+o.Place, o.Readers)
			}
		}
	}
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

func readersOf(b *strings.Builder, place string, r *ops.InventoryReaders) {
	if r == nil {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", place)
	if len(r.Known) == 0 && r.Error == "" {
		b.WriteString("- nobody that its store tells of\n")
	}
	for _, k := range r.Known {
		fmt.Fprintf(b, "- %s: %s\n", k.Who, k.By)
	}
	if r.Error != "" {
		fmt.Fprintf(b, "- ATTENTION: it could not be looked at: %s\n", r.Error)
	}
	for _, u := range r.Unseen {
		fmt.Fprintf(b, "- not seen: %s\n", u)
	}
}

// date is the day of a time.
func date(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// InventoryCSV writes an inventory as a table with a row for each place of each key
// (RFC 4180).
func InventoryCSV(w io.Writer, v ops.Inventory) error {
	c := csv.NewWriter(w)
	head := []string{"key", "purpose", "owner", "environment", "place", "address", "format", "algorithm", "made", "last rotation", "schedule", "problem"}
	if v.Principals {
		head = append(head, "readers", "not seen")
	}
	row := func(cells []string, r *ops.InventoryReaders) {
		if v.Principals {
			var known []string
			for _, k := range r.Known {
				known = append(known, k.Who+" ("+k.By+")")
			}
			cells = append(cells, strings.Join(known, "; "), strings.Join(r.Unseen, "; "))
			cells[len(head)-3] = cmp.Or(cells[len(head)-3], r.Error)
		}
		for i, cell := range cells { // a spreadsheet would take it for a formula
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				cells[i] = "'" + cell
			}
		}
		_ = c.Write(cells) // Flush keeps the error
	}
	_ = c.Write(head)
	for _, i := range v.Keys {
		made, signs := "", ""
		if i.Made != nil {
			made, signs = i.Made.Format(time.RFC3339), i.Signs.Format(time.RFC3339)
		}
		row([]string{i.Key, i.Purpose, i.Owner, v.Environment, "store " + i.Store, i.Address, "keyset", i.Algorithm, made, signs, i.Schedule, i.Error}, i.Readers)
		for _, o := range i.Outputs {
			row([]string{i.Key, i.Purpose, i.Owner, v.Environment, "output", o.Place, o.Format, i.Algorithm, made, signs, i.Schedule, ""}, o.Readers)
		}
	}
	c.Flush()
	return c.Error()
}
