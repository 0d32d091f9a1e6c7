package awssm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/keyrotate/rotate/providers"
)

// slowDown is how long to wait where the service does not say: its quotas are
// counted by the second.
const slowDown = 5 * time.Second

// table is from the service's error codes to kinds and what to do. Codes are in
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html#API_PutSecretValue_Errors
// and .../CommonErrors.html
var table = map[string]struct {
	kind error
	hint string
}{
	"ResourceNotFoundException": {providers.ErrNotFound, ""},
	"ResourceExistsException":   {providers.ErrConflict, ""},
	"InvalidRequestException":   {providers.ErrUnreadable, "if it is scheduled for deletion: aws secretsmanager restore-secret"},
	"InvalidParameterException": {providers.ErrUnsafe, "look at the store's kms_key, tags and replicas"},
	"ValidationException":       {providers.ErrUnsafe, "look at the store's kms_key, tags and replicas"},
	"LimitExceededException":    {providers.ErrThrottled, "a quota of the account or the secret is used up: aws service-quotas list-service-quotas --service-code secretsmanager"},

	// The service calls both faults of the client. A person can mend them, and nothing is lost until then.
	"DecryptionFailure": {providers.ErrUnreadable, kmsHint},
	"EncryptionFailure": {providers.ErrUnavailable, kmsHint},

	"AccessDeniedException":       {providers.ErrDenied, "allow rotate's role what is named there; docs/providers/awssm.md has the whole policy. Where it names KMS, allow kms:Decrypt and kms:GenerateDataKey on the secret's key"},
	"AccessDenied":                {providers.ErrDenied, "where it names sts:AssumeRole, the role has to trust the identity that rotate runs as"},
	"NotAuthorized":               {providers.ErrDenied, "allow rotate's role what docs/providers/awssm.md lists"},
	"OptInRequired":               {providers.ErrDenied, "the account has not enabled this region"},
	"UnrecognizedClientException": {providers.ErrDenied, credentialsHint},
	"InvalidClientTokenId":        {providers.ErrDenied, credentialsHint},
	"MissingAuthenticationToken":  {providers.ErrDenied, credentialsHint},
	"IncompleteSignature":         {providers.ErrDenied, credentialsHint},
	"ExpiredTokenException":       {providers.ErrDenied, credentialsHint},
	"InvalidSignatureException":   {providers.ErrDenied, "the credentials are wrong, or this host's clock is: AWS takes no signature older than 5 minutes"},
	"RequestExpired":              {providers.ErrDenied, "look at this host's clock"},

	"ThrottlingException":      {providers.ErrThrottled, ""},
	"Throttling":               {providers.ErrThrottled, ""},
	"ThrottledException":       {providers.ErrThrottled, ""},
	"TooManyRequestsException": {providers.ErrThrottled, ""},
	"RequestLimitExceeded":     {providers.ErrThrottled, ""},
	"RequestThrottled":         {providers.ErrThrottled, ""},
}

const (
	kmsHint         = "the secret's KMS key is disabled, pending deletion or out of reach: aws kms describe-key, then aws kms enable-key or cancel-key-deletion. Applications keep what they have"
	credentialsHint = "renew the credentials of rotate's surroundings: aws sts get-caller-identity tells whose they are" // #nosec G101 -- a hint
)

// failed makes an *providers.Error of an error of a call. A write is unclear if it may have reached the service and
// the service did not refuse it.
func failed(ctx context.Context, err error, write bool) error {
	e := &providers.Error{Kind: providers.ErrUnavailable, Err: err}
	var api smithy.APIError
	var reply *awshttp.ResponseError
	var send *smithyhttp.RequestSendError
	var garbled *smithy.DeserializationError
	status := 0
	if errors.As(err, &reply) {
		status = reply.HTTPStatusCode()
	}
	switch {
	case errors.As(err, &api) && status < 500:
		row, known := table[api.ErrorCode()]
		switch e.Kind, e.Hint = row.kind, row.hint; {
		case known:
		case status == http.StatusTooManyRequests:
			e.Kind = providers.ErrThrottled
		case status == http.StatusForbidden, status == http.StatusUnauthorized:
			e.Kind = providers.ErrDenied
		default:
			e.Kind = providers.ErrUnavailable
		}
	case write && (ctx.Err() != nil || status >= 500 || errors.As(err, &send) || errors.As(err, &garbled)):
		e.Kind = providers.ErrUnclear
	case errors.As(err, &send), status > 0, ctx.Err() != nil:
	default: // it was not even sent
		e.Hint = "rotate takes its credentials from the environment, a profile, or the role of its pod, container or instance"
	}
	if e.Kind == providers.ErrThrottled {
		e.After = slowDown
		if reply != nil {
			if n, err := strconv.Atoi(reply.Response.Header.Get("Retry-After")); err == nil && n > 0 {
				e.After = time.Duration(n) * time.Second
			}
		}
	}
	switch {
	case ctx.Err() != nil && err == nil:
		e.Err = context.Cause(ctx)
	case ctx.Err() != nil:
		e.Err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return e
}

// refused tells whether the service says that a label is not where the request says, or not any more:
// InvalidParameterException, or ResourceNotFoundException where the version itself is gone.
func refused(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "InvalidParameterException" || api.ErrorCode() == "ResourceNotFoundException")
}

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}

func conflict() error { return &providers.Error{Kind: providers.ErrConflict} }
