// Command adapter is rotate with one more type of store: sqlite.
package main

import (
	"github.com/keyrotate/rotate/command"
	"github.com/keyrotate/rotate/examples/adapter/sqlitestore"
	"github.com/keyrotate/rotate/providers"
)

func main() {
	command.Main(providers.Type{Name: "sqlite", New: func() providers.Config { return &sqlitestore.Config{} }})
}
