package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/scheduler"
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
			return (&runner{app: a, log: log}).run(cmd.Context(), listen)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "do what is due for each key, and end")
	cmd.Flags().StringVar(&listen, "listen", "", "address of the endpoints for health, metrics and public keys (default listen of the config; none without it)")
	cmd.Flags().StringVar(&format, "log-format", format, "text or json (auto: text on a terminal)")
	return cmd
}

// dropped is the keys that a new config has no more, or has in another place.
func dropped(old, now []*key) (gone []string) {
	id := func(k *key) string { return k.Environment + "/" + k.Name + " (" + k.place() + ")" }
	kept := map[string]bool{}
	for _, k := range now {
		kept[id(k)] = true
	}
	for _, k := range old {
		if !kept[id(k)] {
			gone = append(gone, id(k))
		}
	}
	return gone
}

func schedulerKeys(keys []*key) []scheduler.Key {
	var out []scheduler.Key
	for _, k := range keys {
		out = append(out, scheduler.Key{
			Target: k.Target, Cron: k.cron, Sync: k.Sync, OutputStores: k.storeNames()[1:], Digest: k.digest,
		})
	}
	return out
}

// The values of --log-format beside text and json.
const (
	logAuto = "auto" // text on a terminal, json elsewhere
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
		if a.voice.Terminal {
			format = "text"
		}
	}
	options := &slog.HandlerOptions{ReplaceAttr: readable}
	switch format {
	case logNone:
		return slog.New(slog.DiscardHandler), nil
	case "text":
		return slog.New(slog.NewTextHandler(a.voice, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.voice, options)), nil
	}
	return nil, &usageError{"--log-format: text, json, auto or none", ""}
}
