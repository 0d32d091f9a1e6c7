// Command rotate rotates the keys that sign and verify tokens. All that it does is
// in package command, which other modules call, too.
package main

import "github.com/keyrotate/rotate/command"

// version is set by release builds: -ldflags "-X main.version=v1.2.3".
var version string

func main() {
	command.SetVersion(version)
	command.Main()
}
