package fleet

import "github.com/keyrotate/rotate/internal/config"

// Places is which secrets the keys of a config have. Two stores of a config may be one
// place (see config.Config.Place), so a secret is looked up by where it is.
type Places struct {
	names         map[string]bool      // of all keys
	keys, outputs map[[2]string]string // by place, the key's name
	place         func(store, secret string) [2]string
}

// placesOf finds the places of a config's keys.
func placesOf(conf *config.Config) *Places {
	p := &Places{names: map[string]bool{}, keys: map[[2]string]string{}, outputs: map[[2]string]string{}, place: conf.Place}
	for _, k := range conf.Keys {
		p.names[k.Name] = true
		p.keys[p.place(k.Store, k.Secret)] = k.Name
		for _, o := range k.Outputs {
			if o.Store == "" {
				continue
			}
			p.outputs[p.place(o.Store, o.Secret)] = k.Name
			if o.KeepsPrevious(k) {
				p.outputs[p.place(o.Store, config.PreviousOf(o.Secret))] = k.Name
			}
		}
	}
	return p
}

// HasKey implements engine.Census.
func (p *Places) HasKey(name string) bool { return p.names[name] }

// HasKeyset implements engine.Census.
func (p *Places) HasKeyset(store, secret string) bool { return p.Key(store, secret) != "" }

// Key is the key whose keyset is kept in a secret; "" if the config names none.
func (p *Places) Key(store, secret string) string { return p.keys[p.place(store, secret)] }

// Output is the key that has an output in a secret; "" if the config names none.
func (p *Places) Output(store, secret string) string { return p.outputs[p.place(store, secret)] }
