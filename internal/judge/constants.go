package judge

import (
	_ "embed"
	"index/suffixarray"
	"sync"
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
	key := []byte(string(c.lower[i : i+leastDigits]))
	for _, at := range places().Lookup(key, -1) {
		n := leastDigits
		for i+n < len(c.lower) && at+n < len(digits) && c.lower[i+n] == rune(digits[at+n]) && digits[at+n] != '\n' {
			n++
		}
		c.take(i, i+n, Constant, constantCost+log2(len(digits))+lengthBits(n-leastDigits+1))
	}
}

// places finds where digits stand.
var places = sync.OnceValue(func() *suffixarray.Index { return suffixarray.New([]byte(digits)) })
