//go:build unix

package file

import (
	"path/filepath"

	"github.com/keyrotate/rotate/providers"
)

// Needs implements providers.Needer: the paths that a unit of systemd opens. rotate
// writes in the folder, since a new file takes the place of the old one. Who may read
// a file is decided by its mode and group; a path adds nothing to that.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
func (c Config) Needs(role providers.Role, uses []providers.Use) providers.Rights {
	rights := providers.Rights{Language: providers.SystemdPaths}
	right := providers.Right{Name: "Read", Actions: []string{"ReadOnlyPaths"}}
	switch role {
	case providers.Rotator:
		right = providers.Right{Name: "Write", Actions: []string{"ReadWritePaths"}, On: []string{c.Dir}}
	case providers.Auditor:
		right.On = []string{c.Dir}
	case providers.Signer, providers.Verifier:
		for _, u := range uses {
			if u.File {
				right.On = append(right.On, filepath.Join(c.Dir, u.Secret))
			} else {
				right.On = append(right.On, c.Where(u.Secret))
			}
		}
	}
	if len(uses) > 0 {
		rights.List = []providers.Right{right}
	}
	return rights
}
