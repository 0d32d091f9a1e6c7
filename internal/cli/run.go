package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/internal/version"
)

func runCommand(a *App) *cobra.Command {
	var once bool
	var listen string
	format := console.LogAuto
	cmd := help("run", &cobra.Command{
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case once && cmd.Flags().Changed("listen"):
				return usage.New("--once ends when the work is done, so it has no endpoints: --listen does not go with it", "leave one of the two out")
			case !once && len(args) > 0:
				return usage.New("keys can be named with --once only: the daemon rotates all keys of its config", "rotate run --once KEY…")
			case !once:
				log, err := a.console.Logger(format)
				if err != nil {
					return err
				}
				return daemon.Run(cmd.Context(), a.daemon(log, listen))
			}
			return a.once(cmd.Context(), args, format)
		},
	})
	cmd.Flags().BoolVar(&once, "once", false, "do what is due for each key, or for those that are named, and end")
	cmd.Flags().StringVar(&listen, "listen", "", "one address that answers everything, such as 127.0.0.1:9797 or unix:/run/rotate/http.sock (default listen of the config; none without it)")
	cmd.Flags().StringVar(&format, "log-format", format, "text or json (auto: text on a terminal and in systemd's journal)")
	return cmd
}

// once does what is due for the keys that are named, or for all.
func (a *App) once(ctx context.Context, names []string, format string) error {
	h, keys, err := a.work(names, len(names) == 0, format)
	if err != nil {
		return err
	}
	v := console.Verdict{Console: a.console}
	for o := range daemon.Once(ctx, h, keys) {
		v.Add(o.Key, answer.Once(a.Now(), o), o.Err)
	}
	return v.Err()
}

// daemon is what a daemon takes from this process.
func (a *App) daemon(log *slog.Logger, listen string) daemon.Options {
	return daemon.Options{
		Host: *a.host(log), Listen: listen, Version: version.String(), KeepGC: a.Getenv("GOGC") != "", Hardened: a.Hardened,
		Read: func() (*config.Config, error) {
			conf, _, err := a.load()
			return conf, err
		},
	}
}
