package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// results are what tests tell and benchmarks measure, by package, name and unit
// or attribute: "providers/awssm TestCost life.calls".
type results map[string]string

const module = "github.com/keyrotate/rotate/"

// gotest runs go test with these arguments and gathers what it tells.
func gotest(ctx context.Context, args ...string) (results, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-count=1"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	got, said := results{}, strings.Builder{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var ev struct{ Action, Package, Test, Output, Key, Value string }
		if err := d.Decode(&ev); err != nil {
			return nil, err
		}
		pkg := strings.TrimPrefix(ev.Package, module)
		switch ev.Action {
		case "attr":
			got[pkg+" "+ev.Test+" "+ev.Key] = ev.Value
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
func (r results) benchmark(pkg, name, line string) {
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
		r[pkg+" "+name+" "+fields[i+1]] = fields[i]
	}
}

// number is one result; ok is false if there is none.
func (r results) number(key string) (float64, bool) {
	f, err := strconv.ParseFloat(r[key], 64)
	return f, err == nil
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
