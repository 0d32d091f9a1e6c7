package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
)

func (a *app) validateCommand() *cobra.Command {
	var try bool
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the config and, with --probe, that its stores can be read and written",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.validate(cmd.Context(), try) },
	}
	cmd.Flags().BoolVar(&try, "probe", false, "also read and write each store, changing nothing")
	return cmd
}

func (a *app) validate(ctx context.Context, try bool) error {
	conf, path, err := a.load()
	if err != nil {
		return err
	}
	keys := fleet.Of(conf, nil)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: OK; environment %s, %s, %s\n", path, conf.Environment, say.Plural(len(keys), "key"), say.Plural(len(conf.Stores), "store"))
	for _, k := range keys {
		b.WriteString(a.keyLine(k))
	}
	for _, note := range conf.Notes {
		fmt.Fprintf(&b, "  note: %s\n", note)
	}
	if _, err := io.WriteString(a.stdout, b.String()); err != nil {
		return fmt.Errorf("the answer could not be written: %w", err)
	}
	for _, w := range conf.Warnings {
		a.voice.Warn("%s", w)
	}
	if !try {
		return attention(len(conf.Warnings) > 0)
	}
	return a.probeAll(ctx, conf, keys)
}

// keyLine says what the config makes of a key.
func (a *app) keyLine(k *fleet.Key) string {
	p := k.Policy
	due := "never rotated"
	if t := p.Due(a.now()); !t.IsZero() {
		due = "a key made now is replaced at " + say.When(a.now(), t)
	}
	tokens := "" // of the others the config's notes speak
	if p.TokenTTL > 0 {
		tokens = fmt.Sprintf(", tokens of %s (%s would fit)", rotation.Duration(p.TokenTTL), rotation.Duration(p.LongestToken()))
	}
	return fmt.Sprintf("  %s (%s): %s; grace %s, propagation %s%s; %s\n", k.Name, k.Spec.Algorithm, due,
		rotation.Duration(p.Grace), rotation.Duration(p.Propagation), tokens, k.Place())
}

// probeAll tries every store, and says what each erases.
func (a *app) probeAll(ctx context.Context, conf *config.Config, keys []*fleet.Key) error {
	failed := false
	known, opened := fleet.Stores{}, map[string]providers.Store{}
	if len(keys) > 0 {
		known = keys[0].Stores
	}
	for _, name := range slices.Sorted(maps.Keys(conf.Stores)) {
		s, err := known.Open(ctx, name)
		if err == nil {
			if err = probe(ctx, s, a.newID()); err != nil {
				err = fmt.Errorf("store %s: %w", name, err)
			}
		}
		if err != nil {
			failed = true
			a.voice.Error(err)
			continue
		}
		opened[name] = s
		text := fmt.Sprintf("  store %s: reads and writes; what is gone is %s\n", name, s.Traits().Erases)
		for _, note := range s.Traits().Notes {
			text += "    note: " + note + "\n"
		}
		if _, err := io.WriteString(a.stdout, text); err != nil {
			return err
		}
	}
	for _, k := range keys {
		for _, o := range k.Outputs {
			own, ok := o.Store.(*stores.Lazy)
			if !ok || slices.Contains(slices.Collect(maps.Values(known)), own) {
				continue // probed above
			}
			s, err := own.Open(ctx)
			if err == nil {
				err = probe(ctx, s, a.newID())
			}
			if err == nil { // a file that is there has to be one that rotate takes
				if _, err = s.Read(ctx, o.Secret); errors.Is(err, providers.ErrNotFound) {
					err = nil
				}
			}
			if err != nil {
				failed = true
				a.voice.Error(fmt.Errorf("key %s, output %s: %w", k.Name, o.Name, err))
				continue
			}
			if _, err := fmt.Fprintf(a.stdout, "  output %s: its folder reads and writes\n", o.Name); err != nil {
				return err
			}
		}
	}
	excessive, lacking := a.survey(ctx, keys, opened)
	if failed || lacking {
		return errTold
	}
	return attention(len(conf.Warnings) > 0 || excessive)
}

func attention(needed bool) error {
	if needed {
		return errAttention
	}
	return nil
}
