package vaultkv

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
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
	client *api.Client // with the token
	anon   *api.Client // without, for logins
	turn   chan struct{}

	grant
	since time.Time
	full  time.Duration // of the token when it was new
}

// A grant is a token and how long it is good.
type grant struct {
	token     string
	life      time.Duration // 0 is for ever
	renewable bool
}

// young is the age below which a refused token is not replaced: what it may not
// do, the next one may not either.
const young = time.Minute

func newSession(auth Auth, client, anon *api.Client) *session {
	return &session{auth: auth, client: client, anon: anon, turn: make(chan struct{}, 1)}
}

// ready makes sure that the client's token is good, and returns it.
func (s *session) ready(ctx context.Context) (string, error) {
	if err := s.lock(ctx); err != nil {
		return "", err
	}
	defer s.unlock()
	age := time.Since(s.since)
	good := s.token != "" && (s.life == 0 || age < s.life)
	if good && (s.life == 0 || age < s.life*2/3) {
		return s.token, nil
	}
	if good && s.renewable {
		g, err := s.renew(ctx)
		if err == nil &&
			// guard incident 25: a token near its last day is not renewed but replaced
			(g.life >= s.full/2 || s.auth.Method == "token") {
			s.take(g)
			return s.token, nil
		}
	}
	g, err := s.login(ctx)
	switch {
	case err == nil:
		s.full = g.life
		s.take(g)
	case !good:
		return "", err
	}
	return s.token, nil
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
	s.grant, s.since = g, time.Now()
	s.client.SetToken(g.token)
}

func (s *session) renew(ctx context.Context) (grant, error) {
	a, err := send(ctx, s.client, "auth/token/renew-self", nil, struct{}{}, false)
	if err != nil || a.Auth == nil {
		return grant{}, errors.Join(errors.New("no renewal"), err)
	}
	return grant{s.token, time.Duration(a.Auth.Seconds) * time.Second, a.Auth.Renewable}, nil
}

// login gets a token by the method that the config names.
func (s *session) login(ctx context.Context) (grant, error) {
	var body map[string]string
	switch s.auth.Method {
	case "approle":
		id, err := credential(s.auth.SecretIDFile, "VAULT_SECRET_ID", "auth.secret_id_file")
		if err != nil {
			return grant{}, err
		}
		body = map[string]string{"role_id": s.auth.RoleID, "secret_id": id}
	case "kubernetes":
		jwt, err := credential(s.auth.JWTFile, "", "auth.jwt_file")
		if err != nil {
			return grant{}, err
		}
		body = map[string]string{"role": s.auth.Role, "jwt": jwt}
	default:
		return s.lookup(ctx)
	}
	a, err := send(ctx, s.anon, "auth/"+cmp.Or(s.auth.Mount, s.auth.Method)+"/login", nil, body, false)
	if err != nil {
		return grant{}, denied(err, fmt.Sprintf("the %s login was refused: check the role and what the store's auth options name", s.auth.Method))
	}
	if a.Auth == nil || a.Auth.Token == "" {
		return grant{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the login's reply has no token")}
	}
	return grant{a.Auth.Token, time.Duration(a.Auth.Seconds) * time.Second, a.Auth.Renewable}, nil
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
		return grant{}, denied(err, "the token has ended or is not of this Vault: give rotate a new one; with approle or kubernetes it gets its own")
	}
	var d struct {
		Seconds   int  `json:"ttl"`
		Renewable bool `json:"renewable"`
	}
	if json.Unmarshal(a.Data, &d) != nil {
		return grant{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the reply to lookup-self is not Vault's")}
	}
	return grant{token, time.Duration(d.Seconds) * time.Second, d.Renewable}, nil
}

// denied words the refusal of a login. Vault says 400 to a wrong secret id and
// 403 to a wrong JWT or token.
func denied(err error, hint string) error {
	var r *refusal
	if errors.As(err, &r) && (r.status == 400 || r.status == 403) {
		return &providers.Error{Kind: providers.ErrDenied, Err: r, Hint: hint}
	}
	return err
}

// credential reads what proves who we are: at each login, because others
// replace it.
func credential(file, env, option string) (string, error) {
	if file == "" {
		if v := os.Getenv(env); v != "" {
			return v, nil
		}
		return "", &providers.Error{Kind: providers.ErrDenied, Err: fmt.Errorf("neither %s nor $%s is set", option, env)}
	}
	text, err := os.ReadFile(file)
	if v := strings.TrimSpace(string(text)); err == nil && v != "" && !strings.ContainsAny(v, "\r\n") {
		return v, nil
	}
	return "", &providers.Error{Kind: providers.ErrDenied, Err: errors.Join(fmt.Errorf("%s names no file with one line", option), err), Hint: "it has to hold the credential and nothing else"}
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
