package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

type adoptOptions struct {
	from, fromEnv  string
	stdin, dryRun  bool
	algorithm, kid string
	logFormat      string
}

func (a *app) adoptCommand() *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt KEY (--from STORE:NAME | --from-env FILE:VAR | -)",
		Short: "Take in a secret that applications use already, without an outage",
		Long: `Take in a secret or PEM key that applications use already. It goes on signing
and verifying unchanged; the schedule replaces it, and its tokens verify until its
grace has ended. A weak one is replaced as soon as possible. It is never printed.`,
		Example: `  rotate adopt auth-jwt --from-env /etc/shop/.env:JWT_SECRET
  rotate adopt auth-jwt --from aws:prod/jwt-secret --dry-run
  cat key.pem | rotate adopt mobile - --kid 2024-03`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.stdin = len(args) == 2 && args[1] == "-"
			if o.from == "-" { // as many other tools have it
				o.from, o.stdin = "", true
			}
			if len(args) == 2 && args[1] != "-" {
				return usage.New("after KEY only - (standard input) may follow", "a secret does not belong on a command line: others on this host see it, and the shell keeps it")
			}
			return a.adopt(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "a value in one of the config's stores: STORE:NAME")
	f.StringVar(&o.fromEnv, "from-env", "", "a variable of a .env file: FILE:VAR")
	f.StringVar(&o.algorithm, "algorithm", "", "what the secret is used with (default the key's algorithm in the config)")
	f.StringVar(&o.kid, "kid", "", "the kid that tokens carry today, if they carry one")
	f.StringVar(&o.logFormat, "log-format", logNone, "text or json: also log what is done to standard error, with one line \"audit\" for every change, as run does")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	return cmd
}

func (a *app) adopt(ctx context.Context, name string, o adoptOptions) error {
	if n := count(o.from != "", o.fromEnv != "", o.stdin); n != 1 {
		return usage.New(fmt.Sprintf("%d sources are named, one is needed", n), "--from STORE:NAME, --from-env FILE:VAR, or - for standard input")
	}
	keys, err := a.keys(choice{names: []string{name}})
	if err != nil {
		return err
	}
	k := keys[0]
	raw, where, err := a.source(ctx, k, o)
	if err != nil {
		return err
	}
	spec := k.Spec
	if o.algorithm != "" {
		if spec.Algorithm, err = algorithmOf(o.algorithm); err != nil {
			return err
		}
	}
	taken, err := keygen.Adopt(spec, raw, o.kid)
	if err != nil {
		return fmt.Errorf("key %s: %s cannot be adopted: %w; nothing was changed", name, where, err)
	}
	for _, note := range taken.Notes {
		a.voice.Note("%s: %s", where, note)
	}
	ans, err := a.adoptKey(ctx, k, taken, o)
	if err != nil {
		return err
	}
	if !o.stdin {
		left := where + " is as it was: remove the value there once every application reads this key from its store"
		if o.isOutput(k) {
			left = where + " is an output of this key: applications go on reading it there, and rotate keeps it up to date"
		}
		ans.text += fmt.Sprintf("  %-8s  %s\n", "left", left)
	}
	if _, err := io.WriteString(a.stdout, ans.text); err != nil {
		return unwritten(err, ans.head)
	}
	if made := cmp.Or(k.Spec.Algorithm, keyset.HS256); made != taken.Key.Alg {
		a.voice.Warn("the adopted key is for %s, but the config makes %s keys: its successor will be one, so set algorithm: %s, or have applications verify both", taken.Key.Alg, made, taken.Key.Alg)
	}
	for _, why := range taken.Weak {
		a.voice.Warn("the adopted key is weak: %s", why)
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

// adoptKey puts the key into its store, or only says that it would.
func (a *app) adoptKey(ctx context.Context, k *fleet.Key, taken keygen.Adoption, o adoptOptions) (answer, error) {
	log, err := a.logger(o.logFormat)
	if err != nil {
		return answer{}, err
	}
	weak := ""
	if len(taken.Weak) > 0 {
		weak = status.WeakAsker
	}
	var r engine.Result
	if o.dryRun {
		r, err = a.wouldAdopt(ctx, k, taken.Key)
	} else {
		h := a.host(log)
		h.Command(k, "rotate adopt")
		r, err = h.Engine().Adopt(ctx, k.Target, taken.Key, weak)
	}
	switch {
	case errors.Is(err, engine.ErrManaged):
		return answer{}, say.Hint(err, "rotate status "+k.Name+" shows it. To begin with another secret, use a new key name, or another `secret:` in the config")
	case err != nil:
		return answer{}, err
	case r.Step.Do == rotation.Halt:
		return answer{}, ops.Halted(k, r.Step.Why)
	}
	return a.tellAdopted(k, r, taken, o), nil
}

// wouldAdopt finds what would keep the key from being adopted.
func (a *app) wouldAdopt(ctx context.Context, k *fleet.Key, taken keyset.Key) (engine.Result, error) {
	r, err := a.host(quiet).Certain(ctx, k, engine.Ask{})
	if err == nil && r.Set != nil && !r.Set.Signing().SameMaterial(taken) {
		err = fmt.Errorf("key %s, store %s: %w: kid %s signs", k.Name, k.StoreName, engine.ErrManaged, r.Set.Signing().Kid)
	}
	return r, err
}

func (a *app) tellAdopted(k *fleet.Key, r engine.Result, taken keygen.Adoption, o adoptOptions) answer {
	t := &sheet{now: a.now(), head: k.Name + ": adopted; it goes on signing, and nothing changes for its readers"}
	signs := taken.Key
	from := t.now
	switch {
	case o.dryRun && r.Set != nil:
		t.head = k.Name + ": dry run, nothing was changed; it was adopted before, and nothing would be"
	case o.dryRun:
		t.head = k.Name + ": dry run, nothing was changed; it would be adopted and go on signing"
	case len(r.Did) == 0:
		t.head = k.Name + ": was adopted before; nothing to do"
	}
	if r.Set != nil {
		signs, from = r.Set.Signing(), r.Set.Signing().NotBefore
	}
	text := fmt.Sprintf("kid %s (%s)", say.Kid(signs.Kid), signs.Alg)
	switch {
	case r.Set == nil && o.kid == "" && signs.Alg.Symmetric():
		text = fmt.Sprintf("a kid that is made then (%s)", signs.Alg)
	case o.kid != "" && o.kid != signs.Kid:
		text += "; its kid stays as it is, whatever --kid says: tokens carry it"
	}
	t.row("signs", text)
	t.row("lives in", k.Place())
	replaced := "at once: the next pass publishes a next key, and this one verifies for " + rotation.Duration(k.Policy.Grace).String() + " after it signs"
	if r.Set != nil {
		if next, ok := r.Set.Next(); ok {
			replaced = fmt.Sprintf("by kid %s, which is next already; this one verifies for %s after it signs", say.Kid(next.Kid), rotation.Duration(k.Policy.Grace))
		}
	}
	if len(taken.Weak) == 0 {
		replaced = "never: the schedule does not fire"
		if due := k.Policy.Due(from); !due.IsZero() {
			replaced = fmt.Sprintf("at %s; then it verifies for %s more", say.When(t.now, due), rotation.Duration(k.Policy.Grace).String())
		}
	}
	t.row("replaced", replaced)
	t.row("who", doers)
	return t.answer("")
}

// isOutput reports whether the source is a place that rotate itself writes the
// key to from now on.
func (o adoptOptions) isOutput(k *fleet.Key) bool {
	place := strings.Replace(o.from, ":", " ", 1)
	if i := strings.LastIndex(o.fromEnv, ":"); i > 0 {
		if path, err := filepath.Abs(o.fromEnv[:i]); err == nil {
			place = path
		}
	}
	return k.Writes(place)
}

// source reads the value from the one place that was named, and says which.
func (a *app) source(ctx context.Context, k *fleet.Key, o adoptOptions) (raw []byte, where string, err error) {
	switch {
	case o.stdin:
		raw, err = unlessInterrupted(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.stdin, maxSource)) })
		if ctx.Err() != nil {
			err = fmt.Errorf("%w; nothing was changed", context.Cause(ctx))
		}
		return raw, "standard input", err
	case o.fromEnv != "":
		return envSource(o.fromEnv)
	}
	return a.storeSource(ctx, k, o.from)
}

// maxSource is more than any secret that can be adopted.
const maxSource = 1 << 20

func envSource(from string) ([]byte, string, error) {
	i := strings.LastIndex(from, ":")
	if i < 1 || i == len(from)-1 {
		return nil, "", usage.New("--from-env: not of the form FILE:VAR")
	}
	file, name := from[:i], from[i+1:]
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, "", notRead(file, err)
	}
	value, err := dotenv.Lookup(data, name)
	var line *dotenv.Error
	switch {
	case errors.As(err, &line):
		return nil, "", fmt.Errorf("%s:%w; nothing was changed", file, err)
	case errors.Is(err, dotenv.ErrMissing):
		return nil, "", fmt.Errorf("%s: %w: %s", file, dotenv.ErrMissing, shownVariable(name))
	case err != nil:
		return nil, "", usage.New("--from-env: what follows the last colon is not the name of a variable")
	}
	return value.Reveal(), fmt.Sprintf("%s of %s", name, file), nil
}

// notRead is an error on a file that may be a secret: one with a colon in it, say.
func notRead(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w; nothing was changed", usage.Quote(file, "the file that --from-env names"), err)
}

// shownVariable is shown for the names of variables.
func shownVariable(name string) string {
	if len(name) <= 24 || strings.Count(name, "_") > 1 && strings.ToUpper(name) == name && len(name) <= 40 {
		return name
	}
	return "the one given"
}

func (a *app) storeSource(ctx context.Context, k *fleet.Key, from string) ([]byte, string, error) {
	store, name, ok := strings.Cut(from, ":")
	if !ok || store == "" || name == "" {
		return nil, "", usage.New("--from: not of the form STORE:NAME", "a file of variables is --from-env FILE:VAR; standard input is -, as in: rotate adopt KEY - < key.pem")
	}
	if store == k.StoreName && name == k.Secret {
		return nil, "", usage.New(
			fmt.Sprintf("--from %s: that is where key %s is to live, and nothing is overwritten there", from, k.Name),
			"give the key another `secret:` in the config; applications move over to it",
		)
	}
	s, err := k.Stores.Open(ctx, store)
	if err != nil {
		return nil, "", err
	}
	rev, err := s.Read(ctx, name)
	if err != nil {
		return nil, "", fmt.Errorf("key %s: store %s: %w; nothing was changed", k.Name, store, err)
	}
	value := rev.Value.Reveal()
	if set, err := keyset.Parse(bytes.TrimSpace(value)); err == nil {
		return nil, "", fmt.Errorf("key %s: %s holds a keyset of rotate already, of key %s; nothing was changed", k.Name, from, set.Name)
	}
	return value, from, nil
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
