package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/notify"
)

func TestNotify(t *testing.T) {
	dir := write(t, map[string]string{"rotate.yaml": `
environment: test
stores: {d: {type: fake}}
keys: {hooks: {store: d, algorithm: opaque, prefix: whsec_, encoding: base64}}
notify:
  ahead: 7d
  heartbeat: {url_file: ./heartbeat.url}
  to:
    ops: {url: "https://hooks.example.com/rotate", sign: {key: hooks}}
    files: {url: "http://hooks.example.com/", sign: {secret_file: /run/whsec, next_secret_file: next}, only: [halt, recovery]}
    chat: {format: slack, url_file: chat.url, timeout: 5s}
    open: {url: "http://127.0.0.1:8080/"}
    pager: {exec: [/usr/local/bin/page, --team, ops]}
`})
	c, err := Load(filepath.Join(dir, "rotate.yaml"), registry())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	const usual = 15 * time.Second
	want := notify.Settings{
		Ahead: 7 * 24 * time.Hour, Heartbeat: notify.Heartbeat{Address: notify.Address{File: in("heartbeat.url")}, Every: 5 * time.Minute},
		Receivers: []notify.Receiver{
			{Name: "chat", Format: notify.Slack, Address: notify.Address{File: in("chat.url")}, Timeout: 5 * time.Second},
			{
				Name: "files", Format: notify.CloudEvents, Address: notify.Address{URL: "http://hooks.example.com/"}, Timeout: usual,
				Sign: notify.Signing{File: "/run/whsec", Next: in("next")}, Only: []notify.Kind{notify.Halt, notify.Recovery},
			},
			{Name: "open", Format: notify.CloudEvents, Address: notify.Address{URL: "http://127.0.0.1:8080/"}, Timeout: usual},
			{Name: "ops", Format: notify.CloudEvents, Address: notify.Address{URL: "https://hooks.example.com/rotate"}, Timeout: usual, Sign: notify.Signing{Key: "hooks"}},
			{Name: "pager", Format: notify.CloudEvents, Exec: []string{"/usr/local/bin/page", "--team", "ops"}, Timeout: usual},
		},
	}
	if !reflect.DeepEqual(c.Notify, want) {
		t.Errorf("got  %+v\nwant %+v", c.Notify, want)
	}
	if len(c.Notes) != 2 || !strings.HasPrefix(c.Notes[0], "notify: files: http:// to another host") || !strings.HasPrefix(c.Notes[1], "notify: open: nothing shows this receiver") {
		t.Errorf("notes %q", c.Notes)
	}
}

// The parts of the section may stand in several files.
func TestNotifyInAFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "environment: test\nstores: {d: {type: fake}}\nkeys: {k: {store: d}}\nnotify: {to: {one: {exec: [/bin/true]}}}",
		"b.yaml": "notify: {ahead: 1d, to: {two: {exec: [/bin/true]}}}",
	})
	c, err := Load(dir, registry())
	if err != nil || len(c.Notify.Receivers) != 2 || c.Notify.Ahead != 24*time.Hour {
		t.Errorf("%+v, %v", c, err)
	}
}
