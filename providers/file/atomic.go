//go:build unix

package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// fill writes a new file at temp, to its last byte on the disk. If it fails
// nothing is left at temp. It returns the file's time. What dress does to the
// open file comes last.
func fill(temp string, text []byte, mode fs.FileMode, gid int, dress ...func(*os.File) error) (made time.Time, err error) {
	// O_EXCL: we have just removed temp, so a file there is somebody else's. O_EXCL follows no links (open(2)), and
	// O_NOFOLLOW says so once more.
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return made, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			_ = os.Remove(temp) // if this fails too, the next call clears it
		}
	}()
	if _, err := f.Write(text); err != nil { // a short write is an error too: see io.Writer
		return made, err
	}
	// The group first: until then the new bits would serve the wrong one.
	if gid >= 0 {
		if err := f.Chown(-1, gid); err != nil {
			return made, err
		}
	}
	if err := f.Chmod(mode); err != nil {
		return made, err
	}
	for _, d := range dress {
		if err := d(f); err != nil {
			return made, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return made, err
	}
	return info.ModTime(), f.Sync()
}

var fsync = (*os.File).Sync // of folders; a test makes it fail

// syncDir makes a rename or a new entry durable; fsync(2): syncing the file does not sync its directory. Some file
// systems cannot sync a directory (EINVAL). Then nothing more can be done.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := fsync(d); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// replace puts what fill wrote at path: rename(2) is atomic, and a power cut
// after it leaves the new text, because fill has synced it.
func replace(temp, path string) (renamed bool, err error) {
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp) // if this fails too, the next call clears it
		return false, err
	}
	return true, syncDir(filepath.Dir(path))
}

// remove removes a file that may not be there.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
