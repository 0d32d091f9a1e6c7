package main

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// makeConstants works the rows out that people take digits from.
func makeConstants() error {
	var rows []string
	for _, c := range []*big.Float{pi(), e(), golden(), root(2), root(3), root(5), ln2()} {
		rows = append(rows, decimals(c))
	}
	rows = append(rows, hexDigits(pi()), hexDigits(e()))
	rows = append(rows, series(200, func(i int) string { return fmt.Sprint(i * i) }))         // squares
	rows = append(rows, series(40, func(i int) string { return fmt.Sprint(uint64(1) << i) })) // powers of two
	rows = append(rows, series(300, primeOrNone), series(60, fibonacci), series(500, strconv.Itoa))
	return write("constants.txt", []byte(strings.Join(rows, "\n")+"\n"))
}

const (
	precision = 3600 // bits: more than a thousand decimals take
	places    = 1000
)

func float(x int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(x) }

func root(x int64) *big.Float { return new(big.Float).Sqrt(float(x)) }

func golden() *big.Float {
	f := new(big.Float).Add(root(5), float(1))
	return f.Quo(f, float(2))
}

// pi is Machin's: 16 atan(1/5) - 4 atan(1/239).
func pi() *big.Float {
	a := new(big.Float).Mul(float(16), atanOf(5))
	return a.Sub(a, new(big.Float).Mul(float(4), atanOf(239)))
}

// atanOf is the arc tangent of 1/x.
func atanOf(x int64) *big.Float {
	return sum(new(big.Float).Quo(float(1), float(x)), func(term *big.Float, n int64) *big.Float {
		term.Quo(term, float(-x*x))
		return new(big.Float).Quo(term, float(2*n+1))
	})
}

// e is the sum of the inverses of all factorials.
func e() *big.Float {
	return sum(float(1), func(term *big.Float, n int64) *big.Float {
		term.Quo(term, float(n))
		return new(big.Float).Set(term)
	})
}

// ln2 is the sum of 1/(n 2^n).
func ln2() *big.Float {
	first := new(big.Float).Quo(float(1), float(2))
	return sum(first, func(term *big.Float, n int64) *big.Float {
		term.Quo(term, float(2))
		return new(big.Float).Quo(term, float(n+1))
	})
}

// sum adds what next makes of the last term, until it is too small to matter.
func sum(first *big.Float, next func(*big.Float, int64) *big.Float) *big.Float {
	total, term := new(big.Float).Set(first), new(big.Float).Set(first)
	for n := int64(1); term.MantExp(nil) > -precision && n < 20000; n++ {
		total.Add(total, next(term, n))
	}
	return total
}

func decimals(f *big.Float) string {
	return strings.Replace(f.Text('f', places), ".", "", 1)[:places]
}

// hexDigits are those after the point.
func hexDigits(f *big.Float) string {
	whole, _ := f.Int(nil)
	part := new(big.Float).Sub(f, new(big.Float).SetInt(whole))
	shifted, _ := new(big.Float).SetMantExp(part, 4*256).Int(nil)
	return fmt.Sprintf("%0256x", shifted)
}

// series is what a function makes of 0, 1, 2 and so on, without signs between.
func series(n int, of func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(of(i))
	}
	return b.String()
}

func primeOrNone(i int) string {
	if !big.NewInt(int64(i)).ProbablyPrime(0) {
		return ""
	}
	return fmt.Sprint(i)
}

func fibonacci(i int) string {
	a, b := uint64(0), uint64(1)
	for range i {
		a, b = b, a+b
	}
	return fmt.Sprint(a)
}
