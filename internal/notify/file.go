package notify

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// maxFile is far more than a URL or a secret has, in bytes.
const maxFile = 4 << 10

var errNoFile = errors.New("there is none")

// readFile reads a small file. The error has no path: someone may have put the
// secret itself there.
func readFile(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the operator's
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoFile
	}
	if err != nil {
		return "", withoutPath(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", withoutPath(err)
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a file") // a pipe would be waited for
	case info.Size() > maxFile:
		return "", errors.New("it is larger than 4 KiB")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	return strings.TrimSpace(string(data)), withoutPath(err)
}

func withoutPath(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

// InTheClear tells of an address whose calls others on the way can read.
func InTheClear(u *url.URL) bool {
	return u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback()
}

// url is the address as it is now. The error does not repeat it.
func (a Address) url() (string, error) {
	text, err := a.URL, error(nil)
	if a.File != "" {
		if text, err = readFile(a.File); err != nil {
			return "", fmt.Errorf("the file of its address: %w", err)
		}
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", errors.New("its address is not a URL such as https://hooks.example.com/rotate")
	}
	if a.File != "" && InTheClear(u) {
		return "", errors.New("its address, which is a secret, is http:// to another host: use https")
	}
	return text, nil
}
