// Package endpoint says at which addresses a daemon answers over HTTP, and what it
// answers at each. It opens nothing.
package endpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Set is pages that are served together.
type Set string

// The sets, by who asks for them.
const (
	Probes  Set = "probes"  // a kubelet, a load balancer: /healthz and /readyz
	Keys    Set = "keys"    // verifiers of tokens: the public keys
	Reports Set = "reports" // operators and Prometheus: names, dates and states of keys
)

// Sets is all of them.
func Sets() []Set { return []Set{Probes, Keys, Reports} }

// An Address is where a socket listens.
type Address struct {
	Network string // tcp or unix
	Where   string // host:port, or the path of the socket
}

func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Where
	}
	return a.Where
}

// An Endpoint is one address and what is answered there.
type Endpoint struct {
	Address
	Serve []Set

	CertFile, KeyFile string      // PEM, for TLS; "" for none
	TokenFile         string      // its tokens open the reports; "" where anyone may read them
	Origins           []string    // web origins whose pages may read the public keys; "*" for any
	Hosts             []string    // names that are answered as Host on a loopback address, beside its own
	PerClient         int         // connections from one address of a client; 0 for as many as there is room for
	Mode              fs.FileMode // of a unix socket
}

// Of is an address that serves everything to anyone.
func Of(a Address) Endpoint { return Endpoint{Address: a, Serve: Sets(), Mode: DefaultMode} }

// Serves reports whether a set is answered here.
func (e Endpoint) Serves(s Set) bool { return slices.Contains(e.Serve, s) }

// TLS reports whether connections are encrypted.
func (e Endpoint) TLS() bool { return e.CertFile != "" }

// DefaultMode lets only the daemon's own user connect to a unix socket.
const DefaultMode fs.FileMode = 0o600

// maxPath is the longest path of a unix socket that every system takes: Linux has
// room for 107 bytes (unix(7)), macOS for 103.
const maxPath = 103

// Hint says what to write instead of a text that is no address.
func Hint(text string) string {
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		return fmt.Sprintf("write 127.0.0.1:%s for this host alone, or :%[1]s for every address of the host", text)
	}
	return "an address is such as 127.0.0.1:9797, :9797 for every address of the host, or unix:/run/rotate/http.sock"
}

// Parse reads host:port or unix:PATH. A relative path begins at base.
func Parse(text, base string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		switch {
		case path == "" || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "@\x00"):
			return Address{}, errors.New("is not the path of a socket")
		case !filepath.IsAbs(path):
			path = filepath.Join(base, path)
		}
		if path = filepath.Clean(path); len(path) > maxPath {
			return Address{}, errors.New("is longer than the " + strconv.Itoa(maxPath) + " bytes that the path of a socket may have")
		}
		return Address{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	if err != nil || notNumber != nil || host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return Address{}, errors.New("is not an address and a port")
	}
	return Address{"tcp", net.JoinHostPort(host, strconv.FormatUint(n, 10))}, nil
}

// Local reports whether only this host reaches the address.
func (a Address) Local() bool {
	host, _, err := net.SplitHostPort(a.Where)
	return a.Network == "unix" || err == nil && IsLoopback(host)
}

// IsLoopback reports whether a host is this one: localhost (RFC 6761 section 6.3)
// or an address of the loopback.
func IsLoopback(host string) bool {
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || net.ParseIP(host).IsLoopback()
}
