package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
)

// How loading grows with the number of keys. A file has at most 1 MiB, so the
// keys are in several.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1, 100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := folderOf(b, n)
			b.ResetTimer()
			for b.Loop() {
				c, err := Load(dir, stores.Registry{"file": func() providers.Config { return &fake{} }})
				if err != nil || len(c.Keys) != n {
					b.Fatal(len(c.Keys), err)
				}
			}
		})
	}
}

// folderOf is a config of n keys.
func folderOf(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	write("a.yaml", "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk}\n")
	for from := 0; from < n; from += 10_000 {
		var text strings.Builder
		text.WriteString("keys:\n")
		for i := from; i < min(n, from+10_000); i++ {
			fmt.Fprintf(&text, "  team-%d: {}\n", i)
		}
		write(fmt.Sprintf("keys-%06d.yaml", from), text.String())
	}
	return dir
}
