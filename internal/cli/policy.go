package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/policy"
	"github.com/keyrotate/rotate/internal/say/answer"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/providers"
)

type policyOptions struct{ role, store, to, output string }

func policyCommand(a *App) *cobra.Command {
	var o policyOptions
	cmd := help("policy", &cobra.Command{
		RunE: func(_ *cobra.Command, args []string) error { return a.policy(args, o) },
	})
	f := cmd.Flags()
	f.StringVar(&o.role, "role", string(providers.Rotator), "rotator, signer, verifier or auditor")
	f.StringVar(&o.store, "store", "", "only the policy that this store needs")
	f.StringVar(&o.to, "to", "", "who gets it: a service account, NAME or NAMESPACE/NAME, a member, an object id (default the role's name)")
	a.outputFlag(cmd, &o.output, "text", "json")
	completeFlag(cmd, "role", strs(providers.Roles()))
	registerCompletion(cmd, "store", a.completeStore)
	return cmd
}

func (a *App) policy(names []string, o policyOptions) error {
	role := providers.Role(o.role)
	if !slices.Contains(providers.Roles(), role) {
		return usage.New("--role: the role is rotator, signer, verifier or auditor")
	}
	conf, _, err := a.load()
	if err != nil {
		return err
	}
	keys := fleet.Of(conf, nil)
	if keys, err = fleet.Match(keys, names); err != nil {
		return err
	}
	if o.store != "" {
		if _, err := keys[0].Stores.Find(o.store); err != nil {
			return err
		}
	}
	names = nil
	for _, k := range keys {
		names = append(names, k.Name)
	}
	var all []policy.Policy
	for _, p := range policy.Of(conf, role, names) {
		if p.To = o.to; o.store == "" || slices.Contains(p.Stores, o.store) {
			all = append(all, p)
		}
	}
	r := policy.ReportOf(role, all, policy.Unserved(conf, role, names))
	if o.output == "json" {
		return answer.JSON(a.Stdout, r)
	}
	for _, name := range r.Unserved {
		a.console.Voice.Note("%s: its public half stands in no store. Give it an output of the format jwks or pem, or let the application ask the daemon for /.well-known/jwks.json", name)
	}
	return a.console.Write(r.Words())
}
