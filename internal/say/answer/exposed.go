package answer

import (
	"fmt"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers/file"
)

// exposed tells who else may see the file that a key came from, and what would keep
// rotate from writing there.
func exposed(a *ops.Adopted) (all []string) {
	return exposure(a.Source.Exposure, say.Clean(a.Source.Where), a.Key.Name, "as an output of rotate it would be refused")
}

// Seen tells the same of a file that is an output.
func Seen(s ops.Seen) []string {
	return exposure(s.Exposure, "key "+s.Key+", output "+s.Output, s.Key, "rotate refuses to write there")
}

func exposure(e file.Exposure, where, key, becomes string) (all []string) {
	tell := func(format string, args ...any) { all = append(all, where+": "+fmt.Sprintf(format, args...)) }
	switch e.Git {
	case file.Committed:
		tell("the file is in a commit of Git, so everyone with the repository has this key: git rm --cached it, have Git ignore it, and replace the key with: rotate now %s", key)
	case file.Indexed:
		tell("the file is tracked by Git, so the next commit would hold this key: git rm --cached it, and have Git ignore it")
	case file.Unknown:
		tell("the file lies in a work tree of Git, and git does not tell whether it is tracked: look at it with git ls-files")
	}
	if e.Mode != 0 {
		tell("others may read the file (mode %04o): chmod go-r it, and ask who has read it", e.Mode)
	}
	if e.ACL {
		tell("the file has an access control list, which may let others read it: getfacl shows whom")
	}
	if e.Link != "" {
		tell("it is a symbolic link to %s: %s, so name that file there", say.Clean(e.Link), becomes)
	}
	if e.Names > 0 {
		tell("the file has %d names (hard links): %s", e.Names, becomes)
	}
	if e.Mount {
		tell("the file is mounted by itself: %s, so mount the folder that it lies in", becomes)
	}
	return all
}
