package vaultkv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyrotate/rotate/providers"
)

// Config is the store's part of the config file. Credentials are never in it.
type Config struct {
	Address   string        `yaml:"address" masked:"true" doc:"Vault's URL, https://vault.example.com:8200; without it $VAULT_ADDR counts."`
	Namespace string        `yaml:"namespace" doc:"Sent with every call, logins included; without it $VAULT_NAMESPACE counts."`
	Mount     string        `yaml:"mount" doc:"Where a KV version 2 engine is mounted; secret by default."`
	Path      string        `yaml:"path" doc:"Put before each secret's name in the mount."`
	Plaintext bool          `yaml:"plaintext" doc:"Allows http:// to another host. Keys and tokens can be read on the way."`
	Stale     time.Duration `yaml:"stale" doc:"How old reads may be: more than 0s where address leads to performance standbys or replicas (Vault Enterprise)."`
	Auth      Auth          `yaml:"auth"`
	TLS       TLS           `yaml:"tls"`

	// Transport carries the calls, if it is not nil: no option of the config, but
	// for programs and tests that have no network.
	Transport http.RoundTripper
}

// Auth says how to get a token.
type Auth struct {
	Method       string `yaml:"method" doc:"token (the default), approle or kubernetes."`
	Mount        string `yaml:"mount" doc:"Where the method is mounted, if not under its own name."`
	Role         string `yaml:"role" doc:"The role of kubernetes."`
	RoleID       string `yaml:"role_id" masked:"true" doc:"The role id of approle. It is no secret."`
	SecretIDFile string `yaml:"secret_id_file" masked:"true" doc:"Holds the secret id of approle; without it $VAULT_SECRET_ID counts. Read at each login."`
	JWTFile      string `yaml:"jwt_file" masked:"true" doc:"Holds the token of the Kubernetes service account; the pod's own by default."`
	TokenFile    string `yaml:"token_file" masked:"true" doc:"Holds a token, such as the sink of a Vault Agent; without it $VAULT_TOKEN counts."`
}

// TLS says whom to trust. What is not set is as in $VAULT_CACERT and so on.
type TLS struct {
	CACert     string `yaml:"ca_cert" doc:"PEM file of the authority that signed Vault's certificate."`
	ClientCert string `yaml:"client_cert" doc:"PEM file of this client's certificate."`
	ClientKey  string `yaml:"client_key" masked:"true" doc:"PEM file of its key."`
	ServerName string `yaml:"server_name" doc:"The name in Vault's certificate, if not that of the address."`
}

const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Relative takes paths of files from the config's folder.
func (c *Config) Relative(base string) {
	for _, file := range []*string{&c.Auth.SecretIDFile, &c.Auth.JWTFile, &c.Auth.TokenFile, &c.TLS.CACert, &c.TLS.ClientCert, &c.TLS.ClientKey} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(base, *file)
		}
	}
}

// Validate refuses what cannot work.
func (c *Config) Validate() error {
	switch {
	case c.Path != "" && !takesName(c.Path):
		return errors.New("path is not made of names between single slashes")
	case c.Mount != "" && !takesName(c.Mount):
		return errors.New("mount is not made of names between single slashes")
	case c.Stale < 0:
		return errors.New("stale is less than 0s")
	case (c.TLS.ClientCert == "") != (c.TLS.ClientKey == ""):
		return errors.New("tls.client_cert and tls.client_key go together")
	}
	if c.Address != "" {
		if err := checkAddress(c.Address, c.Plaintext); err != nil {
			return err
		}
	}
	switch m := c.Auth.Method; {
	case m == "approle" && c.Auth.RoleID == "":
		return errors.New("auth.role_id is not set: vault read auth/approle/role/NAME/role-id")
	case m == "kubernetes" && c.Auth.Role == "":
		return errors.New("auth.role is not set")
	case m != "" && m != "token" && m != "approle" && m != "kubernetes":
		return fmt.Errorf("auth.method %q is not token, approle or kubernetes", m)
	}
	return nil
}

// Where is a secret's place, for people.
func (c *Config) Where(secret string) string {
	return path.Join(cmp.Or(c.Mount, "secret"), c.Path, secret) + " in " + cmp.Or(c.Address, "Vault")
}

// checkAddress takes plain HTTP to another host only where the config says so.
func checkAddress(address string, plaintext bool) error {
	_, err := providers.Address("address", address)
	if errors.Is(err, providers.ErrPlaintext) {
		if plaintext {
			return nil
		}
		return fmt.Errorf("%w; or say plaintext: true", err)
	}
	return err
}

// Open logs in and checks that the mount is what it should be.
func (c *Config) Open(ctx context.Context) (providers.Store, error) {
	s, err := c.open(ctx, c.Transport)
	if err != nil {
		providers.Dress(&err, "open", cmp.Or(c.Address, "vaultkv"))
		return nil, err
	}
	return s, nil
}

// open does it through a transport of a test's own, if there is one.
func (c *Config) open(ctx context.Context, transport http.RoundTripper) (*store, error) {
	s := &store{Config: *c, seen: map[string]map[providers.RevisionID]providers.Revision{}}
	s.Mount = strings.Trim(cmp.Or(c.Mount, "secret"), "/")
	s.Auth.Method = cmp.Or(c.Auth.Method, "token")
	if s.Auth.Method == "kubernetes" {
		s.Auth.JWTFile = cmp.Or(c.Auth.JWTFile, podToken)
	}
	client, err := c.client(transport)
	if err != nil {
		return nil, unsafe(err, "")
	}
	anon, err := client.Clone()
	if err != nil {
		return nil, unsafe(err, "")
	}
	for _, c := range []*api.Client{client, anon} {
		c.ClearToken() // NewClient takes $VAULT_TOKEN whatever the method
		c.SetWrappingLookupFunc(func(string, string) string { return "" })
		if s.Namespace != "" {
			c.SetNamespace(s.Namespace)
		}
	}
	s.session = newSession(s.Auth, client, anon)
	if err := s.checkMount(ctx); err != nil {
		return nil, err
	}
	_, err = s.mount(ctx)
	return s, err
}

// client is the SDK's, without the retries that it would make of writes too.
func (c *Config) client(transport http.RoundTripper) (*api.Client, error) {
	conf := api.DefaultConfig()
	if conf.Error != nil {
		return nil, conf.Error
	}
	if c.Address != "" {
		conf.Address, conf.AgentAddress = c.Address, ""
	}
	conf.MaxRetries, conf.Timeout = 0, 0 // the engine repeats, send has a limit of time
	conf.ReadYourWrites = true           // Enterprise: a node that is behind says 412 in place of an old truth
	if err := errors.Join(c.Validate(), checkAddress(cmp.Or(conf.AgentAddress, conf.Address), c.Plaintext)); err != nil {
		return nil, err
	}
	tls := &api.TLSConfig{CACert: c.TLS.CACert, ClientCert: c.TLS.ClientCert, ClientKey: c.TLS.ClientKey, TLSServerName: c.TLS.ServerName}
	if err := conf.ConfigureTLS(tls); err != nil {
		return nil, err
	}
	if conf.TLSConfig().InsecureSkipVerify {
		return nil, errors.New("VAULT_SKIP_VERIFY is set: anyone could answer for Vault; use tls.ca_cert")
	}
	if transport != nil {
		conf.HttpClient.Transport = transport
	}
	return api.NewClient(conf)
}

// checkMount refuses what is no KV version 2: version 1 takes writes and
// ignores cas. It asks as the vault command does before each kv call.
func (s *store) checkMount(ctx context.Context) error {
	a, err := s.call(ctx, "sys/internal/ui/mounts/"+s.Mount, nil, nil)
	if err != nil {
		return err
	}
	var m struct {
		Type    string            `json:"type"`
		Path    string            `json:"path"`
		Options map[string]string `json:"options"`
	}
	if err := a.into(&m); err != nil {
		return err
	}
	switch {
	case m.Type != "kv" && m.Type != "generic" || strings.Trim(m.Path, "/") != s.Mount:
		return unsafe(fmt.Errorf("%s is not the path of a KV mount, but of %q at %q", s.Mount, m.Type, m.Path), "set the store's mount, and its path for what lies below it")
	case m.Options["version"] != "2":
		return notV2(s.Mount)
	}
	return nil
}
