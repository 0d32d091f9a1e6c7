package judge

import (
	"bufio"
	"fmt"
	"os"
	"testing"
)

func TestTry(t *testing.T) {
	s := bufio.NewScanner(os.Stdin)
	_ = s
	f, _ := os.Open(os.Getenv("TRY"))
	s = bufio.NewScanner(f)
	for s.Scan() {
		r := Text(s.Bytes(), Context{MinBytes: 32, Names: []Name{{"auth.shop-example.com", "domain"}}})
		fmt.Printf("%-12s %4d %-60.60s %+v\n", r.Verdict, r.Bits, s.Text(), r.Reasons)
	}
}
