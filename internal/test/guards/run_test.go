package guards

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/internal/test/overlay"
)

// passes holds that tests pass as they are, once for each set of them: else no
// change could be told to be noticed by them.
func passes(t *testing.T, tests string) {
	t.Helper()
	once, _ := baselines.LoadOrStore(tests, sync.OnceValue(func() error {
		who, err := overlay.Test(root, tests, "", nil)
		if len(who) > 0 {
			err = fmt.Errorf("%s fail without any change", strings.Join(who, ", "))
		}
		return err
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatal(err)
	}
}

var baselines sync.Map

// noticed holds that tests pass, and one of them fails with a file changed.
func noticed(t *testing.T, tests, path string, text []byte) {
	t.Helper()
	passes(t, tests)
	who, err := overlay.Test(root, tests, path, text)
	switch {
	case err != nil:
		t.Fatalf("taken out of %s, the tests tell nothing: %v", path, err)
	case len(who) == 0:
		t.Fatalf("taken out of %s, and every test passes", path)
	}
	t.Logf("noticed by %s", who[0])
}
