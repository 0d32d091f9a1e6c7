package azurekv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/keyrotate/rotate/providers"
)

// slowDown is how long to wait where the service does not say: it counts calls
// in windows of 10 s, https://learn.microsoft.com/azure/key-vault/general/service-limits
const slowDown = 10 * time.Second

// table is from the service's error codes to kinds and what to do. A code is the inner one where there is one: the
// outer one of all refusals is Forbidden, of all clashes Conflict. Microsoft's documents list no codes. The service
// was seen to send these. Any other code counts by its status.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
var table = map[string]struct {
	kind error
	hint string
}{
	"SecretNotFound": {providers.ErrNotFound, ""},
	"SecretDisabled": {providers.ErrUnreadable, "az keyvault secret set-attributes --enabled true"},

	"Forbidden":             {providers.ErrDenied, "give rotate's identity the role that docs/providers/azurekv.md lists, on the vault"}, // without an inner code
	"ForbiddenByRbac":       {providers.ErrDenied, "give rotate's identity the role that docs/providers/azurekv.md lists, on the vault; a new assignment takes some minutes to count"},
	"AccessDenied":          {providers.ErrDenied, "the vault has access policies: az keyvault set-policy --secret-permissions get list set"},
	"ForbiddenByPolicy":     {providers.ErrDenied, "the vault has access policies: az keyvault set-policy --secret-permissions get list set"},
	"ForbiddenByFirewall":   {providers.ErrDenied, "the vault's firewall does not know this address: az keyvault network-rule add, or a private endpoint"},
	"ForbiddenByConnection": {providers.ErrDenied, "the vault takes calls from its private endpoint alone: look at what its name resolves to here"},
	"Unauthorized":          {providers.ErrDenied, credentialsHint},

	"ObjectIsDeletedButRecoverable": {providers.ErrUnreadable, "az keyvault secret recover"},
	"ObjectIsBeingDeleted":          {providers.ErrUnreadable, "once that is done: az keyvault secret recover"},
	"ObjectIsBeingRecovered":        {providers.ErrUnavailable, ""},
	"Conflict":                      {providers.ErrConflict, ""}, // two at once: azure-sdk-for-net#51761

	"Throttled":    {providers.ErrThrottled, ""},
	"BadParameter": {providers.ErrUnsafe, apiHint},
}

var statuses = map[int]error{
	http.StatusUnauthorized: providers.ErrDenied, http.StatusForbidden: providers.ErrDenied, http.StatusNotFound: providers.ErrNotFound,
	http.StatusConflict: providers.ErrConflict, http.StatusRequestEntityTooLarge: providers.ErrTooLarge, http.StatusTooManyRequests: providers.ErrThrottled,
}

const apiHint = "look at the store's api_version and tags: the vault may not have the version that rotate asks for, 2026-04-01 unless api_version says another; 7.4 is the one that most have"

const credentialsHint = "rotate takes its credentials from AZURE_… variables, a workload or managed identity, or az login: az account get-access-token --resource https://vault.azure.net tells whether there are any"

// A refusal is what the service says. rotate tells it from others by its code alone.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.code, r.message) }

func isCode(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// refused reads a reply that is a refusal.
func refused(reply *azcore.ResponseError) *refusal {
	r := &refusal{status: reply.StatusCode, code: reply.ErrorCode, message: http.StatusText(reply.StatusCode)}
	var body struct {
		Error struct {
			Message    string
			InnerError struct{ Code string }
		}
	}
	if reply.RawResponse == nil {
		return r
	}
	text, err := runtime.Payload(reply.RawResponse)
	if err != nil || json.Unmarshal(text, &body) != nil {
		return r
	}
	if body.Error.InnerError.Code != "" {
		r.code = body.Error.InnerError.Code
	}
	if body.Error.Message != "" {
		r.message = fmt.Sprintf("%.300s", body.Error.Message)
	}
	return r
}

// failed makes an *providers.Error of an error of a call. A write that may have
// reached the service and was not refused by it is unclear.
func failed(ctx context.Context, err error, write bool) error {
	e := &providers.Error{Kind: providers.ErrUnavailable, Err: err}
	var reply *azcore.ResponseError
	var login *azidentity.AuthenticationFailedError
	var unsent interface{ NonRetriable() } // what the SDK says before it sends anything
	switch {
	case errors.As(err, &login) && (login.RawResponse == nil || login.RawResponse.StatusCode >= 500):
		e.Hint = credentialsHint
	case errors.As(err, &reply):
		r := refused(reply)
		e.Err = r
		row, known := table[r.code]
		switch {
		case r.status >= 500 || r.status == http.StatusRequestTimeout:
			if write {
				e.Kind = providers.ErrUnclear
			}
		case known:
			e.Kind, e.Hint = row.kind, row.hint
		case statuses[r.status] != nil:
			e.Kind = statuses[r.status]
		case r.status == http.StatusBadRequest:
			e.Hint = apiHint
		}
		if e.Kind == providers.ErrThrottled {
			e.After = slowDown
			if n, err := strconv.Atoi(reply.RawResponse.Header.Get("Retry-After")); err == nil && n > 0 {
				e.After = time.Duration(n) * time.Second
			}
		}
	case errors.As(err, &unsent):
		e.Kind, e.Hint = providers.ErrDenied, credentialsHint
	case write:
		e.Kind = providers.ErrUnclear
	}
	switch {
	case ctx.Err() != nil && err == nil:
		e.Err = context.Cause(ctx)
	case ctx.Err() != nil:
		e.Err = fmt.Errorf("%w: %w", context.Cause(ctx), e.Err)
	}
	return e
}

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}
