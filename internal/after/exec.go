package after

import (
	"context"

	"github.com/keyrotate/rotate/internal/program"
)

// Exec runs a program, by its absolute path and its arguments; see program.Run. Its
// environment tells what is to be read in ROTATE_KEY, ROTATE_OUTPUT and
// ROTATE_REVISION.
func Exec(argv []string) Way {
	return func(ctx context.Context, c Change) error {
		about := []string{"ROTATE_KEY=" + c.Key, "ROTATE_OUTPUT=" + c.Output, "ROTATE_REVISION=" + c.Revision}
		if err := program.Run(ctx, argv, about, nil); err != nil {
			return &Error{Way: "exec " + argv[0], Err: err}
		}
		return nil
	}
}
