package vaultkv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyrotate/rotate/providers"
)

// A session keeps the client's token good. It looks at the clock whenever a
// call is about to be made, and not in between, so there is nothing to stop.
//
// A token is renewed after two thirds of its life. Near its maximum TTL, 32
// days unless set otherwise, renewals get shorter: then, and when a renewal is
// refused, the session logs in again.
// https://developer.hashicorp.com/vault/docs/concepts/tokens
type session struct {
	auth   Auth
	via    http.RoundTripper // of calls to a cloud; nil is the usual one
	client *api.Client       // with the token
	anon   *api.Client       // without, for logins
	turn   chan struct{}

	grant
	since time.Time
	full  time.Duration // of the token when it was new
	used  int           // calls that it was given out for
}

// A grant is a token and how long it is good.
type grant struct {
	token     string
	life      time.Duration // 0 is for ever
	renewable bool
	uses      int // that are left when it is new; 0 is any number
}

// young is the age below which a refused token is not replaced: what it may not
// do, the next one may not either.
const young = time.Minute

// fewUses is how many calls of a token with a number of them (token_num_uses) are not
// begun with: several may be under way at once, and each token is refused after its
// last one.
const fewUses = 2

func newSession(auth Auth, via http.RoundTripper, client, anon *api.Client) *session {
	return &session{auth: auth, via: via, client: client, anon: anon, turn: make(chan struct{}, 1)}
}

// ready makes sure that the client's token is good for one call, and returns it.
func (s *session) ready(ctx context.Context) (string, error) {
	if err := s.lock(ctx); err != nil {
		return "", err
	}
	defer s.unlock()
	if err := s.refresh(ctx); err != nil {
		return "", err
	}
	s.used++
	return s.token, nil
}

// refresh renews or replaces the token if it is time. The token's last uses are kept
// for calls that began before.
func (s *session) refresh(ctx context.Context) error {
	age := time.Since(s.since)
	good := s.token != "" && (s.life == 0 || age < s.life) && (s.uses == 0 || s.used < s.uses)
	spare := fewUses
	if s.auth.Method == "token" {
		spare = 0 // there is no other
	}
	fresh := s.uses == 0 || s.used+spare < s.uses
	if good && fresh && (s.life == 0 || age < s.life*2/3) {
		return nil
	}
	if good && fresh && s.renewable {
		s.used++
		g, err := s.renew(ctx)
		if err == nil &&
			// guard incident 25: a token near its last day is not renewed but replaced
			(g.life >= s.full/2 || s.auth.Method == "token") {
			s.grant, s.since = g, time.Now()
			return nil
		}
	}
	g, err := s.login(ctx)
	switch {
	case err == nil:
		s.full = g.life
		s.take(g)
	case !good:
		return err
	}
	return nil
}

// renounce gives up a token that was refused, if another may do better.
func (s *session) renounce(ctx context.Context, refused string) bool {
	if s.lock(ctx) != nil {
		return false
	}
	defer s.unlock()
	if s.token == refused && time.Since(s.since) < young {
		return false
	}
	if s.token == refused {
		s.token = ""
	}
	return true
}

func (s *session) take(g grant) {
	s.grant, s.since, s.used = g, time.Now(), 0
	s.client.SetToken(g.token)
}

func (s *session) renew(ctx context.Context) (grant, error) {
	a, err := send(ctx, s.client, "auth/token/renew-self", nil, struct{}{}, false)
	if err != nil || a.Auth == nil {
		return grant{}, errors.Join(errors.New("no renewal"), err)
	}
	return grant{s.token, time.Duration(a.Auth.Seconds) * time.Second, a.Auth.Renewable, s.uses}, nil
}

// login gets a token by the method that the config names.
func (s *session) login(ctx context.Context) (grant, error) {
	prove := methods[s.auth.Method].proof
	if prove == nil {
		return s.lookup(ctx)
	}
	body, err := prove(ctx, s)
	if err != nil {
		return grant{}, err
	}
	a, err := send(ctx, s.anon, s.auth.path(), nil, body, false)
	if err != nil {
		return grant{}, denied(err, fmt.Sprintf("the %s login was refused: check the role and what the store's auth options name", s.auth.Method))
	}
	if a.Auth == nil || a.Auth.Token == "" {
		return grant{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the login's reply has no token")}
	}
	return grant{a.Auth.Token, time.Duration(a.Auth.Seconds) * time.Second, a.Auth.Renewable, a.Auth.Uses}, nil
}

// lookup takes the token that it is given, and asks how long it is good.
func (s *session) lookup(ctx context.Context) (grant, error) {
	token, err := credential(s.auth.TokenFile, "VAULT_TOKEN", "auth.token_file")
	if err != nil {
		return grant{}, err
	}
	s.client.SetToken(token)
	a, err := send(ctx, s.client, "auth/token/lookup-self", nil, nil, false)
	if err != nil {
		return grant{}, denied(err, "the token has ended, is not of this Vault, or may not look itself up (path \"auth/token/lookup-self\" { capabilities = [\"read\"] }): give rotate a new one; with another auth.method it gets its own")
	}
	var d struct {
		Seconds   int  `json:"ttl"`
		Renewable bool `json:"renewable"`
		Uses      int  `json:"num_uses"` // that are left
	}
	if json.Unmarshal(a.Data, &d) != nil {
		return grant{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the reply to lookup-self is not Vault's")}
	}
	return grant{token, time.Duration(d.Seconds) * time.Second, d.Renewable, d.Uses}, nil
}

// denied words the refusal of a login. Vault says 400 to a wrong secret id and
// 403 to a wrong JWT or token. A namespace that does not exist is something else.
func denied(err error, hint string) error {
	var r *refusal
	if errors.As(err, &r) && (r.status == 400 || r.status == 403) {
		return &providers.Error{Kind: providers.ErrDenied, Err: r, Hint: hint}
	}
	return err
}

func (s *session) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

func (s *session) unlock() { <-s.turn }
