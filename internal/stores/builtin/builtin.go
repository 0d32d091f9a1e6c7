// Package builtin names the types of stores that rotate brings along. No other
// package imports the SDKs of vendors.
package builtin

import (
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/awssm"
	"github.com/keyrotate/rotate/providers/azurekv"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/gcpsm"
	"github.com/keyrotate/rotate/providers/kubernetes"
	"github.com/keyrotate/rotate/providers/vaultkv"
)

// Types is every type of store that a config can name. A new adapter is one line
// here; one that is a module of its own hands its type to command.Main.
func Types() []providers.Type {
	return []providers.Type{
		{Name: "awssm", New: func() providers.Config { return &awssm.Config{} }},
		{Name: "azurekv", New: func() providers.Config { return &azurekv.Config{} }},
		{Name: "file", New: func() providers.Config { return &file.Config{} }},
		{Name: "gcpsm", New: func() providers.Config { return &gcpsm.Config{} }},
		{Name: "kubernetes", New: func() providers.Config { return &kubernetes.Config{} }},
		{Name: "vaultkv", New: func() providers.Config { return &vaultkv.Config{} }},
	}
}
