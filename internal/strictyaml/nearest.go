package strictyaml

import (
	"fmt"
	"strings"
)

// DidYouMean is a hint with the candidate that name was probably meant to be,
// or with all of them if none is near.
func DidYouMean(name string, candidates []string) string {
	best := nearest(name, candidates)
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %s?", best)
	case len(candidates) > 0:
		return "one of " + strings.Join(candidates, ", ")
	}
	return ""
}

// nearest is the candidate that name was probably meant to be, or "".
func nearest(name string, candidates []string) string {
	best, bestAt := "", min(3, len(name)) // two edits, and not all of a short name
	for _, c := range candidates {
		if d := distance(plainCase(name), plainCase(c)); d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}

func plainCase(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// distance is the number of single-character edits between two names
// (Levenshtein); names of more than 64 characters are near to nothing.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
