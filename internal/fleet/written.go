package fleet

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Writes reports whether a place is an output of the key.
func (k *Key) Writes(place string) bool {
	return slices.ContainsFunc(k.Outputs, func(o engine.Output) bool { return o.Name == place })
}

// ForEveryone reports whether every user of the host is meant to read an output.
func (k *Key) ForEveryone(place string) bool { return k.everyone[place] }

// OnDisk reports whether the key's keyset is a file of this host, which can be read
// without a call.
func (k *Key) OnDisk() bool { return k.own[k.StoreName] != nil }

// PublicOnly reports whether an output shows no private key.
func (k *Key) PublicOnly(place string) bool {
	return slices.ContainsFunc(k.Outputs, func(o engine.Output) bool { return o.Name == place && public(format.Format(o.Format)) })
}

// Written is every form in which a place was written that is no output any more,
// and the secret of the previous key that belongs to a value there.
func (k *Key) Written(set *keyset.Set, place string) (forms []keyset.Output) {
	value := false
	for _, o := range set.Outputs {
		if o.Name == place {
			forms = append(forms, o)
			value = value || o.Format == string(format.Value)
		}
	}
	if previous := config.PreviousOf(place); value {
		for _, o := range set.Outputs {
			if o.Name == previous && o.Format == string(format.Value) {
				forms = append(forms, o)
			}
		}
	}
	return slices.DeleteFunc(forms, func(o keyset.Output) bool { return k.Writes(o.Name) })
}

// AsShown is a place as status shows it: a file may be named from the working
// directory, too.
func (k *Key) AsShown(set *keyset.Set, place string) string {
	path, err := filepath.Abs(place)
	if err == nil && (k.Writes(path) || slices.ContainsFunc(set.Outputs, func(o keyset.Output) bool { return o.Name == path })) {
		return path
	}
	return place
}

// OpenWritten makes an output of what the document tells of one.
func (k *Key) OpenWritten(ctx context.Context, o keyset.Output) (engine.Output, error) {
	out := engine.Output{Name: o.Name, Format: o.Format, Variables: o.Variables}
	kind := providers.Rendering{Public: public(format.Format(o.Format)), Variables: o.Variables}
	var own providers.OutputOpener
	name, err := "", error(nil)
	if filepath.IsAbs(o.Name) {
		// The mode was the config's. What is removed may have any that it could say.
		own = file.Config{Dir: filepath.Dir(o.Name), Mode: "0644"}
		out.Secret = filepath.Base(o.Name)
		kind.Name = out.Secret
	} else {
		name, out.Secret, _ = strings.Cut(o.Name, " ")
		own = k.own[name]
	}
	if own != nil {
		out.Store, err = stores.NewLazy("file", func(ctx context.Context) (providers.Store, error) {
			return own.OpenOutput(ctx, kind)
		}).Open(ctx)
		return out, err
	}
	secret, field, one := strings.Cut(out.Secret, "#")
	if keeper, ok := k.fields[name]; ok && one {
		out.Secret, out.Store = secret, partStore(nil, keeper, []string{field}, providers.Marks{})
		return out, nil
	} else if ok && len(o.Variables) > 0 {
		out.Store = partStore(nil, keeper, o.Variables, providers.Marks{})
		return out, nil
	}
	out.Store, err = k.Stores.Open(ctx, name)
	return out, err
}
