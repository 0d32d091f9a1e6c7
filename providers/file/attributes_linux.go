package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// copyAttributes gives f the extended attributes of the file at path. Access
// control lists are one of them, system.posix_acl_access (acl(5)).
func copyAttributes(path string, f *os.File) error {
	names, err := attributes(path)
	if err != nil {
		return err
	}
	fd := int(f.Fd())
	for _, name := range names {
		value, err := attribute(path, name)
		if err != nil {
			return err
		}
		// A security label may be there already, given by the folder, and may not be
		// settable.
		have := make([]byte, len(value)+1)
		if n, err := unix.Fgetxattr(fd, name, have); err == nil && bytes.Equal(have[:n], value) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return &os.PathError{Op: "set " + name, Path: f.Name(), Err: err}
		}
	}
	return nil
}

// attributes is the names of a file's extended attributes.
func attributes(path string) ([]string, error) {
	for size := 1 << 10; ; size *= 4 {
		list := make([]byte, size)
		n, err := unix.Llistxattr(path, list)
		switch {
		case errors.Is(err, unix.ERANGE) && size < 1<<20:
			continue
		case errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case err != nil:
			return nil, &os.PathError{Op: "list attributes of", Path: path, Err: err}
		}
		return strings.FieldsFunc(string(list[:n]), func(r rune) bool { return r == 0 }), nil
	}
}

func attribute(path, name string) ([]byte, error) {
	value := make([]byte, 64<<10) // the most that an attribute has (xattr(7))
	n, err := unix.Lgetxattr(path, name, value)
	if err != nil {
		return nil, &os.PathError{Op: "get " + name + " of", Path: path, Err: err}
	}
	return value[:n], nil
}

// hasACL reports whether a file has an access control list of more than its mode.
func hasACL(path string) bool {
	names, err := attributes(path)
	return err == nil && slices.Contains(names, "system.posix_acl_access")
}

// isMount reports whether a file is itself a mount point (statx(2), since Linux
// 5.8; before, the rename tells).
func isMount(path string) bool {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &stat)
	return err == nil && stat.Attributes_mask&stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// aclOf is the named users and groups that a file's access control list lets read,
// in the form of linux/posix_acl_xattr.h. The mask bounds what they may.
func aclOf(path string) (all []aclEntry, err error) {
	const user, group, mask, read = 0x02, 0x08, 0x10, 4
	if !hasACL(path) {
		return nil, nil
	}
	text, err := attribute(path, "system.posix_acl_access")
	if err != nil {
		return nil, err
	}
	if len(text) < 4 || (len(text)-4)%8 != 0 || binary.LittleEndian.Uint32(text) != 2 {
		return nil, errors.New("an access control list of another version")
	}
	masked := false
	for e := text[4:]; len(e) > 0; e = e[8:] {
		tag, may := binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint16(e[2:])&read != 0
		switch {
		case tag == mask:
			masked = !may
		case may && (tag == user || tag == group):
			all = append(all, aclEntry{group: tag == group, id: binary.LittleEndian.Uint32(e[4:])})
		}
	}
	if masked {
		return nil, nil
	}
	return all, nil
}
