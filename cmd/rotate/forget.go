package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (a *app) forgetCommand() *cobra.Command {
	var yes, dryRun bool
	logFormat := logNone
	cmd := &cobra.Command{
		Use:   "forget KEY PLACE",
		Short: "Remove what is left of a key where the config has no output any more",
		Long: `Remove what rotate wrote to a place that the config of a key does not name any more.

PLACE is as status shows it: STORE SECRET, or the path of a file. A file is unlinked; of a
.env file only rotate's variables go. In other stores a text that is no key takes the
value's place, and the values before it are erased as strongly as the store can. What
rotate did not write is left alone. With a value goes the PLACE.previous that belongs to it.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := a.logger(logFormat)
			if err != nil {
				return err
			}
			return a.forget(cmd.Context(), a.engine(auditTo(log)), args[0], args[1], yes, dryRun)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().StringVar(&logFormat, "log-format", logFormat, "text or json: also log what is done to standard error")
	return cmd
}

func (a *app) forget(ctx context.Context, eng *engine.Engine, name, place string, yes, dryRun bool) error {
	keys, err := a.keys(choice{names: []string{name}})
	if err != nil {
		return err
	}
	k := keys[0]
	set, err := a.read(ctx, k)
	if err != nil {
		return err
	}
	place = k.asShown(set, place)
	if k.writes(place) {
		return &usageError{fmt.Sprintf("key %s: the config still has it as an output, and rotate would write it anew", k.Name), "take it out of the config first, and reload the daemons"}
	}
	forms := slices.DeleteFunc(written(set, place), func(o keyset.Output) bool { return k.writes(o.Name) })
	if len(forms) == 0 {
		var known []string
		for _, o := range set.Outputs {
			known = append(known, o.Name)
		}
		return &usageError{fmt.Sprintf("key %s: rotate has written nothing there", k.Name), "it has written to: " + strings.Join(known, "; ")}
	}
	if dryRun {
		_, err = fmt.Fprintf(a.stdout, "%s: dry run, nothing was changed; it would be removed from %s: whatever still reads it there loses the key\n", k.Name, place)
		return err
	}
	notice := answer{text: fmt.Sprintf("key %s is removed from %s: whatever still reads it there loses the key\n", k.Name, place)}
	if err := a.confirm(ctx, notice, yes, fmt.Sprintf("Remove key %s from %s", k.Name, place)); err != nil {
		return err
	}
	a.command(eng, k, "rotate forget "+place)
	for _, o := range forms {
		out, err := a.writtenOutput(ctx, k, o)
		if err != nil {
			return err
		}
		r, err := eng.Forget(ctx, k.Target, out)
		switch {
		case err != nil:
			return err
		case r.Step.Do == rotation.Halt:
			return &haltError{r.Step.Why}
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: removed from %s\n", k.Name, place)
	return err
}

// asShown is the place as status shows it: a file may be named from here, too.
func (k *key) asShown(set *keyset.Set, place string) string {
	if path, err := filepath.Abs(place); err == nil && (k.writes(path) || len(written(set, path)) > 0) {
		return path
	}
	return place
}

// writes reports whether a place is an output of the key.
func (k *key) writes(place string) bool {
	return slices.ContainsFunc(k.Outputs, func(o engine.Output) bool { return o.Name == place })
}

// written is every form in which a place was written, and the secret of the
// previous key that belongs to a value there.
func written(set *keyset.Set, place string) (forms []keyset.Output) {
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
	return forms
}

// writtenOutput makes an output of what the document tells of one.
func (a *app) writtenOutput(ctx context.Context, k *key, o keyset.Output) (engine.Output, error) {
	out := engine.Output{Name: o.Name, Format: o.Format, Variables: o.Variables}
	kind := file.Output{Public: o.Format == string(format.JWKS) || o.Format == string(format.PEM), Variables: o.Variables}
	if filepath.IsAbs(o.Name) {
		// The mode was the config's. What is removed may have any that it could say.
		folder := file.Config{Dir: filepath.Dir(o.Name), Mode: "0644"}
		out.Secret = filepath.Base(o.Name)
		kind.Name = out.Secret
		var err error
		out.Store, err = folder.OpenOutput(ctx, kind)
		return out, err
	}
	store, secret, _ := strings.Cut(o.Name, " ")
	out.Secret = secret
	conf, _, err := a.load()
	if err != nil {
		return out, err
	}
	if s, ok := conf.Stores[store]; ok {
		if own, ok := s.Config.(outputOpener); ok {
			out.Store, err = own.OpenOutput(ctx, kind)
			return out, err
		}
	}
	out.Store, err = k.stores.open(ctx, store)
	return out, err
}
