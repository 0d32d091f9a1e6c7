package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/tools/man"
)

// The manual has a page for each command. `make man` writes it to $ROTATE_MAN, with
// $ROTATE_MAN_DATE and $ROTATE_MAN_VERSION in the foot. It is made here since the
// command line is here, and since the product should not have to carry its maker.
func TestManual(t *testing.T) {
	dir := os.Getenv("ROTATE_MAN")
	if dir == "" {
		dir = t.TempDir()
	}
	exits := ""
	meanings, _ := exitPage(t)
	for _, code := range []string{"0", "1", "2", "3"} {
		exits += "\n.TP\n" + code + "\n" + meanings[code]
	}
	root := newConsole(t, "").app(nil, nil, nil).Root()
	pages := man.Pages(root, man.Edition{Date: os.Getenv("ROTATE_MAN_DATE"), Version: os.Getenv("ROTATE_MAN_VERSION")},
		[2]string{"EXIT STATUS", exits[1:]},
		[2]string{"ENVIRONMENT", ".TP\nROTATE_CONFIG\nthe config file, or a folder of files, unless \\-\\-config names one\n.TP\nNO_COLOR\nno colours"},
		[2]string{"FILES", ".TP\n\\&./rotate.yaml\nthe config, where neither names one\n.TP\n/etc/rotate/rotate.yaml\nthe config of the service\n.TP\n/var/lib/rotate\nwhat the service keeps"},
	)
	if len(pages) != len(root.Commands())+1 {
		t.Errorf("%d pages for %d commands", len(pages), len(root.Commands())+1)
	}
	for name, text := range pages {
		if !strings.Contains(text, ".SH DESCRIPTION\n.PP\n") {
			t.Errorf("%s says nothing", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // everyone may read a manual
			t.Error(err)
		}
	}
}
