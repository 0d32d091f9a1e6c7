// Command bench measures rotate against what a user would pick instead, and
// prints each figure with its goal: ratios of one run, counts, and growth; no
// absolute promises. It judges nothing by its exit code. Run it in the module's
// folder, by `make bench`.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A bench is a run of this program.
type bench struct {
	dir          string // for what it makes
	rotate, bare string // the programs
}

func main() {
	only := flag.String("only", "", "some of the sections, with commas between: cost, due, inner, process, daemon, aws, git")
	programs := flag.String("programs", "", "a folder that has rotate and bare, built before; they are built if it is not given")
	flag.Parse()
	if err := measure(context.Background(), *only, *programs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, only, programs string) error {
	dir, err := os.MkdirTemp("", "rotate-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	built := cmp.Or(programs, dir)
	b := &bench{dir: dir, rotate: filepath.Join(built, "rotate"), bare: filepath.Join(built, "bare")}
	for out, pkg := range map[string]string{b.rotate: "./cmd/rotate", b.bare: "./internal/test/bench/bare"} {
		if programs != "" {
			break
		}
		if err := build(ctx, out, pkg); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %s, %d processors, %s\n\n", runtime.Version(), processor(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	for _, section := range []struct {
		name string
		f    func(context.Context) ([]*table, error)
	}{
		{"cost", b.cost}, {"due", b.due}, {"inner", b.inner}, {"process", b.process}, {"daemon", b.daemon}, {"aws", b.aws}, {"git", b.git},
	} {
		if only != "" && !slices.Contains(strings.Split(only, ","), section.name) {
			continue
		}
		tables, err := section.f(ctx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			t.print(os.Stdout)
		}
	}
	fmt.Println("How long the parts of CI take, cold and warm: docs/how-it-is-tested.md.")
	return nil
}

// processor is what the machine says that it is.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.Trim(name, "\t :\n"))
		}
	}
	return runtime.GOARCH
}
