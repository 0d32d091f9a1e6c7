package kubernetes

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/providers"
)

// What each reply means to a read, and to a change.
func TestErrors(t *testing.T) {
	status := func(reason metav1.StatusReason, message string) error {
		return &apierrors.StatusError{ErrStatus: metav1.Status{Reason: reason, Message: message}}
	}
	for _, c := range []struct {
		err          error
		read, change error
	}{
		{apierrors.NewNotFound(kubefake.SecretResource, name), providers.ErrNotFound, providers.ErrNotFound},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), providers.ErrUnavailable, providers.ErrUnavailable},
		{status(metav1.StatusReasonNotFound, "the server could not find the requested resource"), providers.ErrUnavailable, providers.ErrUnclear}, // what is not an API server
		{kubefake.Failures[409], providers.ErrThrottled, providers.ErrThrottled},
		{apierrors.NewConflict(kubefake.SecretResource, name, errors.New("x")), providers.ErrConflict, providers.ErrConflict},
		{apierrors.NewAlreadyExists(kubefake.SecretResource, name), providers.ErrConflict, providers.ErrConflict},
		{kubefake.Failures[401], providers.ErrDenied, providers.ErrDenied},
		{kubefake.Failures[429], providers.ErrThrottled, providers.ErrThrottled},
		{kubefake.Failures[500], providers.ErrUnavailable, providers.ErrUnclear},
		{kubefake.Failures[503], providers.ErrUnavailable, providers.ErrUnclear},
		{kubefake.Failures[504], providers.ErrUnavailable, providers.ErrUnclear},
		{apierrors.NewServerTimeout(kubefake.SecretResource, "create", 1), providers.ErrUnavailable, providers.ErrUnclear},
		{apierrors.NewRequestEntityTooLargeError("limit is 3145728"), providers.ErrTooLarge, providers.ErrTooLarge},
		{apierrors.NewInternalError(errors.New("etcdserver: request is too large")), providers.ErrTooLarge, providers.ErrTooLarge},
		{apierrors.NewInternalError(errors.New(`failed calling webhook "w"`)), providers.ErrUnavailable, providers.ErrUnavailable},
		{apierrors.NewBadRequest(`admission webhook "w" does not support dry run`), providers.ErrUnavailable, providers.ErrUnavailable},
		{status(metav1.StatusReasonInvalid, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"), providers.ErrDenied, providers.ErrDenied},
		{status("", `admission webhook "w" denied the request: no`), providers.ErrDenied, providers.ErrDenied},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, providers.ErrUnavailable, providers.ErrUnavailable},
		{&net.OpError{Op: "read", Err: errors.New("connection reset")}, providers.ErrUnavailable, providers.ErrUnclear},
		{x509.UnknownAuthorityError{}, providers.ErrUnavailable, providers.ErrUnavailable},
		{http.ErrHandlerTimeout, providers.ErrUnavailable, providers.ErrUnclear},
	} {
		for changes, want := range map[bool]error{false: c.read, true: c.change} {
			if got := refused(t.Context(), c.err, changes, nil); !errors.Is(got, want) {
				t.Errorf("%v, changes %v: %v, want %v", c.err, changes, got, want)
			}
		}
	}
	var e *providers.Error
	if !errors.As(refused(t.Context(), kubefake.Failures[429], true, nil), &e) || e.After != 7*time.Second {
		t.Errorf("429 asks to wait %v", e.After)
	}
}

// client-go would repeat a call after a 429 or a 5xx with Retry-After, and hand
// out a proxy's page as its error.
func TestNothingIsRepeatedAndNoPageIsQuoted(t *testing.T) {
	for _, fault := range []fakes.Fault{
		{Before: fakes.Status{Code: 429}}, {Before: fakes.Status{Code: 503}}, {After: fakes.Status{Code: 500}}, {After: fakes.Status{Code: 504}},
		{Before: fakes.Status{Code: 502, Echo: true}}, {After: fakes.Status{Code: 200, Echo: true}}, {Before: fakes.ErrLost},
	} {
		f, v := fakeServer()
		s := v.open(t, Config{Namespace: namespace}, "admin")
		f.On(func(fakes.Call) *fakes.Fault { return &fault })
		_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("canary")), "", noteOf(1))
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "Y2FuYXJ5") {
			t.Errorf("%+v: %v", fault, err)
		}
		if len(f.Kinds()) != 1 {
			t.Errorf("%+v: %v", fault, f.Kinds())
		}
	}
}

// Words that quote what was sent, as it is or as the API has it, are withheld.
func TestPromise7PoliciesAreNotQuoted(t *testing.T) {
	sent := map[string][]byte{textKey: []byte("canary-text"), "short": []byte("no")}
	for words, withheld := range map[string]bool{"canary-text": true, base64.StdEncoding.EncodeToString(sent[textKey]): true, "it lacks a label": false} {
		err := refused(t.Context(), &apierrors.StatusError{ErrStatus: metav1.Status{Code: 400, Message: `admission webhook "w" denied the request: no ` + words}}, true, sent)
		if got := strings.Contains(err.Error(), "withheld"); !errors.Is(err, providers.ErrDenied) || got != withheld || strings.Contains(err.Error(), words) == withheld {
			t.Errorf("%v, withheld %v", err, got)
		}
	}
}

// A call that is not answered ends after 30 seconds or with its context; the
// write may have happened.
func TestNoAnswer(t *testing.T) {
	for what, c := range map[string]struct {
		limit time.Duration
		after time.Duration
		words string
	}{"timeout": {time.Hour, timeout, "no reply within 30s"}, "cancelled": {5 * time.Second, 5 * time.Second, "gave up"}} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, v := fakeServer()
				s := v.open(t, Config{Namespace: namespace}, "admin")
				f.On(func(fakes.Call) *fakes.Fault { return &fakes.Fault{Hold: time.Hour} })
				ctx, cancel := context.WithTimeoutCause(t.Context(), c.limit, errors.New("gave up"))
				defer cancel()
				begin := time.Now()
				_, err := s.Write(ctx, name, providers.NewSecret([]byte("x")), "", noteOf(1))
				fails(t, err, providers.ErrUnclear, c.words)
				if took := time.Since(begin); took != c.after {
					t.Errorf("it took %v, want %v", took, c.after)
				}
				time.Sleep(time.Hour) // the fake ends
			})
		})
	}
}

// An authorizer that cannot list its rules, such as a webhook, is asked about
// each verb.
func TestProbeAsksWhereRulesAreNotListed(t *testing.T) {
	f, v := fakeServer()
	f.Incomplete = true
	f.Rules["rotate"] = allSecrets
	s := v.open(t, Config{Namespace: namespace}, "rotate")
	must(t, s.Probe(t.Context()))
	if want := []string{"POST selfsubjectrulesreviews", "POST selfsubjectaccessreviews", "POST selfsubjectaccessreviews", "POST selfsubjectaccessreviews", "POST dry"}; !slices.Equal(f.Kinds(), want) {
		t.Errorf("calls %v, want %v", f.Kinds(), want)
	}
	f.Rules["rotate"] = nil
	fails(t, s.Probe(t.Context()), providers.ErrDenied, "may not get, create, update secrets")
	if len(f.Secrets) != 0 {
		t.Errorf("a probe made %d Secrets", len(f.Secrets))
	}
}

func TestUnsafeServersAreRefused(t *testing.T) {
	for word, conf := range map[string]*rest.Config{
		"not a URL":                {Host: "kubernetes"},
		"may hold a secret":        {Host: "https://kubernetes.example.com/?token=s3cr3t"},
		"http:// to another host":  {Host: "http://kubernetes.example.com"},
		"insecure-skip-tls-verify": {Host: "https://kubernetes.example.com", TLSClientConfig: rest.TLSClientConfig{Insecure: true}},
	} {
		if _, err := (&Config{Namespace: namespace}).connect(conf); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: %v", word, err)
		}
	}
	if _, err := (&Config{Namespace: namespace}).connect(&rest.Config{Host: "http://127.0.0.1:8001"}); err != nil { // kubectl proxy
		t.Error(err)
	}
}
