package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/strictyaml"
)

// listening is a config that listens.
func listening(listen string) string {
	return "environment: test\nstores: {disk: {type: fake}}\nkeys: {one: {store: disk, token_ttl: 1h}}\nlisten: " + listen + "\n"
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string][]string{
		"127.0.0.1:9797":                 {"127.0.0.1:9797 [probes keys reports] -rw-------"},
		":9797":                          {":9797 [probes keys reports] -rw-------"},
		"unix:./h.sock":                  {"unix:" + dir + "/h.sock [probes keys reports] -rw-------"},
		`{address: ":1", serve: [keys]}`: {":1 [keys] -rw-------"},
		`[":1", {address: "127.0.0.1:2"}]`: {
			":1 [probes keys reports] -rw-------", "127.0.0.1:2 [probes keys reports] -rw-------",
		},
		`[{address: "127.0.0.1:0", serve: [probes]}, {address: "127.0.0.1:0", serve: [reports]}]`: {
			"127.0.0.1:0 [probes] -rw-------", "127.0.0.1:0 [reports] -rw-------",
		},
		`[{address: ":2", token_file: ./t, tls: {cert_file: c, key_file: /k}, cors: ["*"], per_client: 8}]`: {
			":2 [probes keys reports] -rw------- token " + dir + "/t cert " + dir + "/c key /k cors [*] per client 8",
		},
		`[{address: "127.0.0.1:2", hosts: [keys.example.com], cors: ["https://a.example.com", "http://localhost:3000"]}]`: {
			"127.0.0.1:2 [probes keys reports] -rw------- cors [https://a.example.com http://localhost:3000] hosts [keys.example.com]",
		},
		`{address: "unix:/run/h.sock", mode: "0660"}`: {"unix:/run/h.sock [probes keys reports] -rw-rw----"},
	} {
		c, err := loadIn(t, dir, listening(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, e := range c.Listen {
			line := fmt.Sprint(e.Address, " ", e.Serve, " ", e.Mode)
			for _, more := range []struct {
				name  string
				value any
				set   bool
			}{
				{"token", e.TokenFile, e.TokenFile != ""}, {"cert", e.CertFile, e.CertFile != ""}, {"key", e.KeyFile, e.KeyFile != ""},
				{"cors", e.Origins, e.Origins != nil}, {"hosts", e.Hosts, e.Hosts != nil}, {"per client", e.PerClient, e.PerClient != 0},
			} {
				if more.set {
					line += fmt.Sprint(" ", more.name, " ", more.value)
				}
			}
			got = append(got, line)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%q, want\n%q", text, got, want)
		}
	}
}

// loadIn loads a config from a folder.
func loadIn(t *testing.T, dir, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(dir, "rotate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, registry())
}

// Every mistake is told, with its place; a secret that stands in the wrong place
// is not repeated.
func TestListenIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"9797":                                  `listen: "9797" is not an address and a port`,
		`"9797"`:                                `listen: "9797" is not an address and a port`,
		"example.com:80":                        `is not an address and a port`,
		"http://127.0.0.1:9797":                 `is not an address and a port`,
		`[{address: 80, token_file: s3cr3t}]`:   `is not an address and a port`,
		"[]":                                    `listen: has no address`,
		"[{serve: [probes]}]":                   `listen[0]: has no address`,
		`[":1", ":1"]`:                          `listen[1]: its address is that of line 4, too`,
		`[{address: ":1", serve: []}]`:          `listen[0].serve: is empty`,
		`[{address: ":1", serve: [probe]}]`:     `listen[0].serve[0]: `,
		`[{address: ":1", serves: [probes]}]`:   `listen[0].serves: unknown option`,
		`[{address: ":1", tls: {}}]`:            `listen[0].tls: wants both cert_file and key_file`,
		`[{address: ":1", tls: {key_file: k}}]`: `listen[0].tls: wants both cert_file and key_file`,
		`[{address: ":1", token_file: ""}]`:     `listen[0].token_file: is empty`,
		`[{address: ":1", serve: [keys], token_file: t}]`:          `listen[0].token_file: does not belong here`,
		`[{address: ":1", serve: [probes], cors: ["*"]}]`:          `listen[0].cors: does not belong here`,
		`[{address: ":1", hosts: [a.example.com]}]`:                `listen[0].hosts: does not belong here`,
		`[{address: ":1", mode: "0660"}]`:                          `listen[0].mode: does not belong here`,
		`[{address: "unix:/s", mode: "0777"}]`:                     `listen[0].mode: is not 0600, 0660 or 0666`,
		`[{address: "unix:/s", per_client: 3}]`:                    `listen[0].per_client: does not belong here`,
		`[{address: "unix:/s", tls: {cert_file: c, key_file: k}}]`: `listen[0].tls: does not belong here`,
		`[{address: ":1", per_client: 0}]`:                         `listen[0].per_client: is less than 1`,
		`[{address: ":1", cors: [app.example.com]}]`:               `listen[0].cors: has something that is no origin`,
		`[{address: ":1", cors: ["https://a.example.com/"]}]`:      `listen[0].cors: has something that is no origin`,
		`[{address: "127.0.0.1:1", hosts: ["a.example.com:80"]}]`:  `listen[0].hosts: has something that is no name of a host`,
	} {
		_, err := loadIn(t, t.TempDir(), listening(text))
		var problems strictyaml.Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		first := problems[0].Path + ": " + problems[0].Msg
		if !strings.Contains(first, want) || len(problems) != 1 || problems[0].Hint == "" || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s:\n%v\nwant %s, with a hint", text, err, want)
		}
	}
}

// Who can read what is told where other hosts can.
func TestListenNotes(t *testing.T) {
	const open, clear = "other hosts can read the reports without a token", "the token goes over the network in the clear"
	for text, want := range map[string]string{
		"127.0.0.1:1":                            "",
		"localhost:1":                            "",
		"unix:/s":                                "",
		":1":                                     open,
		"0.0.0.0:1":                              open,
		`{address: ":1", serve: [probes, keys]}`: "",
		`{address: ":1", token_file: t}`:         clear,
		`{address: ":1", token_file: t, tls: {cert_file: c, key_file: k}}`: "",
		`{address: ":1", tls: {cert_file: c, key_file: k}}`:                open,
		`[{address: ":1", serve: [probes]}, {address: "127.0.0.1:2"}]`:     "",
	} {
		c, err := loadIn(t, t.TempDir(), listening(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(c.Notes, "\n"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
