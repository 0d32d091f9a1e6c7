package judge

import (
	_ "embed"
	"math"
	"strings"
)

// digits has a row for each constant and for each row of numbers that people
// know by heart or look up: the first thousand decimals of pi, e, the golden
// ratio, roots and logarithms, hex digits of pi and of hashes, primes, squares.
// gen/constants.go works them out.
//
//go:embed data/constants.txt
var digits string

// leastDigits is how many digits have to agree.
const leastDigits = 6

// constants offers the longest part of a constant that begins at i.
func (c *coverer) constants(i int) {
	if i+leastDigits > len(c.lower) || !isHex(c.lower[i:i+leastDigits]) {
		return
	}
	key := string(c.lower[i : i+leastDigits])
	for at := 0; ; at++ {
		next := strings.Index(digits[at:], key)
		if next < 0 {
			return
		}
		at += next
		n := leastDigits
		for i+n < len(c.lower) && at+n < len(digits) && c.lower[i+n] == rune(digits[at+n]) && digits[at+n] != '\n' {
			n++
		}
		c.take(i, i+n, Constant, constantCost+math.Log2(float64(len(digits)))+lengthBits(n-leastDigits+1))
	}
}
