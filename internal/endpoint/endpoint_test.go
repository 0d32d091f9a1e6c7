package endpoint

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:9797":          "127.0.0.1:9797 local",
		"[::1]:9797":              "[::1]:9797 local",
		"localhost:0":             "localhost:0 local",
		":9797":                   ":9797",
		"0.0.0.0:9797":            "0.0.0.0:9797",
		"[::]:65535":              "[::]:65535",
		"192.0.2.1:80":            "192.0.2.1:80",
		"unix:/run/rotate/h.sock": "unix:/run/rotate/h.sock local",
		"unix:///run/h.sock":      "unix:/run/h.sock local",
		"unix:./h.sock":           "unix:/base/h.sock local",
		"unix:/a//b/../h.sock":    "unix:/a/h.sock local",

		"":                                  "is not an address and a port",
		"9797":                              "is not an address and a port",
		"127.0.0.1":                         "is not an address and a port",
		"127.0.0.1:65536":                   "is not an address and a port",
		"127.0.0.1:-1":                      "is not an address and a port",
		"127.0.0.1:http":                    "is not an address and a port",
		"example.com:80":                    "is not an address and a port",
		"http://127.0.0.1:9797":             "is not an address and a port",
		"unix:":                             "is not the path of a socket",
		"unix:/run/":                        "is not the path of a socket",
		"unix:@abstract":                    "is not the path of a socket",
		"unix:/" + strings.Repeat("p", 103): "is longer than the 103 bytes that the path of a socket may have",
	} {
		a, err := Parse(text, "/base")
		got := a.String()
		if err != nil {
			got = err.Error()
		} else if a.Local() {
			got += " local"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "0.0.0.0": false, "192.0.2.1": false, "::": false,
	} {
		if IsLoopback(host) != want {
			t.Errorf("%q: want %v", host, want)
		}
	}
}
