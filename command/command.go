// Package command is rotate as a whole, for a main of your own: with it, a type of
// store that is not rotate's is a module of its own, and nothing of rotate is
// forked. docs/write-an-adapter.md shows how.
//
//	func main() {
//		command.Main(providers.Type{Name: "sqlite", New: func() providers.Config { return &sqlitestore.Config{} }})
//	}
package command

import (
	"fmt"
	"os"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/stores/builtin"
	"github.com/keyrotate/rotate/internal/version"
	"github.com/keyrotate/rotate/providers"
)

// Main runs the command line of this process and exits with its code. Configs can
// name rotate's own types of stores, and these. Two types of one name are refused.
func Main(extra ...providers.Type) {
	types, err := stores.NewRegistry(append(builtin.Types(), extra...)...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "rotate: %v\n", err)
		os.Exit(cli.Failed)
	}
	os.Exit(cli.New(types).Main())
}

// SetVersion is what `rotate version` and the metrics say, instead of what Go
// knows. It is called before Main; "" changes nothing.
func SetVersion(release string) { version.Release = release }
