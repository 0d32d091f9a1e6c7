package main

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the config, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := config.Schema(a.stores)
			if err != nil {
				return err
			}
			return a.print(schema, false)
		},
	}
}
