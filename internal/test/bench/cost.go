package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	costs "github.com/keyrotate/rotate/internal/test/bench/cost"
)

// adapters is every store whose package has a TestCost. A new one is one line.
var adapters = []string{"file", "memory", "kubernetes", "vaultkv", "awssm", "gcpsm", "azurekv"}

// A price is what a service asks for calls, in US dollars for 10,000, by the
// vendor's public list; see docs/performance.md for where and when it was read.
type price struct {
	perCalls float64
	billed   func(call string) bool
}

var prices = map[string]price{
	"awssm":   {0.05, func(string) bool { return true }},
	"azurekv": {0.03, func(string) bool { return true }},
	"gcpsm":   {0.03, func(call string) bool { return call == "AccessSecretVersion" }}, // management is free
}

const (
	keys      = 10_000
	month     = 30 * 24    // hours
	lives     = 30.0 / 90  // rotations in a month
	poller    = month * 60 // calls of a program that reads its secret every minute
	perMinute = "one-minute poller"
)

// lambda is the calls of AWS's template of a rotation function,
// SecretsManagerRotationTemplate/lambda_function.py of
// aws-samples/aws-secrets-manager-rotation-lambdas at b4b8eca, where each step
// succeeds: every invocation describes the secret (4); createSecret reads the
// current value, finds no pending one, asks for a random password and puts it (4);
// setSecret and testSecret are left to the user, and here make none; finishSecret
// describes the secret again and moves AWSCURRENT (2).
const lambda = 10

func (b *bench) cost(ctx context.Context) ([]*table, error) {
	args := []string{"-run", "^TestCost$", "./providers/..."}
	got, err := gotest(ctx, args...)
	if err != nil {
		return nil, err
	}
	command := "go test -run '^TestCost$' -v ./providers/..."
	life := &table{
		title: "Calls of one life (publish, ready, promote, settled, retire, and what they erase), and idle", command: command,
		head: []string{"store", "conditional writes, goal ≤ 5", "reads, goal ≤ 8", "erasures, listings", "calls of the service", "idle: reads of 1,000 passes, goal ≤ 1,000", "idle: writes, goal 0", "idle: calls of the service a day"},
	}
	money := &table{
		title: "The calls of 10,000 keys in a month, in US dollars", command: command,
		head: []string{"store", "rotate", "AWS's four-step rotation function", perMinute},
	}
	for _, a := range adapters {
		key := func(attr string) string { return got.text("providers/" + a + " TestCost " + attr) }
		ops, _ := counts(key(costs.LifeStore))
		idle, _ := counts(key(costs.IdleStore))
		calls, inLife := counts(key(costs.LifeCalls))
		idleCalls, inIdle := counts(key(costs.IdleCalls))
		life.rows = append(life.rows, []string{
			a, judged(ops["write"], 5), judged(ops["read"], 8), fmt.Sprintf("%d, %d", ops["erase"], ops["history"]), listed(calls, inLife),
			judged(idle["read"], costs.Passes), judged(idle["write"]+idle["erase"], 0), fmt.Sprint(inIdle * 24 / costs.Passes),
		})
		p, sold := prices[a]
		if !sold {
			continue
		}
		dollars := func(perKey float64) string { return fmt.Sprintf("%.2f", perKey*keys/10_000*p.perCalls) }
		ours := lives*billed(p, calls) + month*billed(p, idleCalls)/costs.Passes
		function := "–"
		if a == "awssm" {
			function = dollars(lives * lambda)
		}
		money.rows = append(money.rows, []string{a, dollars(ours), function, dollars(poller)})
	}
	return []*table{life, money}, got.whole()
}

func billed(p price, calls map[string]int) (sum float64) {
	for name, n := range calls {
		if p.billed(name) {
			sum += float64(n)
		}
	}
	return sum
}

// judged is a count, marked if it is above its goal.
func judged(n, most int) string {
	if n > most {
		return fmt.Sprintf("**%d**", n)
	}
	return fmt.Sprint(n)
}

func listed(calls map[string]int, sum int) string {
	if sum == 0 {
		return "–"
	}
	text := fmt.Sprintf("%d:", sum)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		text += fmt.Sprintf(" %d %s,", calls[name], name)
	}
	return text[:len(text)-1]
}
