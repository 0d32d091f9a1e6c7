package cli

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/form"
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
			return a.console.Print(schema)
		},
	})
}

func versionCommand(a *App) *cobra.Command {
	build := version.Of()
	cmd := help("version", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if a.document != nil {
				return nil
			}
			return a.console.Write(build.Line() + "\n")
		},
	})
	a.documented(cmd, func() form.Document {
		return &form.Build{
			Head: form.Head{Schema: form.Version}, Version: build.Version, Revision: build.Revision, Modified: build.Modified,
			Go: build.Go, OS: build.OS, Arch: build.Arch,
		}
	})
	return cmd
}
