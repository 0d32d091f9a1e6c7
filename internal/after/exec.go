package after

import (
	"context"

	"github.com/keyrotate/rotate/internal/program"
)

// Exec runs a program, by its absolute path and its arguments; see program.Run. Its
// environment tells what is to be read in ROTATE_KEY, ROTATE_OUTPUT and
// ROTATE_REVISION.
func Exec(argv []string) *Way {
	return &Way{
		Name: "exec " + argv[0],
		wake: func(ctx context.Context, c Change) error {
			about := []string{"ROTATE_KEY=" + c.Key, "ROTATE_OUTPUT=" + c.Output, "ROTATE_REVISION=" + c.Revision}
			return program.Run(ctx, argv, about, nil)
		},
		try:    func(context.Context) error { return program.Missing(argv[0]) },
		advice: func(error) string { return "" },
	}
}
