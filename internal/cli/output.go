package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

// outputFlag adds -o with these values, of which the first is the default. Another
// one is refused before the command runs.
func (a *App) outputFlag(cmd *cobra.Command, output *string, values ...string) {
	last := len(values) - 1
	listed := strings.Join(values[:last], ", ") + " or " + values[last]
	cmd.Flags().StringVarP(output, "output", "o", values[0], listed)
	completeFlag(cmd, "output", values)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(values, *output) {
			return usage.New("-o: the output is " + listed)
		}
		a.json = *output == "json"
		return nil
	}
}

// documented adds -o json to a command. Its answer is then the document that fresh
// makes, whatever becomes of the command.
func (a *App) documented(cmd *cobra.Command, fresh func() form.Document) {
	var output string
	a.outputFlag(cmd, &output, "text", "json")
	check := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil && output == "json" {
			a.document = fresh()
			a.console.Changes, _ = a.document.(*form.Changes)
		}
		return err
	}
}

// changesDocument makes the document of a command that changes keys.
func changesDocument(schema string, dryRun *bool) func() form.Document {
	return func() form.Document {
		return &form.Changes{Head: form.Head{Schema: schema}, DryRun: *dryRun, Keys: []form.Answer{}}
	}
}

// finish writes the document, if the command has one, and returns the exit code. With
// -o json a command that fails before it has an answer prints why, as a document.
func (a *App) finish(code int, err error) int {
	if a.document == nil && a.json && err != nil && !console.Told(err) && !errors.Is(err, console.ErrUnwritten) {
		a.document = &form.Failed{Head: form.Head{Schema: form.Failure}}
	}
	if a.document == nil {
		return code
	}
	if console.Told(err) {
		err = nil
	}
	a.document.End(a.Now(), code, answer.Problem(err))
	if err := answer.JSON(a.Stdout, a.document); err != nil {
		a.console.Tell(console.Unwritten(err, a.console.Heads()...))
		return Failed
	}
	return code
}
