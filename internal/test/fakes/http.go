package fakes

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
)

// RoundTrip makes a call of a handler without a network, which a synctest bubble
// needs. A caller that gives up does not stop the call. A handler that panics has
// broken the connection.
func RoundTrip(h http.Handler, r *http.Request) (*http.Response, error) {
	inner := r.Clone(context.WithoutCancel(r.Context()))
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	inner.Body = io.NopCloser(bytes.NewReader(sent))
	answered := make(chan *http.Response, 1)
	go func() {
		defer close(answered)
		defer func() { _ = recover() }()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, inner)
		answered <- w.Result()
	}()
	select {
	case resp, ok := <-answered:
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		resp.Request = r
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
