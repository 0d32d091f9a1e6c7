package config

import (
	"path/filepath"

	"github.com/keyrotate/rotate/internal/strictyaml"
)

// audit takes the path of the audit file, from the folder of the config.
func (r *resolver) audit(o strictyaml.Option[string]) {
	if !o.At.Known() || o.Bad {
		return
	}
	if o.Value == "" {
		r.Fail(o.At, "such as: audit: {file: /var/lib/rotate/audit.jsonl}", "is empty")
		return
	}
	r.config.AuditFile = r.pathOf(o)
}

// pathOf is an option's path from the folder of the config, as an absolute one; ""
// if it is not set, or to nothing usable.
func (r *resolver) pathOf(o strictyaml.Option[string]) string {
	if !o.At.Known() || o.Bad || o.Value == "" {
		return ""
	}
	if filepath.IsAbs(o.Value) {
		return filepath.Clean(o.Value)
	}
	base, err := o.At.Base()
	if err != nil {
		r.Fail(o.At, "", "the working directory is not known: %v", err)
		return ""
	}
	return filepath.Join(base, o.Value)
}
