// Package process is what rotate takes from the process that it runs in: its
// streams, its signals, its name for others, and how well it is guarded.
package process

import (
	"fmt"
	"os"
	"os/user"
	"strings"
)

// maxActor bounds what stands in every audit event and request.
const maxActor = 64

// Actor names this process for people: user@host pid 123.
func Actor() string {
	name := fmt.Sprintf("uid-%d", os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return actorOf(name, host, os.Getpid())
}

// actorOf cuts the host before the user, and never the pid: two processes are
// never one actor.
func actorOf(name, host string, pid int) string {
	end := fmt.Sprintf(" pid %d", pid)
	name = plain(name, 24)
	return name + "@" + plain(host, maxActor-len(name)-len("@")-len(end)) + end
}

// plain keeps printable ASCII without spaces, at most n bytes of it.
func plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	return s[:min(len(s), n)]
}
