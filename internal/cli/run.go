package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/daemon"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/version"
)

func runCommand(a *App) *cobra.Command {
	var once bool
	var listen string
	format := console.LogAuto
	cmd := help("run", &cobra.Command{
		Args: counted(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !once {
				log, err := a.console.Logger(format)
				if err != nil {
					return err
				}
				return daemon.Run(cmd.Context(), a.daemon(log, listen))
			}
			h, keys, err := a.work(nil, true, format)
			if err != nil {
				return err
			}
			v := console.Verdict{Console: a.console}
			for o := range daemon.Once(cmd.Context(), h, keys) {
				v.Add(o.Key, answer.Once(a.Now(), o), o.Err)
			}
			return v.Err()
		},
	})
	cmd.Flags().BoolVar(&once, "once", false, "do what is due for each key, and end")
	cmd.Flags().StringVar(&listen, "listen", "", "one address that answers everything, such as 127.0.0.1:9797 or unix:/run/rotate/http.sock (default listen of the config; none without it)")
	cmd.Flags().StringVar(&format, "log-format", format, "text or json (auto: text on a terminal and in systemd's journal)")
	return cmd
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
