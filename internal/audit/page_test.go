package audit_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/audit"
)

// docs/audit.md has every member of a line.
func TestEveryMemberIsOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder // the first column of its tables
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "|") {
			rows.WriteString(strings.Split(line, "|")[1])
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[audit.Line]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" && !f.Anonymous && !strings.Contains(rows.String(), "`"+name+"`") {
			t.Errorf("docs/audit.md has no row with `%s`", name)
		}
	}
}
