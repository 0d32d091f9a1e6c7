package cli

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyrotate/rotate/internal/console"
	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// What Tab offers are names: of keys, kids, stores, files, variables and members. It
// is never a value, and never more than a store tells in completionPatience.

// completionPatience bounds how long a Tab waits for a store.
const completionPatience = 3 * time.Second

const (
	noFiles = cobra.ShellCompDirectiveNoFileComp
	files   = cobra.ShellCompDirectiveDefault
)

// complete gives every command and every flag what Tab offers for it. Where nothing
// fits it offers nothing, and files only where a file is wanted.
func (a *App) complete(root *cobra.Command) {
	arguments := map[string]cobra.CompletionFunc{
		"now": a.completeKeys, "status": a.completeKeys, "plan": a.completeKeys, "audit": a.completeKeys, "run": a.completeKeys, "policy": a.completeKeys, "inventory": a.completeKeys,
		"get": a.completeKey, "accept": a.completeKey, "pause": a.completeKey, "resume": a.completeKey, "remove": a.completeKey, "list": atMost(1, a.completeStore),
		"revoke": a.afterKey(a.kids), "forget": a.afterKey(leftPlaces),
		"adopt": a.afterKey(func(context.Context, *fleet.Key, *keyset.Set) []string { return []string{"-"} }),
		"check": a.completeSource,
		"inspect": atMost(1, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"-"}, files
		}),
		"validate": atMost(1, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return nil, files }),
	}
	values := flagValues()
	for _, cmd := range root.Commands() {
		cmd.ValidArgsFunction = arguments[cmd.Name()]
		if cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, done := cmd.GetFlagCompletionFunc(f.Name); !done && f.Value.Type() != "bool" {
				registerCompletion(cmd, f.Name, a.flagCompletion(cmd, f.Name, values[f.Name]))
			}
		})
	}
}

// flagValues is what flags take, or usually take, by name.
func flagValues() map[string][]string {
	return map[string][]string{
		"algorithm": strs(keyset.Algorithms()), "encoding": strs([]keyset.Encoding{keyset.Base64URL, keyset.Base64, keyset.Hex}),
		"format": strs(format.All()), "bits": {"2048", "3072", "4096"},
		"log-format": {"text", "json", console.LogAuto, console.LogNone}, "until": {"7d", "30d", "90d", "400d"},
	}
}

// flagCompletion is what a flag of a command takes; values, if it takes only some.
func (a *App) flagCompletion(cmd *cobra.Command, flag string, values []string) cobra.CompletionFunc {
	switch {
	case values != nil:
		return cobra.FixedCompletions(values, noFiles)
	case flag == "from":
		return a.completeFrom
	case flag == "from-env":
		return completeFromEnv
	case flag == "kid" && cmd.Name() == "now", flag == "revoke":
		return a.flagKids
	case flag == "file", flag == "env", flag == "passphrase-file":
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return nil, files }
	}
	return cobra.NoFileCompletions
}

// completeFlag offers fixed values of a flag.
func completeFlag(cmd *cobra.Command, flag string, values []string) {
	registerCompletion(cmd, flag, cobra.FixedCompletions(values, noFiles))
}

func registerCompletion(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the flag is there, and has none yet
	}
}

func strs[T ~string](all []T) (texts []string) {
	for _, s := range all {
		texts = append(texts, string(s))
	}
	return texts
}

// atMost offers something for the first arguments only.
func atMost(n int, f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, noFiles
		}
		return f(cmd, args, typed)
	}
}

// configured is the keys of the config; none if it cannot be read.
func (a *App) configured() []*fleet.Key {
	conf, _, err := a.load()
	if err != nil {
		return nil
	}
	return fleet.Of(conf, nil)
}

// completeStore offers the stores of the config.
func (a *App) completeStore(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	if keys := a.configured(); len(keys) > 0 {
		return slices.Sorted(maps.Keys(keys[0].Stores)), noFiles
	}
	return nil, noFiles
}

// completeKeys offers the keys that are not named yet.
func (a *App) completeKeys(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	for _, k := range a.configured() {
		if !slices.Contains(args, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names, noFiles
}

func (a *App) completeKey(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return atMost(1, a.completeKeys)(cmd, args, typed)
}

// afterKey offers a key, and after it what follows from the key and its keyset,
// which is nil if it cannot be read.
func (a *App) afterKey(follows func(context.Context, *fleet.Key, *keyset.Set) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return a.completeKeys(cmd, args, typed)
		}
		return a.ofKey(cmd, args, follows), noFiles
	}
}

// ofKey is what follows from the key that was named, or from the only one.
func (a *App) ofKey(cmd *cobra.Command, args []string, follows func(context.Context, *fleet.Key, *keyset.Set) []string) []string {
	h, keys, err := a.look(args[:min(1, len(args))], false)
	if err != nil {
		return nil
	}
	ctx, cancel := patient(cmd)
	defer cancel()
	set, err := h.Keyset(ctx, keys[0])
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(follows(ctx, keys[0], set), func(s string) bool { return slices.Contains(args, s) })
}

func patient(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, completionPatience)
}

// kids is the live kids, with what each does.
func (a *App) kids(_ context.Context, _ *fleet.Key, set *keyset.Set) (all []string) {
	for _, k := range set.Keys {
		all = append(all, cobra.CompletionWithDesc(k.Kid, string(k.Status)))
	}
	return all
}

func (a *App) flagKids(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.ofKey(cmd, args, a.kids), noFiles
}

// leftPlaces is where rotate wrote the key, and where no output is any more.
func leftPlaces(_ context.Context, k *fleet.Key, set *keyset.Set) (places []string) {
	for _, o := range set.Outputs {
		if !k.Writes(o.Name) {
			places = append(places, o.Name)
		}
	}
	return places
}

// completeFrom offers the config's stores, and after a # the members of what was
// named. Else the shell completes files.
func (a *App) completeFrom(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	keys := a.configured()
	if before, _, ok := strings.Cut(typed, "#"); ok {
		return members(cmd, keys, args, before), noFiles
	}
	if len(keys) == 0 || strings.Contains(typed, ":") {
		return nil, files
	}
	var stores []string
	for name := range keys[0].Stores {
		if strings.HasPrefix(name, typed) {
			stores = append(stores, name+":")
		}
	}
	if len(stores) == 0 {
		return nil, files
	}
	return stores, cobra.ShellCompDirectiveNoSpace
}

// members is SOURCE#MEMBER for each member that can be chosen.
func members(cmd *cobra.Command, keys []*fleet.Key, args []string, before string) (all []string) {
	if len(args) == 0 {
		return nil
	}
	chosen, err := fleet.Choose(keys, args[:1], false)
	if err != nil {
		return nil
	}
	ctx, cancel := patient(cmd)
	defer cancel()
	src, err := ops.From(ctx, chosen[0], before)
	if err != nil {
		return nil
	}
	for _, m := range intake.Members(src.Read) {
		if m.Kind != "object" {
			all = append(all, before+"#"+m.Name)
		}
	}
	return all
}

// completeFromEnv offers the variables of a file once its name and a colon stand
// there. Else the shell completes files.
func completeFromEnv(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	i := strings.LastIndex(typed, ":")
	if i < 1 {
		return nil, files | cobra.ShellCompDirectiveNoSpace
	}
	data, err := os.ReadFile(typed[:i])
	if err != nil {
		return nil, noFiles
	}
	var all []string
	for _, name := range dotenv.Names(data) {
		all = append(all, typed[:i+1]+name)
	}
	return all, noFiles
}

// completeSource offers what a source of check can be: files, stores, and after # the
// variables or members of what was named.
func (a *App) completeSource(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before, _, part := strings.Cut(typed, "#")
	switch {
	case cmd.Flags().Changed("git"):
		return nil, cobra.ShellCompDirectiveFilterDirs
	case cmd.Flags().Changed("reuse"):
		return nil, files
	case !part:
		return a.completeFrom(cmd, nil, typed)
	}
	ctx, cancel := patient(cmd)
	defer cancel()
	s, err := (&ops.Checker{Keys: a.configured(), Stdin: func() ([]byte, error) { return nil, nil }}).Read(ctx, before)
	if err != nil {
		return nil, noFiles
	}
	var all []string
	for _, name := range s.Parts() {
		all = append(all, before+"#"+name)
	}
	return all, noFiles
}
