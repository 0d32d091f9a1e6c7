// Package version is what this program says that it is.
package version

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// Release is the version of a release build; "" for what Go knows. It is set before
// anything else is done.
var Release string

// String is the version in one word.
func String() string { return of(Release, build()) }

// Line is the version, what it was built of and with, and for which system.
func Line() string { return line(Release, build()) }

func build() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return info
}

// of prefers what the release build says to what Go knows.
func of(set string, info *debug.BuildInfo) string { return cmp.Or(set, info.Main.Version, "(devel)") }

func line(set string, info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	line := "rotate " + of(set, info)
	if rev := settings["vcs.revision"]; rev != "" {
		line += " " + rev[:min(len(rev), 12)]
		if settings["vcs.modified"] == "true" {
			line += "+changes"
		}
	}
	return fmt.Sprintf("%s %s %s/%s", line, info.GoVersion, settings["GOOS"], settings["GOARCH"])
}
