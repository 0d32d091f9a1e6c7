package kubernetes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/keyrotate/rotate/providers"
)

// kinds is the table from the API server's reasons to kinds and what to do; the
// first row that fits counts. sure says that a call with such a reply has
// changed nothing; otherwise a change is ErrUnclear.
// Reasons: k8s.io/apimachinery pkg/apis/meta/v1 StatusReason.
var kinds = []struct {
	reason metav1.StatusReason
	says   string // part of the message; "" is any
	kind   error
	sure   bool
	hint   string
}{
	{"", "denied the request", providers.ErrDenied, true, "an admission policy of the cluster refused it"}, // a webhook; its reason may be any
	{"", "denied request", providers.ErrDenied, true, "an admission policy of the cluster refused it"},     // a ValidatingAdmissionPolicy
	{metav1.StatusReasonNotFound, "namespaces ", providers.ErrUnavailable, true, "there is no such namespace: check the store's namespace"},
	{metav1.StatusReasonNotFound, "secrets ", providers.ErrNotFound, true, ""},
	{metav1.StatusReasonNotFound, "configmaps ", providers.ErrNotFound, true, ""},
	{metav1.StatusReasonConflict, "resourcequotas", providers.ErrThrottled, true, ""}, // somebody else's use of the quota was counted in between
	{metav1.StatusReasonConflict, "", providers.ErrConflict, true, ""},
	{metav1.StatusReasonAlreadyExists, "", providers.ErrConflict, true, ""},
	{metav1.StatusReasonForbidden, "exceeded quota", providers.ErrDenied, true, "the namespace's ResourceQuota is used up: kubectl describe quota"},
	{metav1.StatusReasonForbidden, "being terminated", providers.ErrDenied, true, "the namespace is being deleted"},
	{metav1.StatusReasonForbidden, "", providers.ErrDenied, true, "rotate validate --probe names what the Role lacks; docs/providers/kubernetes.md has one"},
	{metav1.StatusReasonUnauthorized, "", providers.ErrDenied, true, "the API server does not know this token or certificate: check context, or the pod's service account"},
	{metav1.StatusReasonTooManyRequests, "", providers.ErrThrottled, true, ""},
	{metav1.StatusReasonRequestEntityTooLarge, "", providers.ErrTooLarge, true, ""},
	{metav1.StatusReasonInvalid, "Too long", providers.ErrTooLarge, true, ""},
	{metav1.StatusReasonInvalid, "immutable", providers.ErrUnsafe, true, "it was made immutable: give the key another secret"},
	{metav1.StatusReasonInvalid, "", providers.ErrUnavailable, true, ""},
	{metav1.StatusReasonBadRequest, "", providers.ErrUnavailable, true, ""},
	{metav1.StatusReasonInternalError, "request is too large", providers.ErrTooLarge, true, ""},      // etcd's limit of a request
	{metav1.StatusReasonInternalError, "failed calling webhook", providers.ErrUnavailable, true, ""}, // admission comes before storage
	{"", "", providers.ErrUnavailable, false, ""},                                                    // Timeout, ServerTimeout, InternalError, ServiceUnavailable and what is not the API server's
}

var errNotKubernetes = errors.New("the reply is not an API server's")

// refused makes an error of a call that failed. changes says that the call, had
// it succeeded, would have changed something. The API server's own words hold no
// values; those of a cluster's admission policies might quote what was sent.
func refused(ctx context.Context, err error, changes bool, sent map[string][]byte) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return unanswered(ctx, err, changes)
	}
	st := status.Status()
	words := errors.New(strings.Join(strings.Fields(st.Message), " "))
	switch {
	case foreign(st): // client-go has put the page into the message
		st.Reason, st.Message, words = "", "", fmt.Errorf("HTTP %d: %w", st.Code, errNotKubernetes)
	case quotes(st.Message, sent):
		words = fmt.Errorf("HTTP %d, in words that quote the value and are withheld: mend the admission policy that wrote them", st.Code)
	}
	for _, row := range kinds {
		if row.reason != "" && row.reason != st.Reason || !strings.Contains(st.Message, row.says) {
			continue
		}
		e := &providers.Error{Kind: row.kind, Err: words, Hint: row.hint}
		if changes && !row.sure {
			e.Kind = providers.ErrUnclear
		}
		if row.kind == providers.ErrThrottled && st.Details != nil {
			e.After = time.Duration(st.Details.RetryAfterSeconds) * time.Second
		}
		return e
	}
	panic("unreachable: the last row fits all")
}

// foreign says that a reply was no Status object, but a proxy's page.
func foreign(st metav1.Status) bool {
	for _, cause := range detailsOf(st).Causes {
		if cause.Type == metav1.CauseTypeUnexpectedServerResponse {
			return true
		}
	}
	return false
}

// quotes says that a text holds some of the data, as it is or as the API has it.
func quotes(text string, data map[string][]byte) bool {
	const short = 8 // bytes; they say nothing, and are in many words
	for _, v := range data {
		if len(v) >= short && (strings.Contains(text, string(v)) || strings.Contains(text, base64.StdEncoding.EncodeToString(v))) {
			return true
		}
	}
	return false
}

func detailsOf(st metav1.Status) metav1.StatusDetails {
	if st.Details == nil {
		return metav1.StatusDetails{}
	}
	return *st.Details
}

// unanswered makes an error of a call without a reply. What failed while
// connecting was never sent.
func unanswered(ctx context.Context, err error, changes bool) error {
	kind, hint := providers.ErrUnavailable, ""
	var dial *net.OpError
	connecting := errors.As(err, &dial) && dial.Op == "dial"
	if strings.Contains(err.Error(), "x509:") || strings.Contains(err.Error(), "tls:") {
		connecting, hint = true, "check the kubeconfig's certificate-authority"
	}
	if changes && !connecting {
		kind = providers.ErrUnclear
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return &providers.Error{Kind: kind, Err: err, Hint: hint}
}

// dress says what was tried, with the namespace.
func (s *store) dress(err *error, op, name string) { providers.Dress(err, op, s.where(name)) }

func unsafe(err error, hint string) error {
	return &providers.Error{Kind: providers.ErrUnsafe, Err: err, Hint: hint}
}

func conflict(err error) error { return &providers.Error{Kind: providers.ErrConflict, Err: err} }
