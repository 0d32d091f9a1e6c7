package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/keyrotate/rotate/internal/trust"
)

// open opens the file to append to, and refuses what is no evidence: a link, which
// leads to a file that nobody meant; a pipe or device, since one that nobody reads
// would hold every line; and a file that somebody else can change. It returns the
// digest of the last line, too.
func open(path string) (f *os.File, last string, err error) {
	if f, err = openAt(path, os.O_CREATE); err != nil {
		return nil, "", err
	}
	if last, err = endLine(f); err != nil {
		f.Close()
		return nil, "", short(err)
	}
	return f, last, nil
}

func openAt(path string, flags int) (*os.File, error) {
	f, err := openPlain(path, os.O_RDWR|os.O_APPEND|flags)
	if err != nil {
		return nil, short(err)
	}
	if err := trusted(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openPlain opens a file that is no link, pipe or device.
func openPlain(path string, flags int) (*os.File, error) {
	// open(2): O_NOFOLLOW fails with ELOOP on a link (EMLINK on FreeBSD), and O_NONBLOCK
	// keeps a pipe from being waited for.
	f, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EMLINK):
		return nil, errors.New("it is a symbolic link: name the file that it leads to")
	case err != nil:
		return nil, err
	}
	if err := regular(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// probe opens a file that is there. For one that is not, this process has to be
// able to write its folder.
func probe(path string) error {
	f, err := openAt(path, 0)
	switch {
	case err == nil:
		return f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := unix.Access(filepath.Dir(path), unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("it is not there, and cannot be made in its folder: %w", err)
	}
	return nil
}

func regular(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return short(err)
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	return nil
}

// trusted refuses a file that is no evidence, as others can change it.
func trusted(f *os.File) error {
	err := trust.CheckFile(f)
	var foreign *trust.Error
	if errors.As(err, &foreign) {
		return fmt.Errorf("somebody else can change it: %s; %s", foreign.Why, foreign.Hint)
	}
	return err
}

// endLine ends a line that a killed process or a full disk left half written, so
// that it spoils no other. It returns the digest of the last line, "" if there is
// none.
func endLine(f *os.File) (digest string, err error) {
	const tail = 64 << 10 // far more than a line has
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return "", err
	}
	from := max(0, info.Size()-tail)
	text := make([]byte, info.Size()-from)
	n, err := f.ReadAt(text, from)
	if err != nil && !errors.Is(err, io.EOF) { // somebody may cut it meanwhile
		return "", err
	}
	if n == 0 {
		return "", nil
	}
	text = text[:n]
	if text[n-1] != '\n' {
		if _, err := f.WriteString("\n"); err != nil {
			return "", err
		}
	}
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	last, err := decode(lines[len(lines)-1])
	if err != nil {
		return "", nil
	}
	return last.Digest, nil
}
