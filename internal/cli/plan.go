package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

type planOptions struct {
	days   int
	full   bool
	output string
}

func planCommand(a *App) *cobra.Command {
	var o planOptions
	cmd := help("plan", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args, o) },
	})
	f := cmd.Flags()
	f.IntVar(&o.days, "days", 365, "how far to look ahead")
	f.BoolVar(&o.full, "full", false, "list every step, however many there are")
	a.outputFlag(cmd, &o.output, "text", "json", "yaml", "ics")
	return cmd
}

func (a *App) plan(ctx context.Context, names []string, o planOptions) error {
	if o.days < 1 || o.days > 3660 {
		return usage.New(fmt.Sprintf("--days %d: 1 to 3660", o.days))
	}
	text := map[string]func(*bytes.Buffer, answer.Plan) error{
		"text": func(b *bytes.Buffer, p answer.Plan) error { _, err := b.WriteString(p.Text(o.full)); return err },
		"json": func(b *bytes.Buffer, p answer.Plan) error { return answer.JSON(b, p) },
		"yaml": func(b *bytes.Buffer, p answer.Plan) error { return answer.YAML(b, p) },
		"ics":  func(b *bytes.Buffer, p answer.Plan) error { return p.ICS(b) },
	}[o.output]
	h, keys, err := a.see(names)
	if err != nil {
		return err
	}
	from := a.Now().UTC().Truncate(time.Second)
	until := from.AddDate(0, 0, o.days)
	var all []ops.Outcome[ops.Calendar]
	v := console.Verdict{Console: a.console, Few: true}
	for c := range h.Plan(ctx, keys, from, until) {
		v.Add(c.Key, answer.Answer{}, c.Err)
		all = append(all, c)
	}
	plan := answer.PlanOf(all, from, until)
	if cut := plan.Cut(); cut != "" {
		a.console.Voice.Note("%s", cut)
	}
	var b bytes.Buffer
	if err := text(&b, plan); err != nil {
		return err
	}
	if err := a.console.Write(b.String()); err != nil {
		return err
	}
	return v.Err()
}
