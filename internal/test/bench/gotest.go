package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// results are what tests tell and benchmarks measure, by package, name and unit
// or attribute: "providers/awssm TestCost life.calls".
type results struct {
	by     map[string]string
	absent []string // what was asked for and is not there
}

const module = "github.com/keyrotate/rotate/"

// gotest runs go test with these arguments and gathers what it tells.
func gotest(ctx context.Context, args ...string) (*results, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-count=1"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	got, said := &results{by: map[string]string{}}, strings.Builder{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var ev struct{ Action, Package, Test, Output, Key, Value string }
		if err := d.Decode(&ev); err != nil {
			return nil, err
		}
		pkg := strings.TrimPrefix(ev.Package, module)
		switch ev.Action {
		case "attr":
			got.by[pkg+" "+ev.Test+" "+ev.Key] = ev.Value
		case "output":
			said.WriteString(ev.Output)
			got.benchmark(pkg, ev.Test, ev.Output)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("go test %s: %w\n%s%s", strings.Join(args, " "), err, &said, &stderr)
	}
	return got, nil
}

// benchmark takes a line such as "300   1.28 x   12 B/op", whose beginning with
// the name may have come before it.
func (r *results) benchmark(pkg, name, line string) {
	fields := strings.Fields(line)
	if len(fields) > 0 && strings.HasPrefix(fields[0], "Benchmark") {
		fields = fields[1:]
	}
	if !strings.HasPrefix(name, "Benchmark") || len(fields) < 3 {
		return
	}
	if _, err := strconv.Atoi(fields[0]); err != nil {
		return
	}
	for i := 1; i+1 < len(fields); i += 2 {
		r.by[pkg+" "+name+" "+fields[i+1]] = fields[i]
	}
}

// text is one result.
func (r *results) text(key string) string {
	v, ok := r.by[key]
	if !ok {
		r.absent = append(r.absent, key)
	}
	return v
}

// number is one result that is a number.
func (r *results) number(key string) float64 {
	f, err := strconv.ParseFloat(r.text(key), 64)
	if err != nil {
		r.absent = append(r.absent, key)
	}
	return f
}

// whole is an error if something that was asked for is not there: a test that has
// another name by now, say.
func (r *results) whole() error {
	if len(r.absent) == 0 {
		return nil
	}
	slices.Sort(r.absent)
	return fmt.Errorf("nothing tells %s", strings.Join(slices.Compact(r.absent), ", "))
}

// counts takes "Get=2 Put=1" apart.
func counts(list string) (n map[string]int, sum int) {
	n = map[string]int{}
	for field := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(field, "=")
		n[name], _ = strconv.Atoi(value)
		sum += n[name]
	}
	return n, sum
}
