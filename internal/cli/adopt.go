package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

type adoptOptions struct {
	changes
	from, fromEnv  string
	stdin          bool
	algorithm, kid string
}

func adoptCommand(a *App) *cobra.Command {
	var o adoptOptions
	cmd := help("adopt", &cobra.Command{
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stdin = len(args) == 2 && args[1] == "-"
			if o.from == "-" { // as many other tools have it
				o.from, o.stdin = "", true
			}
			if len(args) == 2 && args[1] != "-" {
				return usage.New("after KEY only - (standard input) may follow", "a secret does not belong on a command line: others on this host see it, and the shell keeps it")
			}
			return adopt(cmd.Context(), a, args[:1], o)
		},
	})
	o.flags(cmd, false)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "a value in one of the config's stores: STORE:NAME")
	f.StringVar(&o.fromEnv, "from-env", "", "a variable of a .env file: FILE:VAR")
	f.StringVar(&o.algorithm, "algorithm", "", "what the secret is used with (default the key's algorithm in the config)")
	f.StringVar(&o.kid, "kid", "", "the kid that tokens carry today, if they carry one")
	return cmd
}

func adopt(ctx context.Context, a *App, names []string, o adoptOptions) error {
	sources := 0
	for _, named := range []bool{o.from != "", o.fromEnv != "", o.stdin} {
		if named {
			sources++
		}
	}
	if sources != 1 {
		return usage.New(fmt.Sprintf("%d sources are named, one is needed", sources), "--from STORE:NAME, --from-env FILE:VAR, or - for standard input")
	}
	h, keys, err := a.work(names, false, o.log)
	if err != nil {
		return err
	}
	source, err := a.source(ctx, keys[0], o)
	if err != nil {
		return err
	}
	as := ops.AdoptOptions{Kid: o.kid, DryRun: o.dryRun}
	if o.algorithm != "" {
		if as.Algorithm, err = algorithmOf(o.algorithm); err != nil {
			return err
		}
	}
	adopted, err := h.Adopt(ctx, keys[0], source.Value, source.Where, as)
	if adopted != nil {
		for _, note := range adopted.Taken.Notes {
			a.console.Voice.Note("%s: %s", source.Where, note)
		}
	}
	if err != nil {
		return err
	}
	if o.stdin {
		source = ops.Source{}
	}
	ans := answer.Adopted(a.Now(), adopted, source)
	if _, err := io.WriteString(a.Stdout, ans.Text); err != nil {
		return console.Unwritten(err, ans.Head)
	}
	for _, warning := range answer.AdoptedWarnings(adopted) {
		a.console.Voice.Warn("%s", warning)
	}
	return nil
}

// algorithmOf is the value of a flag --algorithm.
func algorithmOf(text string) (keyset.Algorithm, error) {
	alg, err := keyset.ParseAlgorithm(text)
	if err != nil {
		return "", usage.New("--algorithm: "+usage.Quote(text, "what was given")+" is not known", "known are "+strings.Trim(fmt.Sprint(keyset.Algorithms()), "[]"))
	}
	return alg, nil
}

// maxSource is more than any secret that can be adopted.
const maxSource = 1 << 20

// source reads the value from the one place that was named, and says which.
func (a *App) source(ctx context.Context, k *fleet.Key, o adoptOptions) (ops.Source, error) {
	switch {
	case o.from != "":
		return ops.FromStore(ctx, k, o.from)
	case o.fromEnv != "":
		return ops.FromEnv(k, o.fromEnv)
	}
	raw, err := console.UnlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.Stdin, maxSource)) })
	if ctx.Err() != nil {
		err = fmt.Errorf("%w; nothing was changed", context.Cause(ctx))
	}
	return ops.Source{Value: raw, Where: "standard input"}, err
}
