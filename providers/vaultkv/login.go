package vaultkv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/providers"
)

// A method is a way to get a token. Vault's own packages for them bring an SDK of AWS
// that has ended, and each is one call: so what the call says is made here.
type method struct {
	// needs names an option that is missing, and how to find its value; "" if none is.
	needs func(c *Config) string

	// proof is the body of the login. It is made anew at each one, because others
	// replace what it is made of.
	proof func(ctx context.Context, s *session) (map[string]string, error)
}

// methods are the logins that there are; "token" is none.
// https://developer.hashicorp.com/vault/docs/auth
var methods = map[string]method{
	"token":      {needs: nothing},
	"approle":    {needs: approleNeeds, proof: approleProof},
	"kubernetes": {needs: roleNeeds, proof: jwtProof},
	"jwt":        {needs: nothing, proof: jwtProof}, // without a role the mount's default_role counts
	"userpass":   {needs: userNeeds, proof: userProof},
	"cert":       {needs: certNeeds, proof: certProof},
	"aws":        {needs: roleNeeds, proof: awsProof},
	"gcp":        {needs: roleNeeds, proof: gcpProof},
	"azure":      {needs: roleNeeds, proof: azureProof},
}

func methodNames() string { return strings.Join(slices.Sorted(maps.Keys(methods)), ", ") }

func nothing(*Config) string { return "" }

func roleNeeds(c *Config) string {
	if c.Auth.Role == "" {
		return "auth.role is not set"
	}
	return ""
}

func approleNeeds(c *Config) string {
	if c.Auth.RoleID == "" {
		return "auth.role_id is not set: vault read auth/approle/role/NAME/role-id"
	}
	return ""
}

func userNeeds(c *Config) string {
	switch {
	case c.Auth.Username == "":
		return "auth.username is not set"
	case !takesName(c.Auth.Username) || strings.Contains(c.Auth.Username, "/"):
		return "auth.username is not made of letters, digits, . _ - and @"
	}
	return ""
}

func certNeeds(c *Config) string {
	if c.TLS.ClientCert == "" && variable("CLIENT_CERT") == "" {
		return "tls.client_cert and tls.client_key are not set: auth.method cert logs in with them"
	}
	return ""
}

// path is where a login is sent.
func (a Auth) path() string {
	path := "auth/" + cmp.Or(a.Mount, a.Method) + "/login"
	if a.Method == "userpass" {
		path += "/" + a.Username
	}
	return path
}

func approleProof(_ context.Context, s *session) (map[string]string, error) {
	id, err := credential(s.auth.SecretIDFile, "VAULT_SECRET_ID", "auth.secret_id_file")
	return map[string]string{"role_id": s.auth.RoleID, "secret_id": id}, err
}

func jwtProof(_ context.Context, s *session) (map[string]string, error) {
	jwt, err := credential(s.auth.JWTFile, "VAULT_JWT", "auth.jwt_file")
	return map[string]string{"role": s.auth.Role, "jwt": jwt}, err
}

func userProof(_ context.Context, s *session) (map[string]string, error) {
	password, err := credential(s.auth.PasswordFile, "VAULT_PASSWORD", "auth.password_file")
	return map[string]string{"password": password}, err
}

// certProof names the role; the connection itself has the certificate.
func certProof(_ context.Context, s *session) (map[string]string, error) {
	return map[string]string{"name": s.auth.Role}, nil
}

// variable is one of the server's tools: OpenBao's own is asked first, as bao does.
// https://openbao.org/docs/commands/#environment-variables
func variable(name string) string { return cmp.Or(os.Getenv("BAO_"+name), os.Getenv("VAULT_"+name)) }

// credential reads what proves who we are: at each login, because others
// replace it.
func credential(file, env, option string) (string, error) {
	if file == "" {
		if v := variable(strings.TrimPrefix(env, "VAULT_")); v != "" {
			return v, nil
		}
		return "", &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("neither %s nor $%s is set", option, env)}
	}
	text, err := os.ReadFile(file)
	if v := strings.TrimSpace(string(text)); err == nil && v != "" && !strings.ContainsAny(v, "\r\n") {
		return v, nil
	}
	return "", &providers.Error{Kind: providers.ErrDenied, Err: errors.Join(fmt.Errorf("%s names no file with one line", option), err), Hint: "it has to hold the credential and nothing else"}
}

// surroundings is the error of a cloud that gives no proof of who we are.
func surroundings(cloud string, err error, hint string) error {
	return &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("no proof of this host's identity from %s: %w", cloud, err), Hint: hint}
}

// client carries calls to a cloud; a test has a transport of its own.
func (s *session) cloud() *http.Client { return &http.Client{Transport: s.via, Timeout: timeout} }
