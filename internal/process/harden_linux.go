package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden keeps key material from leaving this process by the side: no core is
// written, no other process of this user may attach to it or read its memory
// (PR_SET_DUMPABLE of prctl(2), which /proc/pid/mem and ptrace go by), and what
// is created is for this user alone unless it is widened on purpose. It is done
// before anything is read, and by every command.
func Harden() error {
	unix.Umask(0o077)
	// guard incident 32: no core is written
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core dumps could not be ruled out: %w", err)
	}
	// guard incident 32: no other process reads the memory
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("other processes of this user could not be kept from this one's memory: %w", err)
	}
	return nil
}
