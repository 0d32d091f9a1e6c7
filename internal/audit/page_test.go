package audit_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/rotation/engine"
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
	for _, f := range reflect.VisibleFields(reflect.TypeFor[engine.Event]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "-" && !strings.Contains(rows.String(), "`"+name+"`") {
			t.Errorf("docs/audit.md has no row with `%s`", name)
		}
	}
}
