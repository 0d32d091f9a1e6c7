package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
)

type statusOptions struct {
	output, sort string
	long, full   bool
	watch        time.Duration
}

func statusCommand(a *App) *cobra.Command {
	var o statusOptions
	cmd := help("status", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), args, o) },
	})
	f := cmd.Flags()
	f.BoolVar(&o.long, "long", false, "show all that is known of each key, as of up to three keys without it")
	f.BoolVar(&o.full, "full", false, "show every key, however many there are")
	f.StringVar(&o.sort, "sort", string(status.ByAttention), "order of the keys: "+strings.Join(orders(), ", "))
	f.DurationVar(&o.watch, "watch", 0, "look again after each such time, on a terminal, until Ctrl-C")
	f.Lookup("watch").NoOptDefVal = defaultWatch.String()
	completeFlag(cmd, "sort", orders())
	a.outputFlag(cmd, &o.output, "text", "json", "yaml")
	return cmd
}

// How often a watch looks: each look reads every key and output, which a vendor may bill.
const (
	defaultWatch = 10 * time.Second
	leastWatch   = time.Second
)

func orders() (all []string) {
	for _, o := range status.Orders() {
		all = append(all, string(o))
	}
	return all
}

func (o statusOptions) check(terminal bool) error {
	switch {
	case !slices.Contains(orders(), o.sort):
		return usage.New("--sort: the order is one of " + strings.Join(orders(), ", "))
	case o.watch == 0:
		return nil
	case o.watch < leastWatch:
		return usage.New(fmt.Sprintf("--watch %s: the least is %s", o.watch, leastWatch))
	case !terminal || o.output != "text":
		return usage.New("--watch draws on a terminal, and text only", "a loop around rotate status -o json does the same for a program")
	}
	return nil
}

func (a *App) status(ctx context.Context, names []string, o statusOptions) error {
	write := map[string]func(io.Writer, status.Report) error{
		"text": func(w io.Writer, r status.Report) error { return say.Status(w, r, a.view(o)) },
		"json": func(w io.Writer, r status.Report) error { return answer.JSON(w, r) },
		"yaml": func(w io.Writer, r status.Report) error { return answer.YAML(w, r) },
	}[o.output]
	if err := o.check(a.IsTerminal(a.Stdout)); err != nil {
		return err
	}
	h, keys, err := a.see(names)
	if err != nil {
		return err
	}
	attention := false
	look := func(ctx context.Context) (string, error) {
		report := say.Report(h.Status(ctx, keys).Sorted(status.Order(o.sort)))
		if o.watch > 0 && ctx.Err() != nil {
			return "", context.Cause(ctx) // whoever watched has ended it; what failed of that is no finding
		}
		attention = report.Attention
		var b bytes.Buffer
		err := write(&b, report)
		return b.String(), err
	}
	if o.watch > 0 {
		err = a.console.Watch(ctx, o.watch, a.lines, look)
	} else {
		var text string
		if text, err = look(ctx); err == nil {
			err = a.console.Write(text)
		}
	}
	if err != nil {
		return err
	}
	return console.Attention(attention)
}

// see is the host and the keys of a command that shows keys by name or pattern.
func (a *App) see(patterns []string) (*ops.Host, []*fleet.Key, error) {
	h, keys, err := a.look(nil, true)
	if err != nil {
		return nil, nil, err
	}
	keys, err = fleet.Match(keys, patterns)
	return h, keys, err
}

// lines is how many the terminal of standard output has.
func (a *App) lines() int {
	_, lines := a.Size(a.Stdout)
	return lines
}

// view is how standard output shows an answer. Who wants no colours has none (no-color.org); else a terminal that knows
// them has them, and whoever forces them (bixense.com/clicolors).
func (a *App) view(o statusOptions) say.View {
	v := say.View{Long: o.long, Full: o.full, Sorted: o.sort != string(status.ByAttention)}
	if a.IsTerminal(a.Stdout) {
		v.Width, _ = a.Size(a.Stdout)
		v.Colour = a.Getenv("TERM") != "dumb"
	}
	if force := a.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		v.Colour = true
	}
	if a.Getenv("NO_COLOR") != "" {
		v.Colour = false
	}
	return v
}
