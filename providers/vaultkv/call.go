package vaultkv

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/keyrotate/rotate/providers"
)

const (
	timeout  = 30 * time.Second // of one call
	maxReply = 4 << 20

	tries       = 3 // of a read that is answered 429 or 412
	longestWait = 10 * time.Second
)

var errTimeout = errors.New("no reply within 30s")

// A change is the body of a call that changes the store.
type change struct{ body any }

// An answer is Vault's reply, a 404 of KV included.
type answer struct {
	status int
	date   time.Time // the service's clock: the Date header; zero where a proxy removed it
	Data   json.RawMessage
	Auth   *struct {
		Token     string `json:"client_token"`
		Seconds   int    `json:"lease_duration"`
		Renewable bool   `json:"renewable"`
		Uses      int    `json:"num_uses"`
	}
	Errors []string

	// Of sys/health and sys/leader.
	Version    string
	Enterprise *bool
	HA         bool `json:"ha_enabled"`
}

// call makes one call with a token that is good. A read for which Vault has no time
// now is made again, as a pass that ends there would come back much later.
func (s *store) call(ctx context.Context, path string, query url.Values, body any) (answer, error) {
	_, changes := body.(change)
	for n := 1; ; n++ {
		a, err := s.once(ctx, path, query, body)
		var e *providers.Error
		if changes || n == tries || !errors.As(err, &e) || e.Kind != providers.ErrThrottled {
			return a, err
		}
		wait := cmp.Or(e.After, time.Duration(n)*time.Second)
		if wait > longestWait {
			return a, err // the scheduler comes back then
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return a, err
		}
	}
}

// once makes one call. It is not repeated, except after a 403, which Vault gives
// before it does anything, with the token of a new login.
func (s *store) once(ctx context.Context, path string, query url.Values, body any) (answer, error) {
	_, changes := body.(change)
	if changes {
		body = body.(change).body
	}
	token, err := s.session.ready(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := send(ctx, s.session.client, path, query, body, changes)
	if errors.Is(err, providers.ErrDenied) && s.session.renounce(ctx, token) {
		if _, err := s.session.ready(ctx); err != nil {
			return answer{}, err
		}
		a, err = send(ctx, s.session.client, path, query, body, changes)
	}
	return a, err
}

// send makes one call: a GET if there is no body.
func send(ctx context.Context, c *api.Client, path string, query url.Values, body any, changes bool) (answer, error) {
	if ctx.Err() != nil {
		return answer{}, ended(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	var resp *api.Response
	var err error
	if body == nil {
		resp, err = c.Logical().ReadRawWithDataWithContext(ctx, path, query)
	} else {
		var text []byte
		if text, err = json.Marshal(body); err == nil {
			resp, err = c.Logical().WriteRawWithContext(ctx, path, text)
		}
	}
	if resp == nil {
		return answer{}, unanswered(ctx, err, changes)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	a.date, _ = http.ParseTime(resp.Header.Get("Date"))
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil && a.status < 300 {
		return answer{}, unanswered(ctx, err, changes)
	}
	readable := len(text) == 0 || json.Unmarshal(text, &a) == nil
	switch {
	case a.status < 300 && readable:
		return a, nil
	case a.status < 300: // a proxy's page, or half a reply
		return answer{}, unanswered(ctx, errors.New("the reply is not Vault's"), changes)
	case a.status == 404 && readable && len(a.Errors) == 0 && (a.Errors != nil || a.Data != nil): // KV: "errors": [] for nothing, "data" for a version that is gone
		return a, nil
	case !readable:
		a.Errors = nil
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return answer{}, refused(&refusal{a.status, a.Errors, lacking(path, query, body)}, changes, time.Duration(seconds)*time.Second)
}

var errNotKV = errors.New("the reply is not one of a KV version 2 mount")

// into decodes the data of a reply; of a 404 without data nothing.
func (a answer) into(v any) error {
	if len(a.Data) == 0 && a.status == 404 {
		return nil
	}
	if len(a.Data) == 0 || json.Unmarshal(a.Data, v) != nil { // its error could quote a value
		return &providers.Error{Kind: providers.ErrUnavailable, Err: errNotKV}
	}
	return nil
}
