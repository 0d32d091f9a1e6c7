package traces_test

import (
	"os"
	"testing"

	"github.com/keyrotate/rotate/internal/traces"
)

// BenchmarkScan is the search for ten secrets and ten pairs in a source of this package.
func BenchmarkScan(b *testing.B) {
	data, err := os.ReadFile("traces_test.go")
	if err != nil {
		b.Fatal(err)
	}
	var parts [][]traces.Part
	for range 10 {
		parts = append(parts, traces.OfKey(symmetric(random(32), "")), traces.OfKey(pairs()["rsa"]))
	}
	f, _, err := traces.New(parts)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f.Scan(data)
	}
}
