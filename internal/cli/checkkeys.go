package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
)

// checkGit looks for the keys of the config in a Git repository.
func (a *App) checkGit(ctx context.Context, args []string, o checkOptions) error {
	if len(args) > 1 {
		return usage.New("check --git takes the path of one repository, or none for the one that this folder lies in")
	}
	dir := "."
	if len(args) == 1 {
		dir = args[0]
	}
	h, keys, err := a.look(nil, true)
	if err != nil {
		return err
	}
	checked, err := h.CheckGit(ctx, keys, dir, func(done, all int) {
		a.console.Voice.Progress(fmt.Sprintf("%d of %d objects", done, all))
	})
	a.console.Voice.Done()
	if err != nil {
		return err
	}
	failed := checked.Failed()
	if err := answer.GitForms()[o.output](a.Stdout, checked); err != nil {
		return console.Unwritten(err)
	}
	for _, remark := range answer.GitRemarks(checked) {
		a.console.Voice.Note("%s", remark)
	}
	if o.output == "text" {
		for _, hint := range answer.GitHints(checked) {
			a.console.Voice.Hint("%s", hint)
		}
	}
	return a.ended(failed, checked.Attention)
}

// checkReuse compares the keys of configs.
func (a *App) checkReuse(ctx context.Context, paths []string, o checkOptions) error {
	var all []ops.Fleet
	if len(paths) == 0 {
		paths = []string{a.path}
	}
	for _, path := range paths {
		conf, path, err := fleet.Read(path, a.Getenv, a.Types)
		if err != nil {
			return err
		}
		all = append(all, ops.Fleet{Config: path, Keys: fleet.Of(conf, nil)})
	}
	reused := a.host(slog.New(slog.DiscardHandler)).Reuse(ctx, all)
	if err := answer.ReuseForms()[o.output](a.Stdout, reused); err != nil {
		return console.Unwritten(err)
	}
	if reused.Attention && o.output == "text" {
		a.console.Voice.Hint("%s", answer.ReuseHint)
	}
	return a.ended(reused.Failed(), reused.Attention)
}

// ended tells what failed of several things, and is how a command ends that went on
// with the others.
func (a *App) ended(failed []error, attention bool) error {
	for _, err := range failed {
		a.console.Tell(err)
	}
	if len(failed) > 0 {
		return console.ErrTold
	}
	return console.Attention(attention)
}
