package trust

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// A directory is the text of the files that say who is in which group.
type directory struct{ switches, users, groups string } // nsswitch.conf(5), passwd(5), group(5)

func accounts() directory {
	text := func(path string) string {
		data, _ := os.ReadFile(path) //nolint:errcheck // what is not there lists nobody
		return string(data)
	}
	return directory{text("/etc/nsswitch.conf"), text("/etc/passwd"), text("/etc/group")}
}

// private reports whether a group has no member but a user and root: the group
// that Debian and Red Hat make for each user, or that of a pod (fsGroup). What a
// directory service may know of a group that no file lists is nobody's guess, so
// such a group is not private.
func (d directory) private(group, user uint32) bool {
	members, listed := d.members(group)
	if !listed && !d.local() {
		return false
	}
	names := []string{"root"}
	for _, u := range entries(d.users, 4) {
		switch {
		case u[2] == id(user):
			names = append(names, u[0])
		case u[3] == id(group) && u[2] != "0":
			return false
		}
	}
	return !slices.ContainsFunc(members, func(m string) bool { return !slices.Contains(names, m) })
}

// members are those that the file names; those by their own entry are not among
// them.
func (d directory) members(group uint32) (names []string, listed bool) {
	for _, g := range entries(d.groups, 4) {
		if g[2] == id(group) {
			listed = true
			names = append(names, strings.FieldsFunc(g[3], func(r rune) bool { return r == ',' })...)
		}
	}
	return names, listed
}

// local reports whether the files know every account: no directory service is
// asked.
func (d directory) local() bool {
	for line := range strings.Lines(d.switches) {
		line, _, _ = strings.Cut(line, "#")
		name, services, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "passwd" && name != "group" {
			continue
		}
		for _, s := range strings.Fields(services) {
			if s != "files" && s != "systemd" {
				return false
			}
		}
	}
	return true
}

// entries are the lines of a file of accounts, each with at least n fields.
func entries(text string, n int) (all [][]string) {
	for line := range strings.Lines(text) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) >= n {
			all = append(all, fields)
		}
	}
	return all
}

func id(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
