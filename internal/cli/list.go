package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

func listCommand(a *App) *cobra.Command {
	var output string
	var all bool
	cmd := help("list", &cobra.Command{
		Args: counted(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.list(cmd.Context(), args, all, output) },
	})
	cmd.Flags().BoolVar(&all, "all", false, "every store of the config")
	a.outputFlag(cmd, &output, "text", "json", "yaml")
	return cmd
}

func (a *App) list(ctx context.Context, names []string, all bool, output string) error {
	write := map[string]func(io.Writer, ops.Listing) error{
		"text": answer.Listing,
		"json": func(w io.Writer, l ops.Listing) error { return answer.JSON(w, l) },
		"yaml": func(w io.Writer, l ops.Listing) error { return answer.YAML(w, l) },
	}[output]
	if all == (len(names) == 1) {
		return usage.New("list takes the name of one store, or --all")
	}
	h, keys, err := a.look(nil, true)
	if err != nil {
		return err
	}
	store := ""
	if !all {
		store = names[0]
	}
	l, err := h.List(ctx, keys, store)
	if err != nil {
		return err
	}
	if err := write(a.Stdout, l); err != nil {
		return console.Unwritten(err)
	}
	return console.Attention(l.Attention)
}
