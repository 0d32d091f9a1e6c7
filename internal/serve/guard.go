package serve

import (
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/endpoint"
)

// named answers only those requests to a loopback address that name it as Host. A
// web page of a stranger's, whose name was made to mean 127.0.0.1, names another
// (DNS rebinding). Who names none is no browser: HTTP/1.1 wants a Host (RFC 9112
// section 3.2).
func (l *Listener) named(next http.Handler) http.Handler {
	if !l.loopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if host == "" || endpoint.IsLoopback(host) || slices.ContainsFunc(l.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
			next.ServeHTTP(w, r)
			return
		}
		plain(w, http.StatusMisdirectedRequest, "this address answers only to names of the loopback; hosts: in rotate's config adds others\n")
	})
}

// guarded wants one of the tokens of the listener's file, if it has one: as Bearer
// (RFC 6750), or as the password of any user, which browsers can ask for (RFC 7617).
func (l *Listener) guarded(next http.Handler) http.Handler {
	if l.TokenFile == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if _, password, ok := r.BasicAuth(); ok {
			given = password
		} else if !strings.EqualFold(scheme, "Bearer") {
			given = ""
		}
		if !l.tokens.Load().has(strings.TrimSpace(given)) {
			w.Header().Add("WWW-Authenticate", `Bearer realm="rotate"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="rotate", charset="UTF-8"`)
			plain(w, http.StatusUnauthorized, "a token is needed here\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// shared lets pages of the listener's origins read the answer (CORS, the Fetch
// standard). Public keys are public; no answer depends on who asks.
func (l *Listener) shared(next http.Handler) http.Handler {
	if len(l.Origins) == 0 {
		return next
	}
	anyone := slices.Contains(l.Origins, "*")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, origin := w.Header(), r.Header.Get("Origin")
		switch {
		case anyone:
			header.Set("Access-Control-Allow-Origin", "*")
		case slices.Contains(l.Origins, origin):
			header.Set("Access-Control-Allow-Origin", origin)
			fallthrough
		default:
			header.Add("Vary", "Origin")
		}
		header.Set("Access-Control-Expose-Headers", "ETag")
		next.ServeHTTP(w, r)
	})
}

// preflight answers a browser that asks before it sends If-None-Match.
func preflight(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, HEAD")
	header.Set("Access-Control-Allow-Headers", "Accept, If-None-Match")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// The two names of a JWK Set: its own (RFC 7517 section 8.5.2), and the one that
// clients ask for which know only JSON.
const (
	jwkSet    = "application/jwk-set+json"
	plainJSON = "application/json"
)

// contentType is the name of a JWK Set that a request prefers (RFC 9110 section
// 12.5.1). One that accepts neither gets the keys all the same: better than none.
func contentType(r *http.Request) string {
	accept := r.Header.Values("Accept")
	if len(accept) == 0 || len(accept) == 1 && accept[0] == "*/*" {
		return jwkSet
	}
	own, json := -1.0, -1.0
	for _, one := range strings.Split(strings.Join(accept, ","), ",") {
		name, options, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := options["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		switch name {
		case jwkSet:
			own = q
		case plainJSON:
			json = q
		}
	}
	if json > 0 && json > own {
		return plainJSON
	}
	return jwkSet
}
