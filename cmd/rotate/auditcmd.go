package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
)

func (a *app) auditCommand() *cobra.Command {
	var output, file string
	cmd := &cobra.Command{
		Use:   "audit KEY",
		Short: "Show dated evidence of the life of each kid of a key, up to its deletion",
		Long: `Show what can be proven of the life of each kid of a key: when it was made,
began to sign, stopped to verify and was deleted, how strongly, and who did it.

The evidence is the stored document, and the audit file where the config names one
(audit: {file: …}). What each of them is worth stands at the end. -o json has the form
rotate/audit/v1. Nothing is changed, and no key material is shown.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.evidence(cmd.Context(), args[0], output, file)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&file, "file", "", "an audit file to read instead of the config's: one that was moved away, or another host's")
	return cmd
}

func (a *app) evidence(ctx context.Context, name, output, file string) error {
	write, ok := map[string]func(io.Writer, audit.Report) error{
		"text": func(w io.Writer, r audit.Report) error { return r.Text(w) },
		"json": func(w io.Writer, r audit.Report) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			e.SetEscapeHTML(false)
			return e.Encode(r)
		},
	}[output]
	if !ok {
		return usage.New("-o: the output is text or json")
	}
	keys, err := a.keys(choice{names: []string{name}})
	if err != nil {
		return err
	}
	f, err := a.evidenceOf(ctx, keys[0], file)
	if err != nil {
		return err
	}
	if err := write(a.stdout, audit.New(f)); err != nil {
		return fmt.Errorf("the answer could not be written: %w", err)
	}
	return attention(f.Attention())
}

// evidenceOf reads the document and the audit file. One that is not there yet
// has no events; one that was named has to be there.
func (a *app) evidenceOf(ctx context.Context, k *fleet.Key, file string) (audit.Facts, error) {
	seen := a.look(ctx, a.host(quiet).Look(), k)
	f := audit.Facts{
		Now: a.now(), Set: seen.Result.Set, Traces: seen.Traces, Late: seen.Late + k.Policy.Skew(), Remains: k.Store.Traits().Remains,
		Key:  audit.Report{Key: k.Name, Environment: k.Environment, Store: k.StoreName, Secret: k.Secret},
		Path: a.trail.Path(),
	}
	switch {
	case seen.Err != nil:
		f.Problem = say.Error(seen.Err).String()
	case f.Set == nil:
		f.Problem = say.Step(seen.Result.Step, k.Subject())
	}
	if file != "" {
		f.Path = file
	}
	if f.Path == "" {
		return f, nil
	}
	var err error
	f.Events, f.Spoilt, err = audit.Read(f.Path, k.Name, k.StoreName, k.Secret)
	if file == "" && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return f, err
}
