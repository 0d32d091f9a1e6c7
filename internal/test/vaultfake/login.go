package vaultfake

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A Role is what a login is for. A role is found by its method and what the login
// names: "approle/ID", "userpass/USER", "cert/NAME", and "METHOD/ROLE" of the others.
type Role struct {
	Credential   string // a secret id, a password or a JWT; of aws, the secret key of AKIDFAKE
	TTL, Max     time.Duration
	Uses         int // token_num_uses; 0 is any number
	Capabilities map[string][]string
	Bound        map[string]string // what else the login has to say, such as azure's subscription_id
}

// login is a mount of a method, each under its own name. It is called with the lock held.
func (f *Fake) login(ns, path string, r *http.Request, in map[string]any) (int, any) {
	text := func(k string) string { s, _ := in[k].(string); return s }
	method, user, _ := strings.Cut(path, "/login")
	role, ok := f.Roles[ns+"|"+method+"/"+cmp.Or(text("role_id"), text("role"), text("name"), strings.TrimPrefix(user, "/"))]
	if !ok {
		return refused(method)
	}
	switch method {
	case "cert": // [vault] builtin/credential/cert/path_login.go: pathLogin asks the connection
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return refuse(400, "client certificate must be supplied")
		}
		ok = r.TLS.PeerCertificates[0].Subject.CommonName == role.Credential
	case "aws":
		ok = signedBy(role, text)
	case "gcp":
		ok = text("jwt") == role.Credential || addressed(text("jwt"), text("role"))
	default:
		ok = role.Credential == cmp.Or(text("secret_id"), text("jwt"), text("password"))
	}
	for name, value := range role.Bound {
		ok = ok && (text(name) == value || method == "aws")
	}
	if !ok {
		return refused(method)
	}
	f.nextID++
	id, now := fmt.Sprintf("hvs.fake%d", f.nextID), time.Now()
	f.Tokens[id] = &Token{ns: ns, Until: now.Add(role.TTL), Last: now.Add(role.Max), TTL: role.TTL, Renewable: true, Capabilities: role.Capabilities, Uses: role.Uses}
	return 200, auth(id, role.TTL, true, role.Uses)
}

func refused(method string) (int, any) {
	switch method {
	case "approle":
		return refuse(400, "invalid role or secret ID") // [vault] builtin/credential/approle/path_login.go
	case "userpass":
		return refuse(400, "invalid username or password") // [vault] builtin/credential/userpass/path_login.go
	case "jwt":
		return refuse(400, "error validating token: invalid audience or signature") // vault-plugin-auth-jwt path_login.go
	}
	return refuse(403, "permission denied")
}

// signedBy is [vault] builtin/credential/aws/path_login.go, and what STS says to the
// call that it passes on: a POST of GetCallerIdentity, signed over the host, and over
// the server's id if Vault asks for one (Role.Bound).
func signedBy(role Role, text func(string) string) bool {
	decoded := func(k string) string { s, _ := base64.StdEncoding.DecodeString(text(k)); return string(s) }
	var headers http.Header
	address, err := url.Parse(decoded("iam_request_url"))
	body := decoded("iam_request_body")
	if err != nil || json.Unmarshal([]byte(decoded("iam_request_headers")), &headers) != nil ||
		text("iam_http_request_method") != "POST" || address.RawQuery != "" || address.Path != "/" || body != "Action=GetCallerIdentity&Version=2011-06-15" {
		return false
	}
	authorization := headers.Get("Authorization")
	_, signed, _ := strings.Cut(authorization, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	if id := role.Bound["server_id"]; id != "" && (headers.Get("X-Vault-AWS-IAM-Server-ID") != id || !strings.Contains(";"+signed+";", ";x-vault-aws-iam-server-id;")) {
		return false // [vault] validateVaultHeaderValue
	}
	region := "us-east-1"
	if parts := strings.Split(address.Host, "."); len(parts) == 4 {
		region = parts[1]
	}
	again, err := http.NewRequest("POST", address.String(), strings.NewReader(body))
	if err != nil {
		return false
	}
	for _, name := range strings.Split(signed, ";") {
		if name != "host" && name != "content-length" && name != "x-amz-date" {
			again.Header[http.CanonicalHeaderKey(name)] = headers[http.CanonicalHeaderKey(name)]
		}
	}
	at, err := time.Parse("20060102T150405Z", headers.Get("X-Amz-Date"))
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: "AKIDFAKE", SecretAccessKey: role.Credential}
	if err != nil || time.Since(at).Abs() > 5*time.Minute || signer.NewSigner().SignHTTP(again.Context(), creds, again, hex.EncodeToString(sum[:]), "sts", region, at) != nil {
		return false
	}
	return again.Header.Get("Authorization") == authorization
}

// addressed tells whether a JWT of Google's is for a role, and soon over: vault-plugin-auth-gcp
// v0.22.0 plugin/path_login.go, expectedJwtAudTemplate and max_jwt_exp. Who signed it is
// left to the tests' Google.
func addressed(jwt, role string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	return err == nil && json.Unmarshal(text, &claims) == nil && claims.Sub != "" &&
		strings.HasSuffix(claims.Aud, "vault/"+role) && time.Until(time.Unix(claims.Exp, 0)) <= 15*time.Minute
}
