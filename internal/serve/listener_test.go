package serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/endpoint"
	"github.com/keyrotate/rotate/internal/serve"
)

// certify writes a certificate of a serial number and its key.
func certify(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "rotate"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// TLS takes a renewed certificate in place of the old one, and keeps the old one
// while the files do not fit each other.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	certify(t, certFile, keyFile, 1)
	l, log, _ := running(t, at(func(e *endpoint.Endpoint) { e.CertFile, e.KeyFile = certFile, keyFile }))
	serial := func() int64 {
		t.Helper()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}) //nolint:gosec,noctx // its own certificate
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if state := c.ConnectionState(); state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("it speaks %q", state.NegotiatedProtocol)
		}
		if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if got := answer(c); got != "200 OK" {
			t.Errorf("%q", got)
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	want := func(n int64) {
		t.Helper()
		if got := serial(); got != n {
			t.Errorf("certificate %d, want %d", got, n)
		}
	}
	want(1)
	certify(t, certFile, filepath.Join(dir, "other.key"), 2)
	if err := l.Reread(); err == nil || !strings.Contains(err.Error(), "are not a certificate and its key") {
		t.Error(err)
	}
	want(1)
	certify(t, certFile, keyFile, 3)
	if err := l.Reread(); err != nil {
		t.Error(err)
	}
	want(3)
	for range 20 { // speak no TLS
		resp := ask(t, "tcp", l.Addr().String(), "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if resp.StatusCode != 400 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
	if n := strings.Count(log.String(), "\n"); n > 1 {
		t.Errorf("%d lines:\n%s", n, log)
	}
}

// A socket has the mode that it should, replaces one that was left behind, and
// nothing else.
func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "http") // a socket's path has about 100 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	e := endpoint.Of(endpoint.Address{Network: "unix", Where: path})
	e.Mode = 0o660

	write(t, path, "a file")
	if _, err := serve.Listen(t.Context(), []endpoint.Endpoint{e}); err == nil || !strings.Contains(err.Error(), "it is no socket") {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "a file" {
		t.Fatal("the file is gone")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()

	l, _, _ := running(t, e)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Error(info, err)
	}
	if l.Opened() != "unix:"+path {
		t.Error(l.Opened())
	}
	if resp := ask(t, "unix", path, "GET /status HTTP/1.1\r\nHost: whatever.example.com\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("%d", resp.StatusCode)
	}
	if _, err := serve.Listen(t.Context(), []endpoint.Endpoint{e}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error(err)
	}
}

// Of several addresses all are opened or none, and all that is wrong is told.
func TestListenTellsAllThatIsWrong(t *testing.T) {
	taken, _, _ := running(t, at(nil))
	free := at(nil)
	missing := at(func(e *endpoint.Endpoint) { e.CertFile, e.KeyFile = "/no/such.crt", "/no/such.key" })
	spoilt := at(func(e *endpoint.Endpoint) { e.TokenFile = t.TempDir() })
	again := at(func(e *endpoint.Endpoint) { e.Where = taken.Addr().String() })
	open, err := serve.Listen(t.Context(), []endpoint.Endpoint{free, missing, spoilt, again})
	if err == nil || open != nil {
		t.Fatal("it listens")
	}
	for _, part := range []string{"open /no/such.crt", "is not a file", "address already in use"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}
