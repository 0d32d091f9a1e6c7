package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyrotate/rotate/internal/trust"
)

func TestScripts(t *testing.T) {
	rotate := binary(t)
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROTATE_CONFIG", "")
			e.Setenv("PATH", filepath.Dir(rotate)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "volume":
				return onVolume(t), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"norm": normCmd, "exits": exitsCmd, "kid": kidCmd, "runbook": runbookCmd,
		},
	})
}

// onVolume reports whether the temporary folder is one where no file is said to be
// open to others: a volume of a container.
func onVolume(t *testing.T) bool {
	path := filepath.Join(t.TempDir(), "open")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	return trust.Check(path) == nil
}

// normCmd writes a stream or file with kids, times and paths made alike, for
// cmp to compare: norm stdout out.
func normCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: norm stdout|stderr|FILE OUT")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "$WORK")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(norm(text, dropTimes)), 0o600))
}

// exitsCmd runs a command and wants its exit code: exits 2 rotate now.
func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// kidCmd sets a variable to the kid of the youngest key in a status, as a file
// store has it: kid previous OLD keys/test-auth-jwt.json.
func kidCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: kid STATUS VARIABLE FILE")
	}
	var doc struct {
		Keys []struct{ Kid, Status string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &doc))
	for _, k := range doc.Keys {
		if k.Status == args[0] {
			ts.Setenv(args[1], k.Kid)
			return
		}
	}
	ts.Fatalf("no key is %s", args[0])
}

// A console block of a runbook, and a command in it.
var (
	consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")
	consoleLine  = regexp.MustCompile(`(?m)^\$ (.*)$`)
)

// runbookCmd runs the commands of one block of a runbook as they stand:
// runbook compromise.md 1.
func runbookCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: runbook FILE BLOCK")
	}
	doc, err := os.ReadFile(filepath.Join(runbooks, args[0]))
	ts.Check(err)
	blocks := consoleBlock.FindAllStringSubmatch(string(doc), -1)
	n := int(args[1][0] - '0')
	if n < 1 || n > len(blocks) {
		ts.Fatalf("%s has %d blocks", args[0], len(blocks))
	}
	for _, command := range consoleLine.FindAllStringSubmatch(blocks[n-1][1], -1) {
		ts.Check(ts.Exec("sh", "-c", command[1]))
	}
}

// runbooks is where they are, wherever a script runs.
var runbooks = func() string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "docs", "runbooks"))
	if err != nil {
		panic(err)
	}
	return dir
}()
