package main

import (
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/providers/awssm"
	"github.com/keyrotate/rotate/providers/azurekv"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/providers/gcpsm"
	"github.com/keyrotate/rotate/providers/kubernetes"
	"github.com/keyrotate/rotate/providers/vaultkv"
)

// stores is every type of store that a config can name. A new adapter is one
// line here.
func stores() config.Registry {
	return config.Registry{
		"awssm":      func() config.StoreConfig { return &awssm.Config{} },
		"azurekv":    func() config.StoreConfig { return &azurekv.Config{} },
		"file":       func() config.StoreConfig { return &file.Config{} },
		"gcpsm":      func() config.StoreConfig { return &gcpsm.Config{} },
		"kubernetes": func() config.StoreConfig { return &kubernetes.Config{} },
		"vaultkv":    func() config.StoreConfig { return &vaultkv.Config{} },
	}
}

// A locator tells people where a secret is: a path, or what the service's own
// console shows.
type locator interface{ Where(secret string) string }
