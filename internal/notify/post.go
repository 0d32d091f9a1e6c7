package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// maxAfter bounds how long a receiver may ask to be left alone.
const maxAfter = time.Hour

// A refusal is an answer that is none of success.
type refusal struct {
	status int
	after  time.Duration // that the receiver asks to be left alone for
}

func (r *refusal) Error() string { return fmt.Sprintf("it answered with status %d", r.status) }

// call makes one HTTP request. A redirect is not followed: a signed body belongs to
// the address of the config alone. The error names no part of the address, and
// nothing of the answer but its status.
func (n *Notifier) call(ctx context.Context, method string, address Address, header http.Header, body []byte) error {
	where, err := address.url()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return errors.New("its address is not a URL that can be called")
	}
	request.Header = header
	request.Header.Set("User-Agent", "rotate/"+n.Version)
	answer, err := n.client.Do(request)
	if err != nil {
		// guard 7: the error of a call does not have the address
		return unreached(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return &refusal{answer.StatusCode, retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	return nil
}

// unreached says why there was no answer, in words of its own: those of net/http
// have the address.
func unreached(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var number syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("it did not answer in time")
	case errors.Is(err, context.Canceled):
		return errors.New("rotate stops")
	case errors.As(err, &name) && name.IsNotFound:
		return errors.New("the name of its host is not known")
	case errors.As(err, &name):
		return errors.New("the name of its host could not be resolved")
	case errors.As(err, &certificate):
		return errors.New("its certificate is not trusted")
	case errors.As(err, &number):
		return number
	}
	return errors.New("it could not be reached")
}

// retryAfter reads the header of that name: seconds, or a date (RFC 9110 §10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(0, time.Duration(min(seconds, 1<<20))*time.Second), maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), maxAfter)
	}
	return 0
}
