package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/engine"
)

func (a *app) statusCommand() *cobra.Command {
	var output string
	var full bool
	cmd := &cobra.Command{
		Use:   "status [KEY…]",
		Short: "Show each key as its store holds it, and what comes next",
		Long: `Show each key as its store holds it: which kid signs, which verify and for how
long, what comes next and when, and how gone what is gone is. Nothing is changed.

The exit code is 3 when a key needs attention: halted, unreachable, overdue, missing,
with an alarm, or adopted although it is weak and still live. Clocks may differ by 5m, the
skew: by so much later than its grace ended a key is removed. (0s where propagation is 0s.)

On a terminal each key has a timeline: bars for next, current and previous, the line of
now, the mark of due. NO_COLOR takes the colours away. Of more than 50 keys only those
that need attention are shown, unless keys are named or --full is given.

-o json and -o yaml have the form rotate/status/v1, which only ever grows: see the
type Report in internal/status.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), args, output, full) },
	}
	cmd.Flags().BoolVar(&full, "full", false, "show every key, however many there are")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json or yaml")
	return cmd
}

func (a *app) status(ctx context.Context, names []string, output string, full bool) error {
	write, ok := map[string]func(io.Writer, status.Report) error{
		"text": func(w io.Writer, r status.Report) error { return say.Status(w, r, a.view(full || len(names) > 0)) },
		"json": writeJSON, "yaml": writeYAML,
	}[output]
	if !ok {
		return usage.New("-o: the output is text, json or yaml")
	}
	keys, err := a.keys(choice{names: names, all: len(names) == 0})
	if err != nil {
		return err
	}
	report := say.Report(a.report(ctx, keys))
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("the answer could not be written: %w", err)
	}
	if report.Attention {
		return errAttention
	}
	return nil
}

// view is how standard output shows a report.
func (a *app) view(full bool) say.View {
	v := say.View{Full: full}
	if a.isTerminal(a.stdout) {
		v.Width = a.columns(a.stdout)
		v.Colour = a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" // no-color.org
	}
	return v
}

// report looks at all keys, some at a time.
func (a *app) report(ctx context.Context, keys []*fleet.Key) status.Report {
	eng := a.host(quiet).Look()
	facts := make([]status.Facts, len(keys))
	slots := make(chan struct{}, ops.AtOnce)
	var all sync.WaitGroup
	for i, k := range keys {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			facts[i] = a.look(ctx, eng, k)
		})
	}
	all.Wait()
	var seen []status.Key
	for _, f := range facts {
		f.Twins = eng.Twins(f.Target) // all have been read
		seen = append(seen, status.Of(f))
	}
	return status.New(a.now(), seen)
}

// look reads what there is to know of a key.
func (a *app) look(ctx context.Context, eng *engine.Engine, k *fleet.Key) (f status.Facts) {
	f = ops.Facts(k)
	f.Now = a.now()
	defer caught(k, &f.Err)
	if f.Result, f.Err = ops.See(ctx, eng, k, engine.Ask{}); f.Err == nil {
		f.Past(eng.Past(ctx, k.Target, f.Result, false))
	}
	f.Now = a.now()
	return f
}

func writeJSON(w io.Writer, r status.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// writeYAML writes the same members in the same order: JSON is YAML, so it is
// read as that and written in YAML's own style.
func writeYAML(w io.Writer, r status.Report) error {
	var doc bytes.Buffer
	if err := writeJSON(&doc, r); err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(doc.Bytes(), &node); err != nil {
		return err
	}
	blockStyle(&node)
	d, err := yaml.NewDumper(w, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return err
	}
	return errors.Join(d.Dump(&node), d.Close())
}

// blockStyle drops the braces and quotes that JSON has.
func blockStyle(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	for _, c := range n.Content {
		blockStyle(c)
	}
}
