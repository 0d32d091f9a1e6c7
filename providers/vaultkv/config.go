package vaultkv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyrotate/rotate/providers"
)

// Config is the store's part of the config file. Credentials are never in it.
type Config struct {
	Address   string        `yaml:"address" masked:"true" doc:"Vault's URL, https://vault.example.com:8200; without it $VAULT_ADDR counts, or $BAO_ADDR of OpenBao."`
	Namespace string        `yaml:"namespace" doc:"Sent with every call, logins included; without it $VAULT_NAMESPACE counts, or $BAO_NAMESPACE."`
	Mount     string        `yaml:"mount" doc:"Where a KV version 2 engine is mounted; secret by default."`
	Path      string        `yaml:"path" doc:"Put before each secret's name in the mount."`
	Plaintext bool          `yaml:"plaintext" doc:"Allows http:// to another host. Keys and tokens can be read on the way."`
	Stale     time.Duration `yaml:"stale" doc:"How old reads may be. Left out, 1m where standbys may answer (OpenBao, Vault Enterprise), which rotate asks the server; else 0s."`
	Auth      Auth          `yaml:"auth"`
	TLS       TLS           `yaml:"tls"`

	// Transport carries the calls, if it is not nil: no option of the config, but
	// for programs and tests that have no network.
	Transport http.RoundTripper
}

// Auth says how to get a token.
type Auth struct {
	Method       string `yaml:"method" doc:"token (the default), approle, kubernetes, jwt, userpass, cert, aws, gcp or azure."`
	Mount        string `yaml:"mount" doc:"Where the method is mounted, if not under its own name."`
	Role         string `yaml:"role" doc:"The role of kubernetes, jwt, aws, gcp and azure; the name of a certificate of cert. jwt and cert can do without."`
	RoleID       string `yaml:"role_id" masked:"true" doc:"The role id of approle. It is no secret."`
	SecretIDFile string `yaml:"secret_id_file" masked:"true" doc:"Holds the secret id of approle; without it $VAULT_SECRET_ID counts. Read at each login."`
	JWTFile      string `yaml:"jwt_file" masked:"true" doc:"Holds the JWT of jwt, such as a CI job's OIDC token, without it $VAULT_JWT counts; or that of kubernetes, the pod's own by default. Read at each login."`
	Username     string `yaml:"username" doc:"The user of userpass."`
	PasswordFile string `yaml:"password_file" masked:"true" doc:"Holds the password of userpass; without it $VAULT_PASSWORD counts. Read at each login."`
	Region       string `yaml:"region" doc:"The region whose STS has to vouch for aws; left out, that of the world, as Vault itself has it."`
	ServerID     string `yaml:"server_id" masked:"true" doc:"The iam_server_id_header_value of aws, if Vault's config asks for one."`

	ServiceAccount string `yaml:"service_account" doc:"The account that signs for roles of gcp of the type iam; left out, the machine's own does, for the type gce."`
	Resource       string `yaml:"resource" doc:"The resource that Vault's config of azure names; https://management.azure.com/ by default."`

	TokenFile string `yaml:"token_file" masked:"true" doc:"Holds a token, such as the sink of a Vault Agent; without it $VAULT_TOKEN counts, or $BAO_TOKEN."`
}

// TLS says whom to trust. What is not set is as in $VAULT_CACERT and so on.
type TLS struct {
	CACert     string `yaml:"ca_cert" doc:"PEM file of the authority that signed Vault's certificate."`
	ClientCert string `yaml:"client_cert" doc:"PEM file of this client's certificate."`
	ClientKey  string `yaml:"client_key" masked:"true" doc:"PEM file of its key."`
	ServerName string `yaml:"server_name" doc:"The name in Vault's certificate, if not that of the address."`
}

const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" // #nosec G101 -- where a token lies, not a token

// Relative takes paths of files from the config's folder.
func (c *Config) Relative(base string) {
	for _, file := range []*string{&c.Auth.SecretIDFile, &c.Auth.JWTFile, &c.Auth.PasswordFile, &c.Auth.TokenFile, &c.TLS.CACert, &c.TLS.ClientCert, &c.TLS.ClientKey} {
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
	m, known := methods[cmp.Or(c.Auth.Method, "token")]
	switch {
	case !known:
		return fmt.Errorf("auth.method %q is none of %s", c.Auth.Method, methodNames())
	case c.Auth.Region != "" && !takesName(c.Auth.Region):
		return errors.New("auth.region is not a region such as eu-west-1")
	}
	if missing := m.needs(c); missing != "" {
		return errors.New(missing)
	}
	return nil
}

// Where is a secret's place, for people.
func (c *Config) Where(secret string) string {
	where := path.Join(cmp.Or(c.Mount, "secret"), c.Path, secret) + " in " + cmp.Or(providers.Spot(cmp.Or(c.Address, variable("ADDR"))), "Vault")
	if ns := strings.Trim(cmp.Or(c.Namespace, variable("NAMESPACE")), "/"); ns != "" {
		where += ", namespace " + ns
	}
	return where
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
func (c *Config) open(ctx context.Context, transport http.RoundTripper) (_ *store, err error) {
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
	namespace := cmp.Or(s.Namespace, variable("NAMESPACE"))
	for _, c := range []*api.Client{client, anon} {
		c.ClearToken() // NewClient takes $VAULT_TOKEN whatever the method
		c.SetWrappingLookupFunc(func(string, string) string { return "" })
		if namespace != "" {
			c.SetNamespace(namespace)
		}
	}
	s.session = newSession(s.Auth, transport, client, anon)
	defer s.words(&err)
	s.meet(ctx)
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
	if a := cmp.Or(c.Address, os.Getenv("BAO_ADDR")); a != "" {
		conf.Address, conf.AgentAddress = a, ""
	}
	conf.MaxRetries, conf.Timeout = 0, 0 // the engine repeats, send has a limit of time
	conf.ReadYourWrites = true           // Enterprise: a node that is behind says 412 in place of an old truth
	if err := errors.Join(c.Validate(), checkAddress(cmp.Or(conf.AgentAddress, conf.Address), c.Plaintext)); err != nil {
		return nil, err
	}
	tls := &api.TLSConfig{ // the SDK knows Vault's variables, and not OpenBao's
		CACert: cmp.Or(c.TLS.CACert, os.Getenv("BAO_CACERT")), CAPath: os.Getenv("BAO_CAPATH"), TLSServerName: cmp.Or(c.TLS.ServerName, os.Getenv("BAO_TLS_SERVER_NAME")),
		ClientCert: cmp.Or(c.TLS.ClientCert, os.Getenv("BAO_CLIENT_CERT")), ClientKey: cmp.Or(c.TLS.ClientKey, os.Getenv("BAO_CLIENT_KEY")),
	}
	if err := conf.ConfigureTLS(tls); err != nil {
		return nil, err
	}
	if skip, _ := strconv.ParseBool(os.Getenv("BAO_SKIP_VERIFY")); skip || conf.TLSConfig().InsecureSkipVerify {
		return nil, errors.New("VAULT_SKIP_VERIFY or BAO_SKIP_VERIFY is set: anyone could answer for Vault; use tls.ca_cert")
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
