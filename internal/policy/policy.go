// Package policy makes of a config the least policies that each role needs, in the
// form that each service takes. What a role needs is told by the adapters, see
// providers.Needer; the forms are here.
package policy

import (
	"cmp"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/providers"
)

// A Policy is all that one role needs in one account, project, vault or namespace.
type Policy struct {
	Role   providers.Role
	Stores []string // of the config, by name; none for files that no store has
	providers.Rights
	To string // who gets it, as the service calls them; "" for the role's own name
}

// Of makes the policies of a role for some keys of a config, or for all where none is
// named. Stores in one place share a policy.
func Of(conf *config.Config, role providers.Role, keys []string) (all []Policy) {
	uses := map[string][]providers.Use{}
	configs := map[string]providers.Config{}
	for name, s := range conf.Stores {
		configs[name] = s.Config
	}
	for _, k := range conf.Keys {
		if len(keys) > 0 && !slices.Contains(keys, k.Name) {
			continue
		}
		for _, p := range placesOf(k, role) {
			id := p.store
			if id == "" { // a file of an output
				id = filesOf + p.folder
				configs[id] = p.config
			}
			uses[id] = append(uses[id], p.use)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(uses)) {
		if needer, ok := configs[id].(providers.Needer); ok {
			all = add(all, role, id, needer.Needs(role, uses[id]))
		}
	}
	if conf.AuditFile != "" && role == providers.Rotator {
		all = add(all, role, filesOf, providers.Rights{Language: providers.SystemdPaths,
			List: []providers.Right{{Name: "Write", Actions: []string{"ReadWritePaths"}, On: []string{filepath.Dir(conf.AuditFile)}}}})
	}
	return all
}

// filesOf begins what stands for the folder of outputs that no store has. It is no
// name of a store.
const filesOf = "/"

// A place is a secret that a role has to do with.
type place struct {
	store, folder string
	config        providers.Config
	use           providers.Use
}

// placesOf is the places of a key. rotate needs all of them. An application that signs
// needs the outputs that have the key, or its keyset where there are none. One that
// verifies needs public keys, where there are such: of a pair it never gets the
// private half.
func placesOf(k config.Key, role providers.Role) []place {
	keyset := place{store: k.Store, use: providers.Use{Secret: k.Secret}}
	var private, public []place
	for _, o := range k.Outputs {
		if o.Format == format.JWKS || o.Format == format.PEM {
			public = append(public, places(o, k)...)
		} else {
			private = append(private, places(o, k)...)
		}
	}
	switch {
	case role == providers.Rotator, role == providers.Auditor:
		return slices.Concat([]place{keyset}, private, public)
	case role == providers.Verifier && !k.Spec.Algorithm.Symmetric():
		return public
	case len(private) > 0:
		return private
	}
	return []place{keyset}
}

// places is the place of an output, and that of the key before where there is one.
func places(o config.Output, k config.Key) []place {
	p := place{store: o.Store, config: o.Config, use: providers.Use{Secret: o.Secret, File: o.Store == "", Workload: o.After.Kubernetes}}
	p.use.Previous = o.Format == format.Value && k.Spec.Algorithm.Symmetric() && !o.KeepsPrevious(k)
	if o.Store == "" {
		p.folder = o.Name
		if l, ok := o.Config.(providers.Locator); ok {
			p.folder = filepath.Dir(l.Where(o.Secret))
		}
	}
	if !o.KeepsPrevious(k) || o.Field != "" {
		return []place{p}
	}
	before := p
	before.use.Secret, before.use.Workload = config.PreviousOf(o.Secret), ""
	return []place{p, before}
}

// Unserved is the keys for which a role gets nothing: pairs whose public half stands
// in no store.
func Unserved(conf *config.Config, role providers.Role, keys []string) (names []string) {
	for _, k := range conf.Keys {
		if (len(keys) == 0 || slices.Contains(keys, k.Name)) && len(placesOf(k, role)) == 0 {
			names = append(names, k.Name)
		}
	}
	return names
}

// add adds a store's rights to the policy of its place.
func add(all []Policy, role providers.Role, store string, r providers.Rights) []Policy {
	if len(r.List) == 0 {
		return all
	}
	same := func(p Policy) bool { return p.Language == r.Language && p.Scope == r.Scope }
	i := slices.IndexFunc(all, same)
	if i < 0 {
		i, all = len(all), append(all, Policy{Role: role, Rights: providers.Rights{Language: r.Language, Scope: r.Scope}})
	}
	if store[:1] != filesOf {
		all[i].Stores = append(all[i].Stores, store)
	}
	for _, right := range r.List {
		all[i].List = join(all[i].List, right)
	}
	return all
}

// join adds a right to one that differs only in what it is about, or beside those of
// its name.
func join(list []providers.Right, r providers.Right) []providers.Right {
	name, same := r.Name, 1
	for i, l := range list {
		if on := l.On; l.Name == r.Name && len(on) > 0 && len(r.On) > 0 {
			l.On = r.On
			if reflect.DeepEqual(l, r) {
				list[i].On = slices.Compact(slices.Sorted(slices.Values(slices.Concat(on, r.On))))
				return list
			}
			l.On = on
		}
		if reflect.DeepEqual(l, r) {
			return list
		}
		if l.Name == r.Name {
			same++
			r.Name = name + strconv.Itoa(same)
		}
	}
	return append(list, r)
}

// Text is the policy as the service takes it.
func (p Policy) Text() string { return forms[p.Language].write(p) }

// Apply is the form in words, and what is done with it.
func (p Policy) Apply() string { return forms[p.Language].apply }

// forms are how each language is written.
var forms = map[providers.Language]struct {
	apply string
	write func(Policy) string
}{
	providers.AWSPolicy:      {"a policy of AWS IAM: aws iam create-policy --policy-document", awsPolicy},
	providers.AzureRole:      {"a role of Azure and its assignments: run by a shell, with IDENTITY and SUBSCRIPTION filled in", azureRole},
	providers.GoogleRole:     {"roles of Google IAM and their bindings: run by a shell", googleRole},
	providers.KubernetesRole: {"RBAC of Kubernetes: kubectl apply -f", kubernetesRole},
	providers.SystemdPaths:   {"a drop-in of a unit of systemd: systemctl edit", systemdPaths},
	providers.VaultPolicy:    {"a policy of Vault or OpenBao: vault policy write", vaultPolicy},
}

// name is what the policy is called.
func (p Policy) name() string {
	if p.Role == providers.Rotator {
		return "rotate"
	}
	return "rotate-" + string(p.Role)
}

// to is who gets it.
func (p Policy) to() string {
	if p.Role == providers.Rotator {
		return cmp.Or(p.To, "rotate")
	}
	return cmp.Or(p.To, string(p.Role))
}
