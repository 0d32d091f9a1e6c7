package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// completeAdopt completes the key and the flags of adopt. What it offers are names:
// of keys, stores, variables and members, never a value.
func (a *App) completeAdopt(cmd *cobra.Command) {
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return a.keyNames(), cobra.ShellCompDirectiveNoFileComp
		case 1:
			return []string{"-"}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	nothing := cobra.FixedCompletions(nil, cobra.ShellCompDirectiveNoFileComp)
	var algorithms []string
	for _, alg := range keyset.Algorithms() {
		algorithms = append(algorithms, string(alg))
	}
	for flag, f := range map[string]cobra.CompletionFunc{
		"from": a.completeFrom, "from-env": completeFromEnv, "kid": nothing, "signs": nothing,
		"algorithm": cobra.FixedCompletions(algorithms, cobra.ShellCompDirectiveNoFileComp),
		"until":     cobra.FixedCompletions([]string{"7d", "30d", "90d", "400d"}, cobra.ShellCompDirectiveNoFileComp),
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
			panic(err) // a test calls each command
		}
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

func (a *App) keyNames() (names []string) {
	for _, k := range a.configured() {
		names = append(names, k.Name)
	}
	return names
}

// completeFrom offers the config's stores, and after a # the members of what was
// named. Else the shell completes files.
func (a *App) completeFrom(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	keys := a.configured()
	if before, _, ok := strings.Cut(typed, "#"); ok {
		return a.members(cmd.Context(), keys, args, before), cobra.ShellCompDirectiveNoFileComp
	}
	if len(keys) == 0 || strings.Contains(typed, ":") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var stores []string
	for name := range keys[0].Stores {
		if strings.HasPrefix(name, typed) {
			stores = append(stores, name+":")
		}
	}
	if len(stores) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return stores, cobra.ShellCompDirectiveNoSpace
}

// members is SOURCE#MEMBER for each member that can be chosen.
func (a *App) members(ctx context.Context, keys []*fleet.Key, args []string, before string) (all []string) {
	if len(args) == 0 {
		return nil
	}
	chosen, err := fleet.Choose(keys, args[:1], false)
	if err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
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
		return nil, cobra.ShellCompDirectiveDefault | cobra.ShellCompDirectiveNoSpace
	}
	data, err := os.ReadFile(typed[:i])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var all []string
	for _, name := range dotenv.Names(data) {
		all = append(all, typed[:i+1]+name)
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
