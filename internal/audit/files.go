package audit

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/lazy"
)

// maxLine is far more than an event has.
const maxLine = 1 << 20

// moved is how logrotate(8) names what it has moved away: by a number that grows
// with age, or by a date (dateext); compressed or not.
var moved = lazy.Regexp(`^(?:\.([0-9]{1,6})|-([0-9]{8,14}))(?:\.gz)?$`)

// Files are the file at a path and those that logrotate has moved away from it,
// the oldest first. The path is among them even where there is no such file.
func Files(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("audit file: %w", err)
	}
	type old struct {
		path, date string
		number     int
	}
	var all []old
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), filepath.Base(path))
		m := moved().FindStringSubmatch(rest)
		if !ours || m == nil {
			continue
		}
		o := old{path: filepath.Join(filepath.Dir(path), e.Name()), date: m[2]}
		o.number, _ = strconv.Atoi(m[1]) //nolint:errcheck // 0 where there is none
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b old) int {
		return cmp.Or(cmp.Compare(b.number, a.number), strings.Compare(a.date, b.date))
	})
	var paths []string
	for _, o := range all {
		paths = append(paths, o.path)
	}
	return append(paths, path), nil
}

// eachLine gives every line of a file that is not empty, with its number.
func eachLine(path string, take func(n int, text []byte)) error {
	f, err := openPlain(path, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("audit file %s: %w", path, short(err))
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("audit file %s: %w", path, err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(lines.Bytes()) > 0 {
			take(n, lines.Bytes())
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("audit file %s: a line of more than %d bytes is no event", path, maxLine)
	} else if err != nil {
		return fmt.Errorf("audit file %s: %w", path, err)
	}
	return nil
}
