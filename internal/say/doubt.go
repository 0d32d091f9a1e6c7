package say

import "fmt"

// Tampered says where an audit file is not as it was written; more tells of how
// many other places that is so.
func Tampered(file string, line int, what string, more int) string {
	text := fmt.Sprintf("%s:%d: %s", file, line, what)
	if more > 0 {
		text += fmt.Sprintf(", and %s; rotate audit --verify has all", Plural(more, "more finding"))
	}
	return text
}

// Unrecorded says that an audit file lacks what a witness remembers.
func Unrecorded(file string, generation uint64) string {
	return fmt.Sprintf("%s has no line of generation %d: it was cut or moved away, or another host wrote that generation", file, generation)
}
