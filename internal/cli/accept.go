package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

type acceptOptions struct {
	changes
	generation  uint64
	revoke      []string
	noneRevoked bool
}

func acceptCommand(a *App) *cobra.Command {
	var o acceptOptions
	cmd := help("accept", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return accept(cmd.Context(), a, args, o) },
	})
	o.flags(cmd, true)
	a.documented(cmd, changesDocument(form.Accept, &o.dryRun))
	f := cmd.Flags()
	f.Uint64Var(&o.generation, "generation", 0, "the generation that the store holds, as the alarm names it")
	f.StringArrayVar(&o.revoke, "revoke", nil, "a kid that must not come back to life; may be repeated")
	f.BoolVar(&o.noneRevoked, "none-revoked", false, "no key was reported as compromised since that generation")
	return cmd
}

func accept(ctx context.Context, a *App, names []string, o acceptOptions) error {
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	b, err := h.Restored(ctx, keys[0], o.generation, o.revoke)
	if err != nil {
		return err
	}
	if b.Unfiled != nil {
		a.console.Voice.Warn("key %s: which keys were revoked could not be looked up: %v", b.Key.Name, b.Unfiled)
	}
	notice := answer.Accepting(a.Now(), b, o.dryRun)
	switch {
	case o.dryRun || len(b.Found.Witnesses) == 0:
		return a.console.Answer(b.Key, notice, nil)
	case b.Unknown() && len(o.revoke) == 0 && !o.noneRevoked:
		// A revoked key must not come back because nobody thought of it.
		return usage.New(
			fmt.Sprintf("key %s: no output tells which keys were reported as compromised since generation %d, and a revoked one must not come back; nothing was changed", b.Key.Name, o.generation),
			"the audit log has lines with the action \"revoke\": name each kid with --revoke KID, or say --none-revoked",
		)
	}
	if err := a.console.Confirm(ctx, notice, o.yes, fmt.Sprintf("Accept generation %d of key %s", o.generation, b.Key.Name)); err != nil {
		return err
	}
	done, err := b.Accept(ctx)
	var ans answer.Answer
	if done != nil {
		ans = answer.Accepted(a.Now(), done)
	}
	return a.console.Answer(b.Key, ans, err)
}
