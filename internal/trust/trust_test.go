package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Hosts as they are met, and who else can change a file there. This is user 1000
// unless the row says otherwise.
func TestHosts(t *testing.T) {
	const (
		us     = 1000
		dir    = fs.ModeDir
		sticky = fs.ModeSticky
		setgid = fs.ModeSetgid
		link   = fs.ModeSymlink | 0o777
	)
	for _, c := range []struct {
		host string
		f    Facts
		us   uint32
		want string // part of the reason; "" if nobody else can change it
	}{
		{"a file of one's own", Facts{Owner: us, Mode: 0o644}, us, ""},
		{"a file of root's", Facts{Mode: 0o644}, us, ""},
		{"a file that everybody may write", Facts{Owner: us, Mode: 0o666}, us, "mode 0666"},
		{"a file that a group may write", Facts{Owner: us, Mode: 0o664}, us, "mode 0664"},
		{"the file of another", Facts{Owner: 1001, Mode: 0o600}, us, "belongs to user 1001, and this is user 1000"},
		{"a user's file, and this is root", Facts{Owner: us, Mode: 0o600}, 0, "belongs to user 1000, and this is user 0"},
		{"a root's file that everybody may write", Facts{Mode: 0o666}, 0, "mode 0666"},
		{"the folder of another", Facts{Owner: 1001, Mode: dir | 0o755}, us, "belongs to user 1001"},
		{"a shared folder without the sticky bit", Facts{Mode: dir | 0o777}, us, "mode 0777"},
		{"/tmp", Facts{Mode: dir | sticky | 0o777}, us, ""},
		{"somebody's file in /tmp", Facts{Owner: 1001, Mode: 0o644}, us, "belongs to user 1001"},
		{"a sticky folder of another, who removes what he likes", Facts{Owner: 1001, Mode: dir | sticky | 0o777}, us, "belongs to user 1001"},
		{"a file has no sticky bit", Facts{Owner: us, Mode: sticky | 0o666}, us, "mode 0666"},

		{"umask 002 with a group of one's own: the file", Facts{Owner: us, Mode: 0o664, Private: true}, us, ""},
		{"umask 002 with a group of one's own: the folder", Facts{Owner: us, Mode: dir | setgid | 0o775, Private: true}, us, ""},
		{"a group of one's own, and everybody may write", Facts{Owner: us, Mode: 0o666, Private: true}, us, "mode 0666"},

		{"ConfigMap: the folder", Facts{Mode: dir | 0o777, Given: true}, us, ""},
		{"ConfigMap: the link ..data", Facts{Mode: link, Given: true}, us, ""},
		{"Secret with fsGroup: the folder", Facts{Mode: dir | setgid | 0o777, Given: true}, us, ""},
		{"Secret with fsGroup: the file", Facts{Mode: 0o440, Given: true}, us, ""},
		{"emptyDir with fsGroup", Facts{Mode: dir | setgid | 0o777, Given: true}, us, ""},
		{"docker run -v: a user's file, and this is root", Facts{Owner: us, Mode: 0o644, Given: true}, 0, ""},
		{"rootless Podman: a file of nobody's", Facts{Owner: 65534, Mode: 0o644, Given: true}, 0, ""},

		{"WSL: /mnt/c", Facts{Owner: us, Mode: dir | 0o777, Modeless: true}, us, ""},
		{"WSL: a file of /mnt/c", Facts{Owner: us, Mode: 0o777, Modeless: true}, us, ""},
		{"the USB stick of another", Facts{Owner: 1001, Mode: 0o777, Modeless: true}, us, "belongs to user 1001"},

		{"a link of one's own", Facts{Owner: us, Mode: link}, us, ""},
		{"a link that another has put into /tmp", Facts{Owner: 1001, Mode: link}, us, "belongs to user 1001"},
	} {
		c.f.Path = "it"
		if got := c.f.Changeable(c.us); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.host, got, c.want)
		}
	}
}

// Whose group is private, by the files of a host.
func TestPrivateGroups(t *testing.T) {
	const (
		users  = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1000::/home/bob:/bin/sh\ncid:x:1002:1002::/home/cid:/bin/sh\ndan:x:1003:1003::/:/bin/sh\n"
		groups = "root:x:0:\nann:x:1000:\ncid:x:1002:\ndan:x:1003:ann\nops:x:2000:cid,root\nstaff:x:2001:ann,cid\n# none\n"
		local  = "passwd: files systemd\ngroup: files systemd # no more\nhosts: files dns\n"
		sss    = "passwd: sss files systemd\ngroup: sss files\n"
	)
	for _, c := range []struct {
		name        string
		switches    string
		group, user uint32
		want        bool
	}{
		{"a group that each user gets", local, 1002, 1002, true},
		{"the same, where a service has further accounts", sss, 1002, 1002, true},
		{"the group of another's entry", local, 1000, 1000, false},
		{"a group to which another was added", local, 1003, 1003, false},
		{"a group of the user and root", local, 2000, 1002, true},
		{"a group of several", local, 2001, 1002, false},
		{"fsGroup: a number that no file has", local, 5000, 65532, true},
		{"the same without nsswitch.conf", "", 5000, 65532, true},
		{"a group that a service may have", sss, 5000, 1002, false},
	} {
		if got := (directory{c.switches, users, groups}).private(c.group, c.user); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestContainers(t *testing.T) {
	none := func(string) string { return "" }
	there := func(path string) func(string) bool { return func(p string) bool { return p == path } }
	if inContainer(none, there("")) {
		t.Error("a host is none")
	}
	if !inContainer(none, there("/.dockerenv")) || !inContainer(none, there("/run/.containerenv")) {
		t.Error("Docker and Podman")
	}
	if inContainer(none, func(p string) bool { return p == "/run/.containerenv" || p == "/run/.toolboxenv" }) {
		t.Error("Toolbx has the host's folders")
	}
	if !inContainer(func(name string) string { return map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}[name] }, there("")) {
		t.Error("Kubernetes")
	}
}

// What the system tells is judged for the file, its folder, and the same of where
// its links lead.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"own": 0o700, "shared": 0o777, "sticky": 0o777 | fs.ModeSticky} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		for file, mode := range map[string]fs.FileMode{"good": 0o600, "open": 0o606} {
			file = filepath.Join(path, file)
			if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	info, err := os.Stat(filepath.Join(dir, "shared"))
	if err != nil {
		t.Fatal(err)
	}
	if f := look(dir, info, false); f.Given || f.Modeless {
		t.Skip("the temporary folder is a volume of a container, or has no permissions")
	}
	for name, to := range map[string]string{"good": "good", "data": "../shared", "far": "data/good", "open-far": "../sticky/open", "loop": "to-loop"} {
		if err := os.Symlink(to, filepath.Join(dir, "own", "to-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("to-data/good", filepath.Join(dir, "own", "through")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"own/good": "", "own/open": "has mode 0606", "own/to-good": "",
		"shared/good": "has mode 0777", "sticky/good": "", "sticky/open": "has mode 0606",
		"own/through": "has mode 0777", "own/to-open-far": "has mode 0606",
		"own/none": "no such file", "own/to-loop": "too many levels",
	} {
		err := Check(filepath.Join(dir, path))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if foreign := (*Error)(nil); errors.As(err, &foreign) != strings.HasPrefix(want, "has mode") {
			t.Errorf("%s: %#v", path, err)
		} else if foreign != nil && !strings.HasPrefix(foreign.Hint, "chmod go-w "+dir) {
			t.Errorf("%s: %s", path, foreign.Hint)
		}
	}
}

// Whoever may write a folder on the way to another can put his own in its place.
func TestCheckWay(t *testing.T) {
	top := t.TempDir()
	for path, mode := range map[string]fs.FileMode{
		"own": 0o755, "own/keys": 0o777, "shared": 0o777, "shared/deep": 0o700, "shared/deep/keys": 0o700,
		"sticky": 0o777 | fs.ModeSticky, "sticky/keys": 0o700,
	} {
		path = filepath.Join(top, path)
		if err := errors.Join(os.MkdirAll(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(top, "shared"))
	if err != nil {
		t.Fatal(err)
	}
	if f := look(top, info, false); f.Given || f.Modeless {
		t.Skip("the temporary folder is a volume of a container, or has no permissions")
	}
	for link, to := range map[string]string{"own/link": "../shared/deep/keys", "shared/link": "../own", "own/inner": "../shared/link"} {
		if err := os.Symlink(to, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, shared := range map[string]bool{
		"own/keys": false, "own/none/yet": false, "sticky/keys": false, "own/link": false, // of a link it is what holds the link
		"shared/keys": true, "shared/deep/keys": true, "shared/none/yet": true, "shared/link": true, "shared/link/keys": true,
	} {
		err := CheckWay(filepath.Join(top, path))
		if foreign := (*Error)(nil); errors.As(err, &foreign) != shared || shared && !strings.HasPrefix(foreign.Why, filepath.Join(top, "shared")+" has mode 0777") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
