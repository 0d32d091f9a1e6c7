package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/keyrotate/rotate/internal/test/bench/pair"
)

// due is what runs in virtual time, and is therefore exact.
func (b *bench) due(ctx context.Context) ([]*table, error) {
	t := &table{
		title:   "1,000 keys due at once, 20 ms a call, 4 passes at once; 500 keys after a month of downtime",
		command: "go test -run 'TestThousandDueAtOnce|TestPromise8AMonthDown' -v ./rotation/scheduler ./cmd/rotate",
	}
	got, err := gotest(ctx, "-run", "^(TestThousandDueAtOnce|TestPromise8AMonthDown)$", "./rotation/scheduler", "./cmd/rotate")
	if err != nil {
		return nil, err
	}
	const herd, pace = "rotation/scheduler TestThousandDueAtOnce herd.", "cmd/rotate TestPromise8AMonthDown pace."
	ratio := got.number(herd + "ratio")
	t.row("time ÷ (latency × calls ÷ concurrency)", got.text(herd+"ratio"), "≤ 1.3", ratio <= 1.3)
	peak := got.number(herd + "peak")
	t.row("most passes at once", got.text(herd+"peak"), "≤ 4", peak <= 4)
	peak, limit := got.number(pace+"peak"), got.number(pace+"limit")
	t.row("most writes in any minute", got.text(pace+"peak"), fmt.Sprintf("≤ %.0f", limit), peak <= limit)
	return []*table{t}, got.whole()
}

// inner is what Go benchmarks measure.
func (b *bench) inner(ctx context.Context) ([]*table, error) {
	keygen, err := b.keygen(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := b.rules(ctx)
	if err != nil {
		return nil, err
	}
	jwks, err := b.jwks(ctx)
	return []*table{keygen, rules, jwks}, err
}

// keygen compares what rotate draws, which is the same call of crypto/*, what it
// makes of it, and both with each other, which are two jobs: one row has a goal.
func (b *bench) keygen(ctx context.Context) (*table, error) {
	t := &table{title: "Making a key, against crypto/*", command: "go test -run '^$' -bench 'Material$|New$' -benchtime 300x ./internal/keygen; go test -run '^$' -bench NewRSA -benchtime 5x ./internal/keygen"}
	got, err := gotest(ctx, "-run", "^$", "-bench", "Material$|New$", "-benchtime", "300x", "./internal/keygen")
	if err != nil {
		return nil, err
	}
	rsa, err := gotest(ctx, "-run", "^$", "-bench", "NewRSA$", "-benchtime", "5x", "./internal/keygen")
	if err != nil {
		return nil, err
	}
	for _, alg := range []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "EdDSA"} {
		measured := func(benchmark string) float64 {
			return got.number("internal/keygen Benchmark" + benchmark + "/" + alg + " " + pair.Unit)
		}
		t.told(alg+", the material", fmt.Sprintf("%.2f ×", measured("Material")))
		whole := measured("New")
		t.row(alg+", a whole key, against the same parts", fmt.Sprintf("%.2f ×", whole), "≤ 1.05 ×", whole <= 1.05)
		t.told(alg+", a whole key, against the material alone", fmt.Sprintf("%.2f ×", measured("NewToMaterial")))
	}
	for _, alg := range []string{"RS256-2048", "RS256-3072"} {
		x := rsa.number("internal/keygen BenchmarkNewRSA/" + alg + " " + pair.Unit)
		t.row(alg+", a whole key, against the material alone", fmt.Sprintf("%.4f ×", x), "≤ 1.05 ×", x <= 1.05)
	}
	return t, errors.Join(got.whole(), rsa.whole())
}

// rules is the planner, the document, the scheduler's heap and the config.
func (b *bench) rules(ctx context.Context) (*table, error) {
	t := &table{title: "Plan, Parse, a wake, and loading a config", command: "go test -run '^$' -bench 'Plan|Parse|Encode|Wake' -benchmem ./rotation/...; go test -run '^$' -bench Load -benchtime 1x ./internal/config"}
	got, err := gotest(ctx, "-run", "^$", "-bench", "Plan|Parse|Encode|Wake", "-benchtime", "100ms", "-benchmem", "./rotation", "./rotation/keyset", "./rotation/scheduler")
	if err != nil {
		return nil, err
	}
	load, err := gotest(ctx, "-run", "^$", "-bench", "Load", "-benchtime", "1x", "./internal/config")
	if err != nil {
		return nil, err
	}
	for what, key := range ordered(
		"Plan", "rotation BenchmarkPlan", "Parse, HS256", "rotation/keyset BenchmarkParse/HS256", "Parse, ES256", "rotation/keyset BenchmarkParse/ES256",
		"Parse, RS256", "rotation/keyset BenchmarkParse/RS256", "Encode, HS256", "rotation/keyset BenchmarkEncode",
	) {
		t.told(what, fmt.Sprintf("%s ns, %s allocations", got.text(key+" ns/op"), got.text(key+" allocs/op")))
	}
	grown := func(what string, r *results, format string, small, large int, goal string, most float64) {
		from := r.number(fmt.Sprintf(format, small))
		to := r.number(fmt.Sprintf(format, large))
		e := exponent(small, large, from, to)
		t.row(what, fmt.Sprintf("%d keys: %.0f ns, %d keys: %.0f ns, exponent %.2f", small, from, large, to, e), goal, e <= most)
	}
	grown("a wake with nothing due", got, "rotation/scheduler BenchmarkWake/idle/%d ns/op", 1_000, 100_000, "exponent ≤ 0.1", 0.1)
	grown("a wake with one key due", got, "rotation/scheduler BenchmarkWake/one_due/%d ns/op", 1_000, 100_000, "exponent ≤ 0.3 (a heap is a logarithm and the processor's caches)", 0.3)
	grown("loading a config", load, "internal/config BenchmarkLoad/%d ns/op", 100, 100_000, "exponent ≤ 1.2", 1.2)
	return t, errors.Join(got.whole(), load.whole())
}

func (b *bench) jwks(ctx context.Context) (*table, error) {
	t := &table{title: "One key's JWKS over HTTP, against net/http with the same header and bytes", command: "go test -run '^$' -bench JWKS -benchtime 3000x ./cmd/rotate"}
	got, err := gotest(ctx, "-run", "^$", "-bench", "JWKS", "-benchtime", "3000x", "./cmd/rotate")
	if err != nil {
		return nil, err
	}
	for _, n := range []string{"1", "1000"} {
		x := got.number("cmd/rotate BenchmarkJWKS/" + n + " " + pair.Unit)
		t.row("requests a second, daemon of "+n+" keys", fmt.Sprintf("%.2f ×", 1/x), "≥ 0.9 ×", 1/x >= 0.9)
	}
	return t, got.whole()
}

// exponent is e where the cost grows as the e-th power of n.
func exponent(small, large int, from, to float64) float64 {
	return math.Log(to/from) / math.Log(float64(large)/float64(small))
}

// ordered yields pairs in their order.
func ordered(list ...string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for i := 0; i+1 < len(list); i += 2 {
			if !yield(list[i], list[i+1]) {
				return
			}
		}
	}
}
