package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

func inspectCommand(a *App) *cobra.Command {
	var output string
	var claims bool
	cmd := help("inspect", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inspect(cmd.Context(), args[0], claims, output)
		},
	})
	a.outputFlag(cmd, &output, "text", "json")
	cmd.Flags().BoolVar(&claims, "claims", false, "also print the claims, and tell whether they let the token expire")
	return cmd
}

func (a *App) inspect(ctx context.Context, source string, claims bool, output string) error {
	h, keys, err := a.look(nil, true)
	if err != nil {
		return err
	}
	token, err := a.token(ctx, source)
	if err != nil {
		return err
	}
	i := h.Inspect(ctx, keys, token, claims)
	write := map[string]func(io.Writer, ops.Inspected) error{
		"text": answer.Inspected,
		"json": func(w io.Writer, i ops.Inspected) error { return answer.JSON(w, i) },
	}[output]
	if err := write(a.Stdout, i); err != nil {
		return console.Unwritten(err)
	}
	return a.ended(i.Errs, i.Refused())
}

// token reads a token, one byte more than Inspect takes at most. What was given is in no
// error: it may be the token itself.
func (a *App) token(ctx context.Context, source string) ([]byte, error) {
	if source == "-" {
		return console.UnlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.Stdin, ops.MaxToken+1)) })
	}
	if _, err := os.Stat(source); err != nil {
		return nil, usage.New("there is no file of the name given, which is not repeated here since it may be a token",
			"a token does not belong on a command line: rotate inspect - reads it from standard input")
	}
	s, err := (&ops.Checker{}).Read(ctx, source)
	return s.Read.Text, err
}
