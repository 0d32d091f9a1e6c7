package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (a *app) getCommand() *cobra.Command {
	o := getOptions{format: string(format.Value)}
	cmd := &cobra.Command{
		Use:   "get [KEY]",
		Short: "Print a key's secrets, as applications read them",
		Long: `Print a key's secrets to standard output, from the store.

  value   the key that signs
  env     three variables: current, next, previous
  list    a JSON array of all keys: the first signs, all verify; for key pairs
          it begins with the private key, so it is not for verifiers
  jwks    the public keys as a JWK Set
  pem     the public keys as PEM
  keyset  the keyset, for any JOSE library

env has room for one previous key. After a second rotation within the grace there are two,
and the older one is only in list, jwks, pem and keyset; get says so. Of key pairs, only
current is ever private in env.`,
		Example: `  rotate get auth-jwt --format env > .env
  rotate get mobile --format env --env-name MOBILE_KEY >> .env    MOBILE_KEY, MOBILE_KEY_NEXT, MOBILE_KEY_PREVIOUS`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.get(cmd.Context(), args, o) },
	}
	cmd.Flags().StringVar(&o.format, "format", o.format, "value, env, list, jwks, pem or keyset")
	cmd.Flags().StringVar(&o.envName, "env-name", "", "of the first variable of env; the others have _NEXT and _PREVIOUS after it (default JWT_SECRET)")
	return cmd
}

// getOptions are the flags of get.
type getOptions struct{ format, envName string }

func (a *app) get(ctx context.Context, names []string, o getOptions) error {
	f, err := format.Parse(o.format)
	switch {
	case err != nil:
		return usage.New("--format: "+usage.Quote(o.format, "what was given")+" is an unknown format", "known are "+strings.Trim(fmt.Sprint(format.All()), "[]"))
	case o.envName != "" && f != format.Env:
		return usage.New("--env-name is for --format env")
	case o.envName != "" && !format.IsVariable(o.envName):
		return usage.New("--env-name: a variable's name has letters, digits and _ only, and begins with no digit")
	}
	keys, err := a.keys(choice{names: names})
	if err != nil {
		return err
	}
	set, err := a.read(ctx, keys[0])
	if err != nil {
		return err
	}
	text, err := f.Render(set, format.Options{Current: o.envName})
	if errors.Is(err, format.ErrNoPublic) {
		return &usage.Error{Msg: fmt.Sprintf("key %s: %v", keys[0].Name, err)}
	} else if err != nil {
		return fmt.Errorf("key %s: %w", keys[0].Name, err)
	}
	now := a.now()
	if hidden := keys[0].Outlook(set).Hidden(now, time.Time{}); f == format.Env && len(hidden.Keys) > 0 {
		a.voice.Warn("key %s: %s", keys[0].Name, say.Hidden(hidden, say.From(now)))
	}
	secret := f != format.JWKS && f != format.PEM
	return a.print(text.Reveal(), secret)
}

// read takes a keyset from its store. What an output remembers counts: a key that
// was revoked since then is in no answer.
func (a *app) read(ctx context.Context, k *fleet.Key) (*keyset.Set, error) {
	r, err := a.host(quiet).Certain(ctx, k, engine.Ask{})
	switch {
	case err != nil:
		return nil, err
	case r.Set == nil:
		return nil, say.Hint(fmt.Errorf("key %s, store %s: there is no keyset yet", k.Name, k.StoreName), "rotate now "+k.Name+" makes the first key")
	}
	return r.Set, nil
}

// print writes material, with a line end where it has none and a person or a
// shell's $(…) reads it; neither minds.
func (a *app) print(material []byte, secret bool) error {
	if secret && a.isTerminal(a.stdout) {
		a.voice.Warn("what follows is a secret: it is now in this terminal's scrollback")
	}
	if n := len(material); n == 0 || material[n-1] != '\n' {
		material = append(material, '\n')
	}
	if _, err := a.stdout.Write(material); err != nil {
		return fmt.Errorf("the answer could not be written: %w", err)
	}
	return nil
}
