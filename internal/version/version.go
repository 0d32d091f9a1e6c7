// Package version is what this program says that it is.
package version

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"sync"
)

// Release is the version of a release build; "" for what Go knows. It is set before
// anything else is done.
var Release string

// String is the version in one word.
func String() string { return of(Release, build()) }

// A Build is what this program was built of and with, and for which system.
type Build struct {
	Version, Revision string // Revision is the commit; "" if that is not known
	Modified          bool   // the sources differed from that commit
	Go, OS, Arch      string
}

// Of is the build of this process.
func Of() Build { return made(Release, build()) }

// Line is a build in one line.
func (b Build) Line() string {
	line := "rotate " + b.Version
	if b.Revision != "" {
		line += " " + b.Revision[:min(len(b.Revision), 12)]
		if b.Modified {
			line += "+changes"
		}
	}
	return fmt.Sprintf("%s %s %s/%s", line, b.Go, b.OS, b.Arch)
}

// build is read once: every command line asks for it.
var build = sync.OnceValue(func() *debug.BuildInfo {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return info
})

// of prefers what the release build says to what Go knows.
func of(set string, info *debug.BuildInfo) string { return cmp.Or(set, info.Main.Version, "(devel)") }

func made(set string, info *debug.BuildInfo) Build {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	return Build{
		Version: of(set, info), Revision: settings["vcs.revision"], Modified: settings["vcs.modified"] == "true",
		Go: info.GoVersion, OS: settings["GOOS"], Arch: settings["GOARCH"],
	}
}
