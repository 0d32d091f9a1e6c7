package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

func planCommand(a *App) *cobra.Command {
	days := 365
	cmd := help("plan", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args, days) },
	})
	cmd.Flags().IntVar(&days, "days", days, "how far to look ahead")
	return cmd
}

func (a *App) plan(ctx context.Context, names []string, days int) error {
	if days < 1 || days > 3660 {
		return usage.New(fmt.Sprintf("--days %d: 1 to 3660", days))
	}
	h, keys, err := a.look(names, len(names) == 0)
	if err != nil {
		return err
	}
	from := a.Now().UTC().Truncate(time.Second)
	until := from.AddDate(0, 0, days)
	var all []ops.Outcome[ops.Calendar]
	v := console.Verdict{Console: a.console}
	for o := range h.Plan(ctx, keys, from, until) {
		if o.Got.Cut {
			a.console.Voice.Note("key %s: %s", o.Key.Name, answer.Cut(o.Got))
		}
		v.Add(o.Key, answer.Answer{}, o.Err)
		all = append(all, o)
	}
	if err := a.console.Write(answer.Plan(all, from, until)); err != nil {
		return err
	}
	return v.Err()
}
