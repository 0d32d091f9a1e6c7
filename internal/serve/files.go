package serve

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Reread reads the files of an endpoint again: certificate, key and tokens. Where
// one cannot be used, what it held before stays, and the error says which it is. The
// error never quotes a file.
func (l *Listener) Reread() error {
	var err error
	if l.TLS() {
		if pair, failed := keyPair(l.CertFile, l.KeyFile); failed != nil {
			err = failed
		} else {
			l.certificate.Store(pair)
		}
	}
	if l.TokenFile != "" {
		if known, failed := readTokens(l.TokenFile); failed != nil {
			err = errors.Join(err, failed)
		} else {
			l.tokens.Store(&known)
		}
	}
	return err
}

// tls is the settings of a listener that encrypts; nil for one that does not.
func (l *Listener) tls() *tls.Config {
	if !l.TLS() {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12, // RFC 9325 section 3.1.1
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.certificate.Load(), nil },
	}
}

func keyPair(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := readFile(certFile)
	if err != nil {
		return nil, err
	}
	key, err := readFile(keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	clear(key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// maxFile is more than a chain of certificates has.
const maxFile = 256 << 10

// readFile reads a small file, and does not wait for anyone who writes to a pipe.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	} else if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than 256 KiB", path)
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// tokens are the digests of those that are accepted, so that no comparison tells
// by its time how much of a guess is right.
type tokens [][sha256.Size]byte

// The length of a token. 16 characters of base64 are 96 bits.
const (
	shortToken = 16
	longToken  = 512
)

// readTokens reads one token a line: two while one takes the other's place.
func readTokens(path string) (tokens, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	var all tokens
	for n, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case len(line) < shortToken || len(line) > longToken || bytes.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r > '~' }):
			return nil, fmt.Errorf("%s, line %d is no token: one has %d to %d characters, without blanks", path, n+1, shortToken, longToken)
		}
		all = append(all, sha256.Sum256(line))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no token; such as: openssl rand -hex 32", path)
	}
	return all, nil
}

func (t *tokens) has(given string) bool {
	sum, found := sha256.Sum256([]byte(given)), 0
	for _, one := range *t {
		found |= subtle.ConstantTimeCompare(one[:], sum[:])
	}
	return found == 1
}
