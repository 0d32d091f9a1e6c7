package config

import (
	"slices"

	"github.com/keyrotate/rotate/internal/strictyaml"
)

// A wasSection is what a key was called before.
type wasSection struct {
	Name strictyaml.Option[string] `yaml:"name" doc:"The name that the key had; its secret has to stay where it was."`
}

// was takes in the earlier names of a key: none of them is a key of this config.
func (r *resolver) was(k *Key, s keySection) {
	if s.Was.Bad {
		return
	}
	for _, w := range s.Was.Value {
		name, at := w.Name.Value, r.blame(s.Was.At, w.Name.At)
		_, taken := r.doc.Keys[name]
		switch {
		case w.Name.Bad:
		case !w.Name.At.Known():
			r.Fail(at, "such as: was: [{name: OLD}]", "has no name")
		case !nameRule().MatchString(name):
			r.Fail(at, nameHint, "is not a name")
		case taken:
			r.Fail(at, "take the old key out of the config, or this name out of was", "a key of this config has this name")
		case slices.Contains(k.Was, name):
			r.Fail(at, "name it once", "stands there twice")
		default:
			k.Was = append(k.Was, name)
		}
	}
	if len(k.Was) > 0 && !s.Secret.At.Known() && !s.Secret.Bad {
		r.Fail(s.Was.At, "set secret: to the one that the key had: <environment>-<its old name>, unless the old key set another",
			"needs secret:, as the keyset stays where it was: by the new name alone the key would be made anew")
	}
}
