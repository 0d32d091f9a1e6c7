package providers

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ErrSecretInAddress is that of an Address that may hold a secret.
var ErrSecretInAddress = errors.New("may hold a secret: leave out the user before @, and all from ? or # on; " +
	"addresses are printed, and credentials have options of their own")

// Address parses the URL of a service that an option, a variable or another
// program's config names. Addresses are printed: in errors, and where a key is said
// to live. So what may hold a secret is refused, a user, a query and a fragment.
// Plain HTTP is taken only to this host. what names the address in the error, which
// never repeats it.
func Address(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s is not a URL such as https://service.example.com", what)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s %w", what, ErrSecretInAddress)
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return u, fmt.Errorf("%s %w", what, ErrPlaintext)
	}
	return u, nil
}

// Spot is an address as people are shown it, one text for all ways to write one
// place: without the default port, capitals in the host, and slashes at the end. What
// Address refuses is "": it may hold a secret.
func Spot(address string) string {
	u, err := Address("", address)
	if u == nil || err != nil && !errors.Is(err, ErrPlaintext) {
		return ""
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/")
}

// ErrPlaintext is that of an Address at which keys could be overheard; the URL comes
// with it, for stores that have an option to accept that.
var ErrPlaintext = errors.New("is http:// to another host: use https, keys and tokens could be read on the way")
