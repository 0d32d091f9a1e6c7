package judge

import (
	"bufio"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestLabKnown(t *testing.T) {
	f, _ := os.Open("gen/lists/known-jwt-secrets.txt.gz")
	z, _ := gzip.NewReader(f)
	s := bufio.NewScanner(z)
	n, miss, missKnown, missRules, long, missLong := 0, 0, 0, 0, 0, 0
	t0 := time.Now()
	for s.Scan() {
		x := strings.TrimSuffix(s.Text(), "\r")
		if x == "" {
			continue
		}
		n++
		r := Text([]byte(x), Context{})
		if r.Verdict != Guessable {
			miss++
		}
		if !r.Has(Known) {
			missKnown++
		}
		if len(x) >= 32 {
			long++
		}
		if len(r.Reasons) == 1 && r.Has(Known) {
			missRules++
			if len(x) >= 32 {
				missLong++
				if missLong%20 == 0 {
					fmt.Println("   only known:", x[:min(len(x), 90)])
				}
			}
		}
	}
	fmt.Println(n, "missed", miss, "not known", missKnown, "by rules not found", missRules, "of 32+", missLong, long, time.Since(t0)/time.Duration(n))
}

func TestLabFalse(t *testing.T) {
	for name, enc := range map[string]func([]byte) string{"b64url": base64.RawURLEncoding.EncodeToString, "hex": hex.EncodeToString, "b64": base64.StdEncoding.EncodeToString} {
		for _, size := range []int{18, 20, 24, 32, 64} {
			n := 20000
			var v [3]int
			t0 := time.Now()
			for range n {
				b := make([]byte, size)
				rand.Read(b)
				r := Text([]byte(enc(b)), Context{})
				v[r.Verdict]++
				if r.Verdict == Guessable && size > 18 {
					fmt.Println(enc(b), r)
				}
			}
			fmt.Println(name, size, v, time.Since(t0)/time.Duration(n))
		}
	}
}
