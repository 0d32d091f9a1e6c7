//go:build unix

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/keyrotate/rotate/providers"
)

// An aclEntry is one of an access control list: a user or a group that may read,
// beside the owner and the group of the file (acl(5)).
type aclEntry struct {
	group bool
	id    uint32
}

// Readers implements providers.ReaderFinder: the owner, group, mode and access control
// list of the file. What the folders above it let through is not looked at.
func (s *store) Readers(ctx context.Context, name string) (_ providers.Readers, err error) {
	defer dress(&err, "look at who may read", name)
	found := providers.Readers{Unseen: []string{"root, and who may read the disk, its snapshots and its backups"}}
	if ctx.Err() != nil {
		return found, ended(ctx)
	}
	path := s.place(name).head
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	} else if err != nil {
		return found, &providers.Error{Kind: providers.ErrUnavailable, Err: err}
	}
	stat := info.Sys().(*syscall.Stat_t)
	mode := fmt.Sprintf("mode %04o", info.Mode().Perm())
	found.Known = []providers.Reader{{Who: "user " + userName(stat.Uid), By: "owner"}}
	if info.Mode().Perm()&0o040 != 0 {
		found.Known = append(found.Known, providers.Reader{Who: "group " + groupName(stat.Gid), By: mode})
	}
	if info.Mode().Perm()&0o004 != 0 {
		found.Known = append(found.Known, providers.Reader{Who: "every user of the host", By: mode})
	}
	entries, err := aclOf(path)
	if err != nil {
		found.Unseen = append(found.Unseen, "the access control list of the file, which could not be read")
	}
	for _, e := range entries {
		who := "user " + userName(e.id)
		if e.group {
			who = "group " + groupName(e.id)
		}
		found.Known = append(found.Known, providers.Reader{Who: who, By: "access control list"})
	}
	return found, nil
}

func userName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

func groupName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name
	}
	return text
}
