package kubernetes

import (
	"context"
	"errors"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/keyrotate/rotate/providers"
)

const timeout = 30 * time.Second // of one call

var errTimeout = errors.New("no reply within 30s")

// get, create and update are the three calls on a Secret. Each gives the
// service's clock, too.

func (s *store) get(ctx context.Context, name string) (*kubeSecret, time.Time, error) {
	object := &kubeSecret{}
	date, err := s.do(ctx, s.core.Get().Namespace(s.Namespace).Resource(s.resource()).Name(name), object, false)
	return object, date, err
}

// create fills in what the API server added; with dry it only asks whether it
// would ([k8s] dry runs pass through admission and validation).
func (s *store) create(ctx context.Context, object *kubeSecret, dry bool) (time.Time, error) {
	r := s.core.Post().Namespace(s.Namespace).Resource(s.resource()).Body(s.body(object))
	if dry {
		r.Param("dryRun", "All")
	}
	return s.do(ctx, r.Param("fieldManager", manager), object, !dry)
}

// update replaces the Secret if it has the resourceVersion of object.
func (s *store) update(ctx context.Context, object *kubeSecret) (time.Time, error) {
	r := s.core.Put().Namespace(s.Namespace).Resource(s.resource()).Name(object.Name).Body(s.body(object))
	return s.do(ctx, r.Param("fieldManager", manager), object, true)
}

// do makes one call, once: client-go would repeat it after a 429 or a 5xx.
func do(ctx context.Context, r *rest.Request, into runtime.Object, changes bool) (time.Time, error) {
	if ctx.Err() != nil {
		return time.Time{}, &providers.Error{Kind: providers.ErrUnavailable, Err: context.Cause(ctx)}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	var date time.Time
	result := r.MaxRetries(0).Do(context.WithValue(ctx, dateKey{}, &date))
	if err := result.Error(); err != nil {
		return time.Time{}, refused(ctx, err, changes, sent(into))
	}
	if err := result.Into(into); err != nil { // its words could quote the reply
		return time.Time{}, unanswered(ctx, errNotKubernetes, changes)
	}
	return date, nil
}

// sent is the data that goes out with an object.
func sent(object runtime.Object) map[string][]byte {
	if s, ok := object.(*kubeSecret); ok {
		return s.Data
	}
	return nil
}

// dated puts the Date header of a reply where the context says: client-go keeps
// no headers.
type dated struct{ next http.RoundTripper }

type dateKey struct{}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(r)
	if at, ok := r.Context().Value(dateKey{}).(*time.Time); ok && err == nil {
		*at, _ = http.ParseTime(resp.Header.Get("Date")) // zero where a proxy removed it
	}
	return resp, err
}
