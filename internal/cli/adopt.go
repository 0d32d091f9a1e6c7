package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

type adoptOptions struct {
	changes
	from, fromEnv         string
	input                 string // "" or what stands for standard input: - or -#FIELD
	algorithm, kid, signs string
	until, passphraseFile string
	asIs                  bool
}

func adoptCommand(a *App) *cobra.Command {
	var o adoptOptions
	cmd := help("adopt", &cobra.Command{
		Args: counted(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				if o.input = args[1]; o.input != "-" {
					return usage.New("after KEY only - (standard input) may follow", "a secret does not belong on a command line: others on this host see it, and the shell keeps it")
				}
			}
			if o.from == "-" || strings.HasPrefix(o.from, "-#") {
				o.from, o.input = "", o.from
			}
			return adopt(cmd.Context(), a, args[0], o)
		},
	})
	o.flags(cmd, false)
	a.documented(cmd, changesDocument(form.Adopt, &o.dryRun))
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "a secret in one of the config's stores: STORE:NAME or STORE:NAME#FIELD; a file: FILE or FILE#FIELD; or standard input: - or -#FIELD")
	f.StringVar(&o.fromEnv, "from-env", "", "a variable of a .env file: FILE:VAR")
	f.StringVar(&o.algorithm, "algorithm", "", "what the secret is used with (default the key's algorithm in the config)")
	f.StringVar(&o.kid, "kid", "", "the kid that tokens carry today, if they carry one")
	f.StringVar(&o.signs, "signs", "", "of a JWK Set with several private keys, the kid of the one that signs")
	f.StringVar(&o.until, "until", "", "how long the keys that do not sign go on verifying, such as 30d; 400d at most (default the grace)")
	f.BoolVar(&o.asIs, "as-is", false, "take the text as it stands, whatever it looks like")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", passphraseUsage)
	return cmd
}

func adopt(ctx context.Context, a *App, name string, o adoptOptions) error {
	sources := 0
	for _, named := range []bool{o.from != "", o.fromEnv != "", o.input != ""} {
		if named {
			sources++
		}
	}
	if sources != 1 {
		return usage.New(fmt.Sprintf("%d sources are named, one is needed", sources), "--from STORE:NAME, --from FILE, --from-env FILE:VAR, or - for standard input")
	}
	as, err := a.adoptAs(ctx, o)
	if err != nil {
		return err
	}
	h, all, err := a.work(nil, true, o.log)
	if err != nil {
		return err
	}
	keys, err := fleet.Choose(all, []string{name}, false)
	if err != nil {
		return err
	}
	k := keys[0]
	source, err := a.source(ctx, k, o)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(all), func(other *fleet.Key) bool { return other == k })
	adopted, err := h.Adopt(ctx, k, others, source, as)
	if adopted != nil {
		for _, note := range answer.AdoptedNotes(adopted) {
			a.console.Voice.Note("%s: %s", source.Where, note)
		}
	}
	if err != nil {
		return err
	}
	v := console.Verdict{Console: a.console}
	v.Add(k, answer.Adopted(a.Now(), adopted), nil)
	for _, warning := range answer.AdoptedWarnings(adopted) {
		a.console.Voice.Warn("%s", warning)
	}
	return v.Err()
}

// adoptAs is the flags as package ops takes them.
func (a *App) adoptAs(ctx context.Context, o adoptOptions) (as ops.AdoptOptions, err error) {
	as = ops.AdoptOptions{Kid: o.kid, Signs: o.signs, AsIs: o.asIs, DryRun: o.dryRun, Passphrase: a.passphrase(ctx, o.passphraseFile, o.input != "")}
	if o.algorithm != "" {
		if as.Algorithm, err = algorithmOf(o.algorithm); err != nil {
			return as, err
		}
	}
	if o.until != "" {
		if as.Verify, err = strictyaml.ParseDuration(o.until); err != nil || as.Verify == 0 || as.Verify > keyset.MaxUntil {
			return as, usage.New("--until: "+usage.Name(o.until, "what was given")+" is not a time from now of at most 400d", "such as 30d, 12h or 2w: how long tokens that the older keys signed may still come")
		}
	}
	return as, nil
}

// algorithmOf is the value of a flag --algorithm.
func algorithmOf(text string) (keyset.Algorithm, error) {
	alg, err := keyset.ParseAlgorithm(text)
	if err != nil {
		return "", usage.New("--algorithm: "+usage.Name(text, "what was given")+" is not known", "known are "+strings.Trim(fmt.Sprint(keyset.Algorithms()), "[]"))
	}
	return alg, nil
}

// maxSource is more than any secret that can be adopted.
const maxSource = 1<<20 + 1

// source reads from the one place that was named.
func (a *App) source(ctx context.Context, k *fleet.Key, o adoptOptions) (ops.Source, error) {
	switch {
	case o.from != "":
		return ops.From(ctx, k, o.from)
	case o.fromEnv != "":
		return ops.FromEnv(ctx, k, o.fromEnv)
	}
	raw, err := console.UnlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.Stdin, maxSource)) })
	if ctx.Err() != nil {
		err = fmt.Errorf("%w; nothing was changed", context.Cause(ctx))
	}
	_, field, _ := strings.Cut(o.input, "#")
	return ops.FromInput(raw, field), err
}

// passphraseUsage is the help of --passphrase-file.
const passphraseUsage = "a file with the passphrase of an encrypted private key (default: ask on a terminal)"

// passphrase is how the passphrase of an encrypted key is found: in the file that
// was named, or by asking, and that once. It is nil where there is no one to ask.
// input tells that standard input has the key.
func (a *App) passphrase(ctx context.Context, file string, input bool) func() (secret.Text, error) {
	switch {
	case file != "":
		return func() (secret.Text, error) {
			text, err := os.ReadFile(file)
			if err != nil {
				return secret.Text{}, fmt.Errorf("--passphrase-file: %w", err)
			}
			return secret.New([]byte(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))), nil
		}
	case !input && a.IsTerminal(a.Stdin) && a.IsTerminal(a.Stderr):
		return sync.OnceValues(func() (secret.Text, error) {
			fmt.Fprint(a.console.Voice, "Passphrase of the private key: ")
			text, err := a.Password(ctx, a.Stdin)
			fmt.Fprintln(a.console.Voice)
			return secret.New(text), err
		})
	}
	return nil
}
