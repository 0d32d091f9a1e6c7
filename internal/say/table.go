package say

import (
	"strings"
	"unicode/utf8"
)

// A cell is a text of a table, and how it is painted; nil leaves it as it is.
type cell struct {
	text  string
	paint paint
}

// A column of a table is as wide as its widest cell.
type column struct {
	name  string
	cells []cell
}

func (c column) width() int {
	n := utf8.RuneCountInString(c.name)
	for _, x := range c.cells {
		n = max(n, utf8.RuneCountInString(x.text))
	}
	return n
}

// A table is columns side by side, all with as many cells.
type table []column

const apart = 2 // columns of a terminal between two of a table

func (t table) width() (n int) {
	for _, c := range t {
		n += c.width() + apart
	}
	return max(0, n-apart)
}

// without is the table less the column of a name.
func (t table) without(name string) (rest table) {
	for _, c := range t {
		if c.name != name {
			rest = append(rest, c)
		}
	}
	return rest
}

// fit takes out columns, in the order of their names, until the rest has room. No width has room for all.
func (t table) fit(width int, spare ...string) table {
	for _, name := range spare {
		if width > 0 && t.width() > width {
			t = t.without(name)
		}
	}
	return t
}

// write writes the names of the columns, painted, and a line for each row.
func (t table) write(b *strings.Builder, head paint) {
	var widths []int
	var names []cell
	for _, c := range t {
		widths, names = append(widths, c.width()), append(names, cell{c.name, head})
	}
	line(b, widths, names)
	for i := range t[0].cells {
		row := names[:0]
		for _, c := range t {
			row = append(row, c.cells[i])
		}
		line(b, widths, row)
	}
}

// line writes cells at the widths of their columns, without blanks after the last.
func line(b *strings.Builder, widths []int, cells []cell) {
	pad := 0
	for i, c := range cells {
		if c.text != "" {
			b.WriteString(strings.Repeat(" ", pad))
			pad = 0
			if c.paint == nil {
				b.WriteString(c.text)
			} else {
				b.WriteString(c.paint(c.text))
			}
		}
		pad += widths[i] - utf8.RuneCountInString(c.text) + apart
	}
	b.WriteString("\n")
}
