package config

import (
	"net"
	"path/filepath"
	"strconv"

	"github.com/keyrotate/rotate/internal/strictyaml"
)

// listen takes the address of the daemon's endpoints. Whoever reaches it learns
// which keys there are and how they do, so any other than the loopback is worth
// a note.
func (r *resolver) listen(o strictyaml.Option[string]) {
	if !o.At.Known() || o.Bad {
		return
	}
	host, port, err := net.SplitHostPort(o.Value)
	n, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil || n < 0 || n > 65535 || host != "" && host != "localhost" && net.ParseIP(host) == nil {
		r.Fail(o.At, "such as: listen: 127.0.0.1:9797, or :9797 for every address of the host", "%s is not an address and a port", r.Say(o.Value))
		return
	}
	r.config.Listen = o.Value
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		r.config.Notes = append(r.config.Notes, "listen: the endpoints can be reached from other hosts, without login or TLS; they tell names and times of keys, and public keys")
	}
}

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
