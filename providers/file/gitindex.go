//go:build unix

package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// indexed tells whether the index of the work tree at root has one of the paths,
// where no git can be asked. It reads versions 2 and 3 (gitformat-index(5)); of
// what it does not know, the error is that nobody can tell.
func indexed(root string, paths ...string) (bool, error) {
	dir, err := gitDir(root)
	if err != nil {
		return false, err
	}
	data, err := readSmall(filepath.Join(dir, "index"), maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // nothing was ever added
	} else if err != nil {
		return false, err
	}
	names, err := indexNames(data)
	if err != nil {
		return false, err
	}
	for _, path := range paths {
		rel, err := filepath.Rel(root, path)
		if err != nil || slices.Contains(names, filepath.ToSlash(rel)) {
			return true, err
		}
	}
	return false, nil
}

// gitDir is where the repository of a work tree is: .git, or what a file of that
// name says, as in submodules and linked work trees (gitrepository-layout(5)).
func gitDir(root string) (string, error) {
	dir := filepath.Join(root, ".git")
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		text, err := readSmall(dir, maxGitText)
		if err != nil {
			return "", err
		}
		to, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
		if !ok {
			return "", fmt.Errorf("%s is no repository of Git", dir)
		}
		if dir = to; !filepath.IsAbs(to) {
			dir = filepath.Join(root, to)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil {
		return "", err
	}
	return dir, nil
}

// How much of a repository's files is read, in bytes: somebody else may have made them.
const (
	maxGitText = 1 << 20
	maxIndex   = 64 << 20
)

// readSmall reads a plain file. It waits for no pipe, and refuses a larger file.
func readSmall(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that rotate reads", path, info.Size(), most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

var errIndex = errors.New("the index of Git has a form that rotate does not read")

// indexNames are the paths of an index.
func indexNames(data []byte) (names []string, err error) {
	const header, fixed, sum = 12, 62, 20 // bytes: of the index, of an entry before its name, of SHA-1
	if len(data) < header+sum || string(data[:4]) != "DIRC" {
		return nil, errIndex
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version != 2 && version != 3 {
		return nil, errIndex
	}
	rest := data[header : len(data)-sum]
	for range count {
		if len(rest) < fixed {
			return nil, errIndex
		}
		start := fixed
		if flags := binary.BigEndian.Uint16(rest[fixed-2:]); flags&0x4000 != 0 {
			start += 2 // extended flags
		}
		n := bytes.IndexByte(rest[min(start, len(rest)):], 0)
		size := (start + n + 8) &^ 7 // one to eight NULs end an entry
		if n <= 0 || size > len(rest) || len(names) > 0 && string(rest[start:start+n]) < names[len(names)-1] {
			return nil, errIndex // of hashes that are no SHA-1, for one
		}
		names, rest = append(names, string(rest[start:start+n])), rest[size:]
	}
	for len(rest) >= 8 {
		size := uint64(binary.BigEndian.Uint32(rest[4:])) + 8
		if rest[0] < 'A' || rest[0] > 'Z' || size > uint64(len(rest)) {
			return nil, errIndex // an extension that has to be understood: a split or sparse index
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		return nil, errIndex
	}
	return names, nil
}
