package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keyrotate/rotate/providers"
)

// While somebody swaps the folder with another, again and again, writers make a
// first document: none that was told that its own is there has lost it to another,
// so that there are never two lineages of which each writer believes one.
func TestASwappedFolderMakesNoTwoLineages(t *testing.T) {
	top := t.TempDir()
	keys, other := filepath.Join(top, "keys"), filepath.Join(top, "other")
	must(t, os.Mkdir(keys, 0o700))
	must(t, os.Mkdir(other, 0o700))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, keys, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
			}
		}
	}()
	var mu sync.Mutex
	told := map[string][]string{} // by the secret, what was acknowledged
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			s, err := Config{Dir: keys}.Open(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			for round := range 100 {
				name, value := fmt.Sprintf("key-%d", round), fmt.Sprintf("writer %d, round %d", w, round)
				if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte(value)), "", providers.Note{Lineage: value, Generation: 1}); err == nil {
					mu.Lock()
					told[name] = append(told[name], value)
					mu.Unlock()
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	<-stopped
	lost, all := 0, 0
	for name, values := range told {
		there := map[string]bool{}
		for _, dir := range []string{keys, other} {
			text, _ := os.ReadFile(filepath.Join(dir, name+".json"))
			there[string(text)] = true
		}
		for _, v := range values {
			if all++; !there[v] {
				lost++
			}
		}
	}
	if lost > 0 || all == 0 {
		t.Errorf("of %d first documents that were acknowledged %d were overwritten", all, lost)
	}
	t.Logf("%d of 400 writes were acknowledged", all)
}

// Errors of a write name files as people know them, not by a handle.
func TestErrorsNameTheFolder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	rev := write(t, s, name, "value", "")
	p := files(t, s, name)
	must(t, os.Mkdir(p.temp, 0o700))
	must(t, os.WriteFile(filepath.Join(p.temp, "full"), nil, 0o600))
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("v")), rev.ID, providers.Note{})
	if err == nil || !strings.Contains(err.Error(), p.temp) || strings.Contains(err.Error(), handles) {
		t.Error(err)
	}
	must(t, os.RemoveAll(p.temp))
	must(t, os.Chmod(p.lock, 0o644))
	_, err = s.Write(t.Context(), name, providers.NewSecret([]byte("v")), rev.ID, providers.Note{})
	if err == nil || !strings.Contains(err.Error(), p.lock+" has mode 0644") {
		t.Error(err)
	}
}
