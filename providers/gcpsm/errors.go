package gcpsm

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keyrotate/rotate/providers"
)

// slowDown is how long to wait where the service does not say: its quotas are
// counted by the minute.
const slowDown = 30 * time.Second

// permissions is what each call needs.
// https://docs.cloud.google.com/secret-manager/docs/access-control
var permissions = map[string]string{
	"CreateSecret":         "secretmanager.secrets.create",
	"GetSecret":            "secretmanager.secrets.get",
	"UpdateSecret":         "secretmanager.secrets.update",
	"ListSecretVersions":   "secretmanager.versions.list",
	"GetSecretVersion":     "secretmanager.versions.get",
	"AddSecretVersion":     "secretmanager.versions.add",
	"AccessSecretVersion":  "secretmanager.versions.access",
	"DestroySecretVersion": "secretmanager.versions.destroy",
}

// listRight is what a person needs who calls `rotate list`. rotate itself does not.
const listRight = "secretmanager.secrets.list"

// table is from the service's codes to kinds and what to do. What is not in it
// says nothing about whether the call was made: a write is unclear then.
// https://docs.cloud.google.com/apis/design/errors
var table = map[codes.Code]struct {
	kind error
	hint string
}{
	codes.NotFound:           {providers.ErrNotFound, ""},
	codes.AlreadyExists:      {providers.ErrConflict, ""},
	codes.PermissionDenied:   {providers.ErrDenied, "allow rotate's service account %s; docs/providers/gcpsm.md has the whole role"},
	codes.Unauthenticated:    {providers.ErrDenied, "renew the credentials of rotate's surroundings: gcloud auth application-default login, or the service account of the pod or machine"},
	codes.ResourceExhausted:  {providers.ErrThrottled, "a quota of the project is used up: gcloud alpha services quota list --service=secretmanager.googleapis.com"},
	codes.InvalidArgument:    {providers.ErrUnsafe, "look at the store's project, location, locations, kms_keys and labels"},
	codes.OutOfRange:         {providers.ErrUnsafe, ""},
	codes.Unimplemented:      {providers.ErrUnsafe, "this is not Secret Manager: look at endpoint"},
	codes.FailedPrecondition: {providers.ErrUnavailable, kmsHint},
}

const (
	kmsHint    = "if a KMS key is named: gcloud kms keys versions enable, and allow the project's Secret Manager service agent roles/cloudkms.cryptoKeyEncrypterDecrypter. Applications keep what they have"
	enableHint = "gcloud secrets versions enable %d --secret=%s, unless it is destroyed; if a KMS key is named, enable that"
)

// failed makes an *providers.Error of an error of a call. A write that may have
// reached the service and was not refused by it is unclear.
func failed(ctx context.Context, call string, err error, write bool) error {
	e := &providers.Error{Kind: providers.ErrUnavailable, Err: err}
	st := status.Convert(err)
	row, known := table[st.Code()]
	switch {
	case known:
		e.Kind, e.Hint = row.kind, row.hint
	case write:
		e.Kind = providers.ErrUnclear
	}
	permission := cmp.Or(permissions[call], map[string]string{"GetIamPolicy": policyRight}[call], listRight)
	e.After = 0
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.RetryInfo:
			e.After = d.GetRetryDelay().AsDuration()
		case *errdetails.ErrorInfo: // may name another one, such as that of KMS
			if p := d.GetMetadata()["permission"]; p != "" {
				permission = p
			}
		}
	}
	switch e.Kind {
	case providers.ErrThrottled:
		if e.After <= 0 {
			e.After = slowDown
		}
	default:
		e.After = 0
	}
	if st.Code() == codes.PermissionDenied {
		e.Hint = fmt.Sprintf(e.Hint, permission)
	}
	if ctx.Err() != nil {
		e.Err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return e
}

// ended is the error of a context that ended before anything was called.
func ended(ctx context.Context) error {
	return &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
}

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}

func unreadable(name string, n int64, err error) error {
	return &providers.Error{Kind: providers.ErrUnreadable, Err: err, Hint: fmt.Sprintf(enableHint, n, name)}
}

func conflict() error { return &providers.Error{Kind: providers.ErrConflict} }
