package config

import (
	"fmt"
	"io/fs"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/strictyaml"
)

// A listenSection is every address at which the daemon answers.
type listenSection struct{ all []listenOptions }

// listenOptions are what may be said of one.
type listenOptions struct {
	Address   strictyaml.Option[string]         `yaml:"address" doc:"host:port, :port for every address of the host, or unix:PATH for a socket."`
	Serve     strictyaml.Option[[]endpoint.Set] `yaml:"serve" doc:"What is answered here: probes (/healthz, /readyz), keys (the public keys), reports (the page at /, /status, /metrics); all if not set."`
	TLS       strictyaml.Option[tlsOptions]     `yaml:"tls" doc:"Encrypts the connections."`
	TokenFile strictyaml.Option[string]         `yaml:"token_file" masked:"true" doc:"A file of tokens, one a line; without one of them nobody reads the reports. Read again at SIGHUP and each hour."`
	CORS      strictyaml.Option[[]string]       `yaml:"cors" doc:"Web origins whose pages may read the public keys, such as https://app.example.com, or \"*\" for any."`
	Hosts     strictyaml.Option[[]string]       `yaml:"hosts" doc:"Names that a proxy on this host passes on as Host. A loopback address answers to its own names and these."`
	PerClient strictyaml.Option[int]            `yaml:"per_client" doc:"Connections that one address of a client may have at once; no such limit if not set. A proxy is one address."`
	Mode      strictyaml.Option[string]         `yaml:"mode" doc:"Mode of a socket at unix:PATH: 0600 if not set, 0660 for the group of its folder, 0666 for every user of the host."`

	at strictyaml.Place
}

// tlsOptions are where a certificate is.
type tlsOptions struct {
	CertFile strictyaml.Option[string] `yaml:"cert_file" doc:"The certificate and its chain, in PEM. Read again at SIGHUP and each hour, as is the key."`
	KeyFile  strictyaml.Option[string] `yaml:"key_file" masked:"true" doc:"Its private key, in PEM."`
}

// Read takes an address, one with its options, or a list of both.
func (s *listenSection) Read(d *strictyaml.Decoder, n *yaml.Node, path string) bool {
	nodes, ok := []*yaml.Node{n}, true
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	if len(nodes) == 0 {
		d.Fail(d.At(n, path), "leave it out if nothing is to be answered", "has no address")
		return false
	}
	for i, node := range nodes {
		at := path
		if node != n {
			at = fmt.Sprintf("%s%s[%d]", path, strictyaml.Separator, i)
		}
		one := listenOptions{at: d.At(node, at)}
		read, address := reflect.ValueOf(&one.Address).Elem(), node
		if node.Kind == yaml.MappingNode {
			read, address = reflect.ValueOf(&one).Elem(), strictyaml.Member(node, "address")
		}
		if address != nil && address.Kind == yaml.ScalarNode && address.ShortTag() == "!!int" {
			address.Tag = "!!str" // a port alone: quotes would not make an address of it
		}
		ok = d.Value(node, read, at) && ok
		s.all = append(s.all, one)
	}
	return ok
}

// listen takes the addresses of the daemon's endpoints.
func (r *resolver) listen(o strictyaml.Option[listenSection]) {
	if !o.At.Known() || o.Bad {
		return
	}
	taken := map[endpoint.Address]strictyaml.Place{}
	for _, s := range o.Value.all {
		e, ok := r.endpoint(s)
		if !ok {
			continue
		}
		if first, twice := taken[e.Address]; twice && !strings.HasSuffix(e.Where, ":0") {
			r.Fail(s.at, "say under one of them what all is served there", "its address is that of line %d, too", first.Line)
			continue
		}
		taken[e.Address] = s.at
		r.config.Listen = append(r.config.Listen, e)
		r.listenNotes(e)
	}
}

// endpoint is one address. ok is false if something about it is wrong.
func (r *resolver) endpoint(s listenOptions) (e endpoint.Endpoint, ok bool) {
	before := r.Failed()
	if !s.Address.At.Known() {
		r.Fail(s.at, "such as: {address: 127.0.0.1:9797, serve: [probes]}", "has no address")
		return e, false
	}
	base, err := s.at.Base()
	if err != nil {
		r.Fail(s.at, "", "the working directory is not known: %v", err)
		return e, false
	}
	e.Address, err = endpoint.Parse(s.Address.Value, base)
	if err != nil {
		r.Fail(s.Address.At, endpoint.Hint(s.Address.Value), "%s %v", strictyaml.Quote(s.Address.Value), err)
		return e, false
	}
	e.Serve = s.Serve.Value
	if !s.Serve.At.Known() {
		e.Serve = endpoint.Sets()
	} else if len(e.Serve) == 0 {
		r.Fail(s.Serve.At, "such as: [probes], or leave it out to serve everything", "is empty")
	}
	e.TokenFile = r.file(s.TokenFile)
	e.CertFile, e.KeyFile = r.file(s.TLS.Value.CertFile), r.file(s.TLS.Value.KeyFile)
	if s.TLS.At.Known() && (e.CertFile == "") != (e.KeyFile == "") || s.TLS.At.Known() && e.CertFile == "" {
		r.Fail(s.TLS.At, "such as: tls: {cert_file: tls.crt, key_file: tls.key}", "wants both cert_file and key_file")
	}
	e.Origins, e.Hosts, e.PerClient = s.CORS.Value, s.Hosts.Value, s.PerClient.Value
	e.Mode = r.socketMode(s.Mode)
	r.checkNames(s)
	r.checkBelongs(e, s)
	return e, r.Failed() == before
}

// socketMode reads the mode of a socket. To connect takes the right to write
// (unix(7)).
func (r *resolver) socketMode(o strictyaml.Option[string]) fs.FileMode {
	if !o.At.Known() {
		return endpoint.DefaultMode
	}
	n, err := strconv.ParseUint(o.Value, 8, 32)
	mode := fs.FileMode(n)
	if modes := []fs.FileMode{0o600, 0o660, 0o666}; err != nil || !slices.Contains(modes, mode) {
		r.Fail(o.At, `such as: mode: "0660", in quotes`, "is not 0600, 0660 or 0666")
	}
	return mode
}

// checkNames holds origins and hosts against what browsers send.
func (r *resolver) checkNames(s listenOptions) {
	for _, origin := range s.CORS.Value {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			r.Fail(s.CORS.At, `such as: cors: ["https://app.example.com"], without a path, or cors: ["*"]`, "has something that is no origin")
		}
	}
	for _, host := range s.Hosts.Value {
		if u, err := url.Parse("//" + host); err != nil || host == "" || u.Hostname() != host {
			r.Fail(s.Hosts.At, "such as: hosts: [keys.example.com], without a port", "has something that is no name of a host")
		}
	}
	if s.PerClient.At.Known() && s.PerClient.Value < 1 {
		r.Fail(s.PerClient.At, "leave it out for no limit", "is less than 1")
	}
}

// checkBelongs refuses what would do nothing at this address.
func (r *resolver) checkBelongs(e endpoint.Endpoint, s listenOptions) {
	unix := e.Network == "unix"
	if !e.Serves(endpoint.Reports) {
		r.onlyWith(s.at, "a token opens the reports, and none are served here", s.TokenFile.At)
	}
	if !e.Serves(endpoint.Keys) {
		r.onlyWith(s.at, "it is about the public keys, and none are served here", s.CORS.At)
	}
	if unix || !e.Local() {
		r.onlyWith(s.at, "every Host is answered here: only a loopback address looks at it", s.Hosts.At)
	}
	if unix {
		r.onlyWith(s.at, "nothing leaves this host by a socket, and its mode says who may connect", s.TLS.At, s.PerClient.At)
	} else {
		r.onlyWith(s.at, "only a socket at unix:PATH has a mode", s.Mode.At)
	}
}

// listenNotes says who can read what. Whoever reaches the reports learns which
// keys there are and how they do.
func (r *resolver) listenNotes(e endpoint.Endpoint) {
	note := func(text string) { r.config.Notes = append(r.config.Notes, "listen: "+e.Address.String()+": "+text) }
	switch {
	case e.Local() || !e.Serves(endpoint.Reports):
	case e.TokenFile == "":
		note("other hosts can read the reports without a token; they tell names, kids and dates of keys")
	case !e.TLS():
		note("the token goes over the network in the clear; set tls")
	}
}

// file is the path of a file, from the folder of the config; "" if it is not set,
// or to nothing usable.
func (r *resolver) file(o strictyaml.Option[string]) string {
	if o.At.Known() && !o.Bad && o.Value == "" {
		r.Fail(o.At, "write the path of a file", "is empty")
	}
	return r.pathOf(o)
}
