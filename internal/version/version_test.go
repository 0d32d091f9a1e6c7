package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Settings: []debug.BuildSetting{
		{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"},
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	info.Main.Version = "v0.1.0"
	if got, want := made("", info).Line(), "rotate v0.1.0 0123456789ab+changes go1.26 linux/arm64"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := made("v2.0.0", info).Line(); !strings.HasPrefix(got, "rotate v2.0.0 ") {
		t.Error(got)
	}
}
