package config

import (
	"net"
	"path/filepath"
	"strconv"
)

// listen takes the address of the daemon's endpoints. Whoever reaches it learns
// which keys there are and how they do, so any other than the loopback is worth
// a note.
func (r *resolver) listen(o option[string]) {
	if !o.at.known() || o.bad {
		return
	}
	host, port, err := net.SplitHostPort(o.value)
	n, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil || n < 0 || n > 65535 || host != "" && host != "localhost" && net.ParseIP(host) == nil {
		r.fail(o.at, "such as: listen: 127.0.0.1:9797, or :9797 for every address of the host", "%s is not an address and a port", r.say(o.value))
		return
	}
	r.config.Listen = o.value
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		r.config.Notes = append(r.config.Notes, "listen: the endpoints can be reached from other hosts, without login or TLS; they tell names and times of keys, and public keys")
	}
}

// audit takes the path of the audit file, from the folder of the config.
func (r *resolver) audit(o option[string]) {
	if !o.at.known() || o.bad {
		return
	}
	if o.value == "" {
		r.fail(o.at, "such as: audit: {file: /var/lib/rotate/audit.jsonl}", "is empty")
		return
	}
	path := o.value
	if !filepath.IsAbs(path) {
		base, err := filepath.Abs(filepath.Dir(o.at.src.name))
		if err != nil {
			r.fail(o.at, "", "the working directory is not known: %v", err)
			return
		}
		path = filepath.Join(base, path)
	}
	r.config.AuditFile = filepath.Clean(path)
}
