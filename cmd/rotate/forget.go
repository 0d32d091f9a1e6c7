package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
)

func (a *app) forgetCommand() *cobra.Command {
	var yes, dryRun bool
	logFormat := logNone
	cmd := &cobra.Command{
		Use:   "forget KEY PLACE",
		Short: "Remove what is left of a key where the config has no output any more",
		Long: `Remove what rotate wrote to a place that the config of a key does not name any more.

PLACE is as status shows it: STORE SECRET, or the path of a file. A file is unlinked; of a
.env file only rotate's variables go. In other stores a text that is no key takes the
value's place, and the values before it are erased as strongly as the store can. What
rotate did not write is left alone. With a value goes the PLACE.previous that belongs to it.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := a.logger(logFormat)
			if err != nil {
				return err
			}
			return a.forget(cmd.Context(), a.host(log), args[0], args[1], yes, dryRun)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().StringVar(&logFormat, "log-format", logFormat, "text or json: also log what is done to standard error")
	return cmd
}

func (a *app) forget(ctx context.Context, h *ops.Host, name, place string, yes, dryRun bool) error {
	keys, err := a.keys(choice{names: []string{name}})
	if err != nil {
		return err
	}
	k := keys[0]
	set, err := a.read(ctx, k)
	if err != nil {
		return err
	}
	place = k.AsShown(set, place)
	if k.Writes(place) {
		return usage.New(fmt.Sprintf("key %s: the config still has it as an output, and rotate would write it anew", k.Name), "take it out of the config first, and reload the daemons")
	}
	forms := k.Written(set, place)
	if len(forms) == 0 {
		var known []string
		for _, o := range set.Outputs {
			known = append(known, o.Name)
		}
		return usage.New(fmt.Sprintf("key %s: rotate has written nothing there", k.Name), "it has written to: "+strings.Join(known, "; "))
	}
	if dryRun {
		_, err = fmt.Fprintf(a.stdout, "%s: dry run, nothing was changed; it would be removed from %s: whatever still reads it there loses the key\n", k.Name, place)
		return err
	}
	notice := oneLine(fmt.Sprintf("key %s is removed from %s: whatever still reads it there loses the key", k.Name, place))
	if err := a.confirm(ctx, notice, yes, fmt.Sprintf("Remove key %s from %s", k.Name, place)); err != nil {
		return err
	}
	h.Command(k, "rotate forget "+place)
	eng := h.Engine()
	for _, o := range forms {
		out, err := k.OpenWritten(ctx, o)
		if err != nil {
			return err
		}
		r, err := eng.Forget(ctx, k.Target, out)
		switch {
		case err != nil:
			return err
		case r.Step.Do == rotation.Halt:
			return ops.Halted(k, r.Step.Why)
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: removed from %s\n", k.Name, place)
	return err
}
