//go:build !linux

package process

import (
	"fmt"
	"syscall"
)

// Harden is what can be done here: no core, and what is created is for this user
// alone.
func Harden() error {
	syscall.Umask(0o077)
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps could not be ruled out: %w", err)
	}
	return nil
}
