package serve_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// at is an endpoint on the loopback.
func at(change func(*endpoint.Endpoint)) endpoint.Endpoint {
	e := endpoint.Of(endpoint.Address{Network: "tcp", Where: "127.0.0.1:0"})
	if change != nil {
		change(&e)
	}
	return e
}

// ask sends a request as it stands, and returns the answer.
func ask(t *testing.T, network, address, request string) *http.Response {
	t.Helper()
	c, err := net.Dial(network, address) //nolint:noctx // the loopback
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// A loopback address answers only to itself, so that no web page of a stranger's
// reads it under a name that was made to mean 127.0.0.1 (DNS rebinding).
func TestOnlyLoopbackNamesOnTheLoopback(t *testing.T) {
	l, _, _ := running(t, at(func(e *endpoint.Endpoint) { e.Hosts = []string{"keys.example.com"} }))
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:80": 200, "127.0.0.1": 200, "127.0.0.1:9797": 200, "[::1]": 200, "[::1]:9797": 200, "localhost.": 200, "": 200,
		"keys.example.com": 200, "Keys.Example.com:443": 200,
		"evil.example.com": 421, "127.0.0.1.evil.example.com": 421, "localhost.evil.example.com:9797": 421, "192.0.2.1": 421, "0.0.0.0": 421,
	} {
		for _, path := range []string{"/healthz", "/status", "/.well-known/jwks.json"} {
			resp := ask(t, "tcp", l.Addr().String(), "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
			if resp.StatusCode != want {
				t.Errorf("Host %q, %s: %d, want %d", host, path, resp.StatusCode, want)
			}
		}
	}
	if resp := ask(t, "tcp", l.Addr().String(), "GET /healthz HTTP/1.0\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("HTTP/1.0 without Host, as HAProxy asks: %d", resp.StatusCode)
	}
	if resp := ask(t, "tcp", l.Addr().String(), "GET http://evil.example.com/status HTTP/1.1\r\nHost: localhost\r\n\r\n"); resp.StatusCode != 421 {
		t.Errorf("a Host in the request line: %d", resp.StatusCode)
	}
}

// Elsewhere every Host is answered: a kubelet names the address of the pod.
func TestOtherAddressesAnswerToEveryName(t *testing.T) {
	l, _, _ := running(t, endpoint.Of(endpoint.Address{Network: "tcp", Where: ":0"}))
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if resp := ask(t, "tcp", "127.0.0.1:"+port, "GET /healthz HTTP/1.1\r\nHost: 192.0.2.1:9797\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("%d", resp.StatusCode)
	}
}

// Each address answers what it serves, and nothing else.
func TestAddressesServeSets(t *testing.T) {
	pages := map[string]endpoint.Set{
		"/healthz": endpoint.Probes, "/readyz": endpoint.Probes,
		"/.well-known/jwks.json": endpoint.Keys, "/keys/es/jwks.json": endpoint.Keys,
		"/": endpoint.Reports, "/status": endpoint.Reports, "/metrics": endpoint.Reports,
	}
	for _, served := range endpoint.Sets() {
		l, _, _ := running(t, at(func(e *endpoint.Endpoint) { e.Serve = []endpoint.Set{served} }))
		for path, set := range pages {
			want := http.StatusNotFound
			if set == served {
				want = http.StatusOK
			}
			if resp := ask(t, "tcp", l.Addr().String(), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); resp.StatusCode != want {
				t.Errorf("%s where %s are served: %d, want %d", path, served, resp.StatusCode, want)
			}
		}
	}
}

const (
	oldToken = "an-old-token-of-0123456789"
	newToken = "a-new-token-of-0123456789"
)

// Reports ask for a token, and only they. Two are good while one takes the other's
// place, and a file that is spoilt changes nothing.
func TestTokensGuardTheReports(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	write(t, file, oldToken+"\n")
	l, log, _ := running(t, at(func(e *endpoint.Endpoint) { e.TokenFile = file }))
	code := func(path, authorization string) int {
		t.Helper()
		resp := ask(t, "tcp", l.Addr().String(), "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+authorization+"\r\n")
		if resp.StatusCode == http.StatusUnauthorized && len(resp.Header.Values("WWW-Authenticate")) != 2 {
			t.Errorf("%s: %q", path, resp.Header)
		}
		return resp.StatusCode
	}
	bearer := func(token string) string { return "Authorization: Bearer " + token + "\r\n" }
	basic := func(token string) string {
		r, _ := http.NewRequest("GET", "http://localhost", nil) //nolint:noctx // not sent
		r.SetBasicAuth("anyone", token)
		return "Authorization: " + r.Header.Get("Authorization") + "\r\n"
	}
	want := func(when string, old, fresh int) {
		t.Helper()
		for _, path := range []string{"/", "/status", "/metrics"} {
			for header, want := range map[string]int{
				bearer(oldToken): old, basic(oldToken): old, bearer(newToken): fresh, strings.ToLower(bearer(newToken)): fresh,
				"": 401, bearer(""): 401, bearer("x"): 401, bearer(oldToken[1:]): 401, "Authorization: " + oldToken + "\r\n": 401,
				"Authorization: Token " + oldToken + "\r\n": 401, basic(""): 401,
			} {
				if got := code(path, header); got != want {
					t.Errorf("%s, %s, %q: %d, want %d", when, path, header, got, want)
				}
			}
		}
		for _, path := range []string{"/healthz", "/.well-known/jwks.json"} {
			if got := code(path, ""); got != 200 {
				t.Errorf("%s, %s: %d", when, path, got)
			}
		}
	}
	reread := func(text string, wrong string) {
		t.Helper()
		write(t, file, text)
		if err := l.Reread(); (err == nil) != (wrong == "") || err != nil && (!strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), "short")) {
			t.Errorf("%v, want %q", err, wrong)
		}
	}
	want("at the start", 200, 401)
	reread(oldToken+"\n\r\n"+newToken+"\r\n", "")
	want("both", 200, 200)
	reread("short\n", "tokens, line 1 is no token: one has 16 to 512 characters")
	want("spoilt", 200, 200)
	reread("\n", "has no token")
	want("empty", 200, 200)
	reread(newToken, "")
	want("the new one", 401, 200)
	if strings.Contains(log.String(), oldToken) || strings.Contains(log.String(), newToken) {
		t.Errorf("a token is in the log:\n%s", log)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Pages of other origins read the public keys where the config lets them, and
// nothing else ever.
func TestCORS(t *testing.T) {
	const app = "https://app.example.com"
	for _, c := range []struct {
		origins            []string
		path, origin, want string
		vary               bool
	}{
		{nil, "/keys/es/jwks.json", app, "", false},
		{[]string{"*"}, "/keys/es/jwks.json", app, "*", false},
		{[]string{"*"}, "/.well-known/jwks.json", "", "*", false},
		{[]string{app}, "/keys/es/jwks.json", app, app, true},
		{[]string{app}, "/keys/es/jwks.json", "https://evil.example.com", "", true},
		{[]string{app}, "/keys/es/jwks.json", "", "", true},
		{[]string{"*"}, "/status", app, "", false},
		{[]string{"*"}, "/healthz", app, "", false},
	} {
		l, _, _ := running(t, at(func(e *endpoint.Endpoint) { e.Origins = c.origins }))
		for _, method := range []string{"GET", "OPTIONS"} {
			resp := ask(t, "tcp", l.Addr().String(), method+" "+c.path+" HTTP/1.1\r\nHost: localhost\r\nOrigin: "+c.origin+"\r\nConnection: close\r\n\r\n")
			code := map[bool]int{true: 200, false: 204}[method == "GET"]
			if method == "OPTIONS" && (c.origins == nil || !strings.Contains(c.path, "jwks")) {
				code = 405
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != c.want || resp.StatusCode != code {
				t.Errorf("%v, %s %s of %q: %d, %q, want %d, %q", c.origins, method, c.path, c.origin, resp.StatusCode, got, code, c.want)
			}
			if vary := strings.Contains(strings.Join(resp.Header.Values("Vary"), ","), "Origin"); vary != c.vary {
				t.Errorf("%v, %s of %q: Vary %v", c.origins, c.path, c.origin, resp.Header.Values("Vary"))
			}
		}
	}
}

// A client that takes only JSON gets JSON; every other gets the set's own type.
func TestContentTypeOfASet(t *testing.T) {
	h := server(&bytes.Buffer{}, keyset.ES256, known(t, "es", asymmetric(t)))
	const own, plain = "application/jwk-set+json", "application/json"
	tags := map[string]string{}
	for accept, want := range map[string]string{
		"": own, "*/*": own, "application/*": own, "text/html": own, own: own, own + ", " + plain: own, plain + ", " + own: own,
		"application/json;q=0": own, "application/json;q=0.4, application/jwk-set+json;q=0.8": own, "a/b/c;;": own, "application/json;q=x": own,
		plain: plain, "Application/JSON": plain, "application/json, */*": plain, "text/plain;q=0.1, application/json; charset=utf-8": plain,
		"application/json;q=0.8, application/jwk-set+json;q=0.4": plain,
	} {
		w := get(h, "GET", "/keys/es/jwks.json", "Accept", accept)
		if got := w.Header().Get("Content-Type"); got != want || w.Code != 200 || w.Header().Get("Vary") != "Accept" {
			t.Errorf("Accept %q: %d, %s, Vary %q, want %s", accept, w.Code, got, w.Header().Get("Vary"), want)
		}
		if tag := w.Header().Get("ETag"); tags[want] != "" && tags[want] != tag {
			t.Errorf("Accept %q: another tag", accept)
		} else {
			tags[want] = tag
		}
	}
	if tags[own] == tags[plain] {
		t.Error("two representations share a strong tag")
	}
	if w := get(h, "GET", "/keys/es/jwks.json", "Accept", plain, "If-None-Match", tags[plain]); w.Code != http.StatusNotModified {
		t.Errorf("%d", w.Code)
	}
}
