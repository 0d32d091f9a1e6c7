package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// quick is a config whose keys have no waits; %s are the stores section's one
// store, and the keys.
const quick = `environment: test
stores: {s: %s}
defaults: {store: s, propagation: 0s, grace: 1s, grace_bounds: {min: 1s, max: 10s}}
keys: {%s}
`

// graceOver is when a key that quick's has replaced may be retired: the grace, the
// skew, and the rest of a second.
const graceOver = 3 * time.Second

// A job is what one `now` does. Each run has a key of its own: more than a few
// rotations within a grace find no room in the keyset, and are none.
type job struct {
	key, what string
	before    int // rotations that its key has behind it, the creation included
}

var jobs = []job{
	{"first", "publish, promote", 1},
	{"later", "publish, promote, retire the key before", 2},
}

// A way is how someone else would do it. It has no waits, no readbacks and nothing
// to retire, so the first job is the one that is like it.
type way struct {
	name string
	command
	goal float64 // how many times as long it should take; 0 if none is set
}

// A nowBench is `rotate now` in one store beside other ways.
type nowBench struct {
	rotate string // the program
	conf   string
	env    []string
	rounds int // that count
	ways   []way
}

// newNowBench makes the keys of all rounds, and one of each job besides.
func (b *bench) newNowBench(ctx context.Context, store string, env []string, rounds int, ways []way) (*nowBench, error) {
	n := &nowBench{rotate: b.rotate, env: env, rounds: rounds, ways: ways}
	var keys []string
	for i := range rounds + 2 {
		for _, j := range jobs {
			keys = append(keys, fmt.Sprintf("%s-%d: {}", j.key, i))
		}
	}
	var err error
	if n.conf, err = b.write("now/rotate.yaml", fmt.Sprintf(quick, store, strings.Join(keys, ", "))); err != nil {
		return nil, err
	}
	for i := range rounds + 2 {
		for _, j := range jobs {
			now := n.now(j, i)
			now.says = "" // the first creates
			for range j.before {
				if _, err := now.run(ctx); err != nil {
					return nil, err
				}
			}
		}
	}
	time.Sleep(graceOver)
	return n, nil
}

// now is the job's command in a round.
func (n *nowBench) now(j job, round int) command {
	return command{args: []string{n.rotate, "now", fmt.Sprintf("%s-%d", j.key, round), "-c", n.conf}, env: n.env, says: "rotated away from"}
}

// spare is a round that is not measured.
func (n *nowBench) spare() int { return n.rounds + 1 }

// measure adds a column for each way to the rows, which are the jobs.
func (n *nowBench) measure(ctx context.Context, t *table) error {
	runs, err := inTurn(ctx, n.rounds, func(i int) []command {
		var all []command
		for _, w := range n.ways {
			all = append(all, w.command)
		}
		for _, j := range jobs {
			all = append(all, n.now(j, i))
		}
		return all
	})
	if err != nil {
		return err
	}
	for i, w := range n.ways {
		wall := w.name + " ÷ rotate, wall time"
		if w.goal > 0 {
			wall += fmt.Sprintf(", goal ≥ %.0f ×", w.goal)
		}
		t.head = append(t.head, wall, "processor time")
		for j := range jobs {
			ratio := runs.ratio(i, len(n.ways)+j)
			took := fmt.Sprintf("%.1f ×", ratio.wall)
			if ratio.wall < w.goal {
				took = "**" + took + "**"
			}
			t.rows[j] = append(t.rows[j], took, fmt.Sprintf("%.1f ×", ratio.cpu))
		}
	}
	return nil
}

// newNowTable has the jobs as rows.
func newNowTable(title, command string) *table {
	t := &table{title: title, command: command, head: []string{"one `rotate now`"}}
	for _, j := range jobs {
		t.rows = append(t.rows, []string{j.what})
	}
	return t
}

// files is `rotate now` on the file store beside scripts that rotate a value in a
// file.
func (b *bench) files(ctx context.Context) (*table, error) {
	t := newNowTable("`rotate now` on the file store, against the same job by scripts (internal/test/bench/peers)", "go run ./internal/test/bench -only process")
	if _, err := exec.LookPath("openssl"); err != nil {
		return t.skipped(err), nil
	}
	// The interpreter itself: what the PATH has may be a script that looks for it.
	python, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return t.skipped(err), nil
	}
	file, err := b.write("peer/keys.json", `{"current": "old"}`)
	if err != nil {
		return nil, err
	}
	n, err := b.newNowBench(ctx, "{type: file, dir: "+filepath.Join(b.dir, "keys")+"}", nil, 21, []way{
		{name: "sh and openssl", command: command{args: []string{"internal/test/bench/peers/file.sh", file}}},
		{name: "python", command: command{args: []string{strings.TrimSpace(string(python)), "internal/test/bench/peers/file.py", file}}},
	})
	if err != nil {
		return nil, err
	}
	return t, n.measure(ctx, t)
}
