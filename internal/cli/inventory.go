package cli

import (
	"context"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
)

func inventoryCommand(a *App) *cobra.Command {
	var output string
	var principals bool
	cmd := help("inventory", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inventory(cmd.Context(), args, principals, output)
		},
	})
	cmd.Flags().BoolVar(&principals, "principals", false, "also who may read each place, as far as its store tells")
	a.outputFlag(cmd, &output, "markdown", "csv", "json")
	return cmd
}

func (a *App) inventory(ctx context.Context, names []string, principals bool, output string) error {
	conf, _, err := a.load()
	if err != nil {
		return err
	}
	keys, err := fleet.Match(fleet.Of(conf, nil), names)
	if err != nil {
		return err
	}
	v := a.host(slog.New(slog.DiscardHandler)).Inventory(ctx, keys, principals)
	write := map[string]func(io.Writer, ops.Inventory) error{
		"markdown": answer.InventoryMarkdown, "csv": answer.InventoryCSV,
		"json": func(w io.Writer, v ops.Inventory) error { return answer.JSON(w, v) },
	}[output]
	if err := write(a.Stdout, v); err != nil {
		return console.Unwritten(err)
	}
	return console.Attention(v.Attention)
}
