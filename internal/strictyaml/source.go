package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxFile is far more than a config of a thousand keys has.
const maxFile = 1 << 20

// A source is one file of the config.
type source struct {
	name   string
	index  int // among the files, in the order they are read
	lines  []string
	root   *yaml.Node     // nil if it could not be read
	parts  map[int][]part // of root, by line; nil until an excerpt needs them
	opaque bool           // no line is shown
}

// A Place is where something stands.
type Place struct {
	src          *source
	Line, column int
	Path         string
}

// Known reports whether it is a place at all.
func (p Place) Known() bool { return p.src != nil }

// Base is the folder of the file, as an absolute path.
func (p Place) Base() (string, error) { return filepath.Abs(filepath.Dir(p.src.name)) }

// readFile reads at most maxFile bytes and refuses what is not text, so that
// whatever is passed by mistake is not taken apart.
func readFile(path string, index int, example string) (*source, []byte, []mistake, error) {
	// A pipe that nobody writes to would be waited for, and no signal would end that.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, nil, nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("config: %w", err)
	}
	if info, err := f.Stat(); err == nil && len(data) == 0 && info.Mode()&os.ModeNamedPipe != 0 {
		return nil, nil, nil, fmt.Errorf("config: %s is a pipe that nobody writes to; name a file, or a folder of *.yaml files", path)
	}
	src := &source{name: path, index: index}
	refuse := func(msg, hint string) []mistake {
		return []mistake{{Place{src: src, Line: 1, column: 1}, msg, hint}}
	}
	// YAML takes three more characters for line ends, which no editor shows.
	binary := func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\t\n\r", r) || strings.ContainsRune("\u0085\u2028\u2029", r)
	}
	switch {
	case len(data) > maxFile:
		return src, nil, refuse("the file is larger than 1 MiB", "is it a config? "+example+" shows one"), nil
	case bytes.ContainsFunc(data, binary):
		return src, nil, refuse("the file has characters that are not text", "a config is YAML text; "+example+" shows one"), nil
	case !utf8.Valid(data):
		return src, nil, refuse("the file is not UTF-8", "save it in UTF-8"), nil
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	src.lines = strings.Split(string(data), "\n")
	return src, data, nil, nil
}

// line is a line's text; "" for one that is not there.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// excerpt is what may be shown of a line, with its number, and a caret under
// the column.
func (s *source) excerpt(m *mask, line, column int) string {
	if s.opaque || line > len(s.lines) {
		return ""
	}
	text, at := s.cut(m, line, column)
	start := max(0, at-60)
	text, at = text[start:min(len(text), start+100)], at-start
	return fmt.Sprintf("  %4d | %s\n       | %s^", line, string(text), strings.Repeat(" ", at))
}

// parse reads the file's one YAML document; nil for an empty one.
func (s *source) parse(data []byte) (*yaml.Node, []mistake) {
	var docs []*yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys(false))
	for err == nil && len(docs) < 2 {
		var doc yaml.Node
		if err = loader.Load(&doc); err == nil {
			docs = append(docs, &doc)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, []mistake{s.syntax(err)}
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, nil
	}
	if len(docs) > 1 {
		at := Place{src: s, Line: max(1, docs[1].Line), column: max(1, docs[1].Column)}
		return nil, []mistake{{at, "a second YAML document begins here", "a config is one document a file; several files in a folder add up"}}
	}
	return docs[0].Content[0], nil
}

// File adds one file to doc, a pointer of the form's type of a whole config. It
// returns false if the file could not be taken apart, so that what is missing in
// doc means nothing. The error is that of reading it.
func (d *Decoder) File(path string, doc any) (bool, error) {
	src, data, mistakes, err := readFile(path, d.files, d.form.Example)
	d.files++
	if err != nil {
		return false, err
	}
	d.src, d.first = src, cmp.Or(d.first, src)
	d.mistakes = append(d.mistakes, mistakes...)
	if len(mistakes) > 0 {
		return false, nil
	}
	root, mistakes := src.parse(data)
	if d.form.foreign(src, root, len(mistakes) > 0) {
		src.opaque = true
		d.Fail(Place{src: src, Line: 1, column: 1}, "nothing of it is shown here; "+d.form.Example+" shows a config", "the file is not a config of %s", d.form.Program)
		return false, nil
	}
	d.mistakes = append(d.mistakes, mistakes...)
	if len(mistakes) > 0 {
		return false, nil
	}
	if root == nil {
		return true, nil
	}
	src.root = root
	if !d.simple(root) {
		return false, nil
	}
	d.Value(root, reflect.ValueOf(doc).Elem(), "")
	return true, nil
}
