package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by release builds: -ldflags "-X main.version=v1.2.3".
var version string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, err := fmt.Fprintln(a.stdout, versionLine(version, info))
			return err
		},
	}
}

// versionLine prefers what the release build says to what Go knows.
func versionLine(set string, info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	line := "rotate " + cmp.Or(set, info.Main.Version, "(devel)")
	if rev := settings["vcs.revision"]; rev != "" {
		line += " " + rev[:min(len(rev), 12)]
		if settings["vcs.modified"] == "true" {
			line += "+changes"
		}
	}
	return fmt.Sprintf("%s %s %s/%s", line, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}

// buildVersion is what the metrics call this program.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(version, info.Main.Version, "(devel)")
	}
	return cmp.Or(version, "(devel)")
}
