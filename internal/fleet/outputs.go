package fleet

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// outputs makes the engine's outputs of a key. Each has a store of its own
// where its kind has them, else it shares the config's.
func outputs(k config.Key, opened Stores) (all []engine.Output) {
	for _, o := range k.Outputs {
		store := providers.Store(opened[o.Store])
		if own, ok := o.Config.(providers.OutputOpener); ok {
			store = ownStore(own, o)
		}
		if keeper, ok := o.Config.(providers.FieldKeeper); ok {
			store = partStore(store, keeper, fieldsOf(o), o.Marks)
		}
		f, options := o.Format, o.Options
		next, previous := f.Carries(options)
		out := engine.Output{
			Name: o.Name, Store: store, Secret: o.Secret, CarriesNext: next, OneKey: !next && !previous,
			Render: func(s *keyset.Set) (secret.Text, error) { return f.Render(s, options) },
			Format: string(f), Adopted: adopted(o), After: afterOf(k, o, o.Name),
		}
		if f == format.Env {
			out.Variables = options.Names()
		}
		all = append(all, out)
		if o.KeepsPrevious(k) {
			all = append(all, previousOf(k, o, out))
		}
	}
	return all
}

// wayOf is how readers of an output are made to read it; nil if they do so by
// themselves.
func wayOf(o config.Output) *after.Way {
	cluster, _ := o.Config.(providers.Roller)
	return o.After.Way(cluster)
}

// afterOf is the same for the engine. name is that of the output, or of its second
// secret.
func afterOf(k config.Key, o config.Output, name string) func(context.Context, string) error {
	way := wayOf(o)
	if way == nil {
		return nil
	}
	return func(ctx context.Context, revision string) error {
		return way.Wake(ctx, after.Change{Key: k.Name, Output: name, Revision: revision})
	}
}

// previousOf is the second secret of a value, where nothing remains of the one
// that was replaced. It is never empty: without a previous key it repeats the
// current one. Its readers are made to read it as those of the value are.
func previousOf(k config.Key, o config.Output, value engine.Output) engine.Output {
	value.Name = config.PreviousOf(value.Name)
	if keeper, ok := o.Config.(providers.FieldKeeper); ok && o.Field != "" {
		value.Store = partStore(value.Store, keeper, []string{config.PreviousOf(o.Field)}, o.Marks)
	} else {
		value.Secret = config.PreviousOf(value.Secret)
	}
	if own, ok := o.Config.(providers.OutputOpener); ok && o.Store == "" {
		o.Secret = value.Secret
		value.Store = ownStore(own, o)
	}
	value.Adopted, value.OneKey, value.After = nil, false, afterOf(k, o, value.Name)
	value.Render = func(s *keyset.Set) (secret.Text, error) {
		if p := s.Previous(); len(p) > 0 {
			return p[0].Text(), nil
		}
		return s.Signing().Text(), nil
	}
	return value
}

// ownStore is the store of one output whose kind treats renderings otherwise than
// keysets.
func ownStore(own providers.OutputOpener, o config.Output) *stores.Lazy {
	return stores.NewLazy("file", func(ctx context.Context) (providers.Store, error) {
		return own.OpenOutput(ctx, rendering(o))
	})
}

// fieldsOf is the fields of a secret that an output has; nil if it has all of it.
func fieldsOf(o config.Output) []string {
	switch {
	case o.Field != "":
		return []string{o.Field}
	case o.Format == format.Env:
		return o.Options.Names()
	}
	return nil
}

// partStore is the store of an output that has only some fields of a secret, or marks
// of its own; the one of whole secrets if it has neither.
func partStore(whole providers.Store, keeper providers.FieldKeeper, fields []string, m providers.Marks) providers.Store {
	if len(fields) == 0 && len(m.Labels) == 0 && len(m.Annotations) == 0 {
		return whole
	}
	return stores.NewLazy("part", func(ctx context.Context) (providers.Store, error) { return keeper.OpenPart(ctx, fields, m) })
}

// rendering is what such a store has to know.
func rendering(o config.Output) providers.Rendering {
	out := providers.Rendering{Public: public(o.Format)}
	if o.Store == "" {
		out.Name = o.Secret
		if o.Format == format.Env {
			out.Variables = o.Options.Names()
		}
	}
	return out
}

// public reports whether a format shows no private key.
func public(f format.Format) bool { return f == format.JWKS || f == format.PEM }

// hangsOn names what an output may hang on: a file by its path hangs on its own
// folder, and readers that are slow to read hold up nothing but their key.
func hangsOn(o config.Output) []string {
	places := []string{cmp.Or(o.Store, o.Name)}
	if wayOf(o) != nil {
		places = append(places, "after "+o.Name)
	}
	return places
}

// adopted tells how a value that rotate did not write is found to be the
// current key: the key itself, or a .env in which that is what the first
// variable holds, and the others hold nothing else.
func adopted(o config.Output) func(*keyset.Set, secret.Text) bool {
	switch o.Format {
	case format.Value:
		return func(s *keyset.Set, v secret.Text) bool {
			return s.Signing().Text().Equal(secret.New(bytes.TrimRight(v.Reveal(), "\r\n")))
		}
	case format.Env:
		return func(s *keyset.Set, v secret.Text) bool { return adoptedEnv(s, v, o.Options.Names()) }
	}
	return nil
}

func adoptedEnv(s *keyset.Set, v secret.Text, names []string) bool {
	set, err := dotenv.Find(v.Reveal(), names...)
	if err != nil {
		return false
	}
	texts := []secret.Text{s.Signing().Text()}
	for _, k := range s.Keys {
		texts = append(texts, k.Text())
	}
	current := false
	for _, a := range set {
		live := texts
		if a.Name == names[0] {
			current, live = true, texts[:1]
		}
		if !slices.ContainsFunc(live, func(t secret.Text) bool { return t.Equal(a.Value) }) {
			return false
		}
	}
	return current
}
