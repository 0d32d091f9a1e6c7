//go:build unix && !linux

package file

import (
	"errors"
	"os"
)

// copyAttributes copies nothing: only Linux has its access control lists in
// extended attributes.
func copyAttributes(string, *os.File) error { return nil }

// isMount cannot tell; the rename does.
func isMount(string) bool { return false }

// hasACL cannot tell.
func hasACL(string) bool { return false }

// aclOf cannot tell.
func aclOf(string) ([]aclEntry, error) { return nil, errors.ErrUnsupported }
