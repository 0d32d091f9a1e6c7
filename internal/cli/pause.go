package cli

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func pauseCommand(a *App) *cobra.Command {
	var o changes
	var until, reason string
	cmd := help("pause", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.pause(cmd.Context(), args, until, reason, o) },
	})
	o.flags(cmd, false)
	a.documented(cmd, changesDocument(form.Pause, &o.dryRun))
	cmd.Flags().StringVar(&until, "until", "", "when the pause ends by itself: 2026-12-24, a time of RFC 3339, or how long from now, such as 14d; 180d at most")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks at the key")
	completeFlag(cmd, "until", []string{"1d", "7d", "14d", "30d"})
	return cmd
}

func (a *App) pause(ctx context.Context, names []string, until, reason string, o changes) error {
	end, err := pauseEnd(a.Now(), until)
	if err != nil {
		return err
	}
	if err := checkReason(reason); err != nil {
		return err
	}
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	held, err := h.Pause(ctx, keys[0], end, strings.TrimSpace(reason), o.dryRun)
	if err != nil {
		return err
	}
	return a.console.Answer(keys[0], answer.Paused(a.Now(), held), nil)
}

func resumeCommand(a *App) *cobra.Command {
	var o changes
	cmd := help("resume", &cobra.Command{
		Args: counted(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.resume(cmd.Context(), args, o) },
	})
	o.flags(cmd, false)
	a.documented(cmd, changesDocument(form.Resume, &o.dryRun))
	return cmd
}

func (a *App) resume(ctx context.Context, names []string, o changes) error {
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	held, err := h.Resume(ctx, keys[0], o.dryRun)
	if err != nil {
		return err
	}
	return a.console.Answer(keys[0], answer.Resumed(a.Now(), held), nil)
}

// pauseEnd reads when a pause ends: a date is its first moment in UTC.
func pauseEnd(now time.Time, text string) (end time.Time, err error) {
	const hint = "such as --until 2026-12-24, --until 2026-12-24T08:00:00Z or --until 14d; 180d from now at most"
	if text == "" {
		return end, usage.New("--until is needed: a pause has an end", hint)
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if end, err = time.Parse(form, text); err == nil {
			break
		}
	}
	if err != nil {
		d, err := strictyaml.ParseDuration(text)
		if err != nil {
			return end, usage.New("--until: "+usage.Name(text, "what was given")+" is neither a date nor a time from now", hint)
		}
		end = now.Add(d)
	}
	switch {
	case !end.After(now):
		return end, usage.New("--until: that time has passed", hint)
	case end.After(now.Add(keyset.MaxPause)):
		return end, usage.New("--until: that is more than 180d from now", "a key that nobody rotates for longer should be given schedule: manual in the config", hint)
	}
	return end, nil
}

// checkReason takes a reason that fits into a document and a line of a log.
func checkReason(text string) error {
	const most = 200
	switch {
	case strings.TrimSpace(text) == "":
		return usage.New("--reason is needed: whoever finds the key paused has to know why", `such as --reason "release 4.2"; it is no secret, and stands in the document, the log and the metrics`)
	case len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return usage.New("--reason: one printable line of at most 200 bytes")
	}
	return nil
}
