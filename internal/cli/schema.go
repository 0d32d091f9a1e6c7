package cli

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/version"
)

func schemaCommand(a *App) *cobra.Command {
	return help("schema", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			schema, err := config.Schema(a.Types)
			if err != nil {
				return err
			}
			return a.console.Print(schema, false)
		},
	})
}

func versionCommand(a *App) *cobra.Command {
	return help("version", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.console.Write(version.Line() + "\n") },
	})
}
