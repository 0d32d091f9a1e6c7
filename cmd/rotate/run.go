package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/journal"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
)

func (a *app) runCommand() *cobra.Command {
	var once bool
	var listen string
	format := logAuto
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Rotate every key on its schedule: the daemon",
		Long: `Rotate every key of the config on its schedule, until SIGTERM or SIGINT, which let
what is being written come to its end, within 5 s. SIGHUP reads the config again; a bad
one is refused and the old one kept. The log goes to standard error, with one line "audit"
for every change and refusal.

With listen in the config, or --listen, it answers over HTTP: /healthz, /readyz, /metrics,
/status, /.well-known/jwks.json and /keys/KEY/jwks.json. A new listen counts from the next start.

--once does what is due now and ends, for timers and CronJobs. Its exit code is 1 if a key
failed and may be tried again, 3 if one needs a person.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := a.logger(format)
			switch {
			case err != nil:
				return err
			case once:
				return a.once(cmd.Context(), log)
			}
			return daemon.Run(cmd.Context(), a.daemon(log, listen))
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "do what is due for each key, and end")
	cmd.Flags().StringVar(&listen, "listen", "", "address of the endpoints for health, metrics and public keys (default listen of the config; none without it)")
	cmd.Flags().StringVar(&format, "log-format", format, "text or json (auto: text on a terminal and in systemd's journal)")
	return cmd
}

// daemon is what a daemon takes from this process.
func (a *app) daemon(log *slog.Logger, listen string) daemon.Options {
	return daemon.Options{
		Host: *a.host(log), Listen: listen, Version: buildVersion(), KeepGC: a.getenv("GOGC") != "", Hardened: a.hardened,
		Read: func() (*config.Config, error) {
			conf, _, err := a.load()
			return conf, err
		},
	}
}

// The values of --log-format beside text and json.
const (
	logAuto = "auto" // text on a terminal and in the journal, json elsewhere
	logNone = "none"
)

// readable writes durations as people do, not in nanoseconds.
func readable(_ []string, attr slog.Attr) slog.Attr {
	switch d := attr.Value.Any().(type) {
	case time.Duration:
		attr.Value = slog.StringValue(rotation.Duration(d).String())
	case rotation.Duration:
		attr.Value = slog.StringValue(d.String())
	}
	return attr
}

// logger writes to standard error.
func (a *app) logger(format string) (*slog.Logger, error) {
	if format == logAuto {
		format = "json"
		if a.voice.Terminal || a.voice.Journal {
			format = "text"
		}
	}
	options := &slog.HandlerOptions{ReplaceAttr: readable}
	switch {
	case format == "text" && a.voice.Journal:
		return slog.New(journal.Text(a.voice, options)), nil
	case format == "json" && a.voice.Journal:
		return slog.New(journal.JSON(a.voice, options)), nil
	}
	switch format {
	case logNone:
		return slog.New(slog.DiscardHandler), nil
	case "text":
		return slog.New(slog.NewTextHandler(a.voice, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.voice, options)), nil
	}
	return nil, usage.New("--log-format: text, json, auto or none")
}
