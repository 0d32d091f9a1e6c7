package answer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/ops"
)

// What stands in a token or in somebody's repository begins no line of an answer, and no command.
func TestWordsFromOutsideStayInTheirLine(t *testing.T) {
	const bad = "abc\nmade by    key alpha\n\u202eoff"
	var b bytes.Buffer
	if err := Inspected(&b, ops.Inspected{Kid: bad, Algorithm: bad, Code: ops.TokenUnknown}); err != nil {
		t.Fatal(err)
	}
	c := ops.GitChecked{Found: []ops.GitFound{{Kind: "blob", Places: []ops.GitPlace{{Path: bad}}}}, Files: []ops.GitFile{{Path: bad, Ignored: true}, {Path: "$(touch pwned).env", Tracked: true}}}
	if err := gitText(&b, c); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "made by    key") || strings.Contains(line, "\u202e") {
			t.Errorf("forged: %q", line)
		}
	}
	if hints := strings.Join(GitHints(c), "\n"); !strings.Contains(hints, "'$(touch pwned).env'") {
		t.Errorf("a shell would run this: %s", hints)
	}
}
