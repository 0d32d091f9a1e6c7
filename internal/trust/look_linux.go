package trust

import "golang.org/x/sys/unix"

// The file systems that keep no permissions: those of Windows and of other hosts
// as WSL, VirtualBox and USB sticks show them (statfs(2); 9p and drvfs are WSL's).
const (
	drvfs  = 0x53464846
	vboxsf = 0x786f4256
	exfat  = 0x2011bab0
	ntfs3  = 0x7366746e
)

func modeless(path string) bool {
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) != nil {
		return false
	}
	switch uint32(fs.Type) { // #nosec G115 -- its type differs between processors
	case unix.V9FS_MAGIC, drvfs, vboxsf, exfat, ntfs3, unix.MSDOS_SUPER_MAGIC:
		return true
	}
	return false
}

// hasACL reports whether a file has an access control list, which may let more
// people write than its group (acl(5)).
func hasACL(path string) bool {
	n, err := unix.Lgetxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}
