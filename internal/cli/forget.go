package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say/answer"
)

func forgetCommand(a *App) *cobra.Command {
	var o changes
	cmd := help("forget", &cobra.Command{
		Args: counted(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.forget(cmd.Context(), args[:1], args[1], o) },
	})
	o.flags(cmd, true)
	a.documented(cmd, changesDocument(form.Forget, &o.dryRun))
	return cmd
}

func (a *App) forget(ctx context.Context, names []string, place string, o changes) error {
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	left, err := h.Left(ctx, keys[0], place)
	switch {
	case err != nil:
		return err
	case o.dryRun:
		return a.console.Answer(left.Key, answer.Forgetting(left, true), nil)
	}
	if err := a.console.Confirm(ctx, answer.Forgetting(left, false), o.yes, fmt.Sprintf("Remove key %s from %s", left.Key.Name, left.Place)); err != nil {
		return err
	}
	if err := left.Forget(ctx); err != nil {
		return err
	}
	return a.console.Answer(left.Key, answer.Forgotten(left), nil)
}
