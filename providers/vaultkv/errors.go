package vaultkv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// kinds is the table from Vault's replies to kinds and what to do; the first
// row that fits counts. sure says that a call with such a reply has changed
// nothing; otherwise a change is ErrUnclear.
// Statuses: https://developer.hashicorp.com/vault/api-docs#http-status-codes
var kinds = []struct {
	status int
	says   string // part of the message; "" is any
	kind   error
	sure   bool
	hint   string
}{
	{400, "check-and-set parameter did not match", providers.ErrConflict, true, ""}, // [kv] validateCheckAndSetOption
	{400, "request body too large", providers.ErrTooLarge, true, ""},
	{400, "", providers.ErrUnavailable, true, ""},
	{403, "namespace", providers.ErrDenied, true, "check the store's namespace"},
	{403, "", providers.ErrDenied, true, policyHint},
	{404, "namespace not found", providers.ErrUnsafe, true, "there is no such namespace: check the store's namespace, $VAULT_NAMESPACE and $BAO_NAMESPACE; vault namespace list"}, // OpenBao; [run] 2.7.2
	{404, "no handler for route", providers.ErrUnsafe, true, "there is no such mount: check mount and namespace, or vault secrets enable -path=MOUNT kv-v2"},
	{404, "", providers.ErrUnavailable, true, "that is not Vault's answer: check address"},
	{405, "", providers.ErrUnsafe, true, "the mount has to be KV version 2"},
	{412, "", providers.ErrThrottled, true, ""}, // the node has not seen yet what this process has; Vault Enterprise, eventual consistency
	{413, "", providers.ErrTooLarge, true, ""},
	{429, "", providers.ErrThrottled, true, "a rate limit quota of Vault: vault list sys/quotas/rate-limit"},
	{503, "sealed", providers.ErrUnavailable, true, "vault operator unseal"},
	{503, "active", providers.ErrUnavailable, true, ""}, // http/handler.go respondStandby: "node is not active", "no active Vault instance found"
	{503, "", providers.ErrUnavailable, false, ""},
	{0, "", providers.ErrUnavailable, false, ""},
}

// A refusal is a reply of Vault that is an error. Its words hold no values;
// pages of proxies might echo some, and are not kept.
type refusal struct {
	status int
	words  []string
	lacks  string // what a policy has to say for the call, if that is what it lacks
}

const policyHint = "the token's policy has to say %s; rotate policy prints the whole of it"

func (r *refusal) Error() string {
	said := strings.Join(strings.Fields(strings.Join(r.words, "; ")), " ") // Vault's lists of errors have lines
	if len(said) > 500 {
		said = said[:500] + "…"
	}
	if said == "" {
		return fmt.Sprintf("HTTP %d", r.status)
	}
	return fmt.Sprintf("HTTP %d: %s", r.status, said)
}

// refused makes an error of a reply. changes says that the call, had it
// succeeded, would have changed something.
func refused(r *refusal, changes bool, wait time.Duration) error {
	said := r.Error()
	for _, row := range kinds {
		if row.status != 0 && row.status != r.status || !strings.Contains(said, row.says) {
			continue
		}
		e := &providers.Error{Kind: row.kind, Err: r, Hint: row.hint}
		if changes && !row.sure {
			e.Kind = providers.ErrUnclear
		}
		if row.hint == policyHint {
			e.Hint = fmt.Sprintf(policyHint, r.lacks)
		}
		if row.kind == providers.ErrThrottled {
			e.After = wait
		}
		return e
	}
	panic("unreachable: the last row fits all")
}

// unanswered makes an error of a call without a reply. What failed while
// connecting was never sent.
func unanswered(ctx context.Context, err error, changes bool) error {
	kind, hint := providers.ErrUnavailable, ""
	var dial *net.OpError
	connecting := errors.As(err, &dial) && dial.Op == "dial"
	if strings.Contains(err.Error(), "x509:") || strings.Contains(err.Error(), "tls:") {
		connecting, hint = true, "check the store's tls options: ca_cert, server_name"
	}
	if changes && !connecting {
		kind = providers.ErrUnclear
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &providers.Error{Kind: kind, Err: err, Hint: hint}
}

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}

func conflict(err error) error { return &providers.Error{Kind: providers.ErrConflict, Err: err} }

// ended is the error of a call whose context ended before it was made.
func ended(ctx context.Context) error {
	return &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
}
