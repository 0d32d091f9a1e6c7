//go:build unix

package file

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyrotate/rotate/internal/dotenv"
)

// variables lists our variables in a .env file as NAME=value, in the order of names. The value is as the file has it;
// a PEM in quotes has several lines. A variable that is set twice in different ways stands there twice. A variable
// that is set to nothing has no value: people write it so to keep its place.
func variables(text []byte, names []string) ([]byte, error) {
	all, err := dotenv.Find(text, names...)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, name := range names {
		var seen []string
		for _, a := range all {
			written := string(text[a.Start:a.End])
			if a.Name == name && a.Value.Len() > 0 && !slices.Contains(seen, written) {
				seen = append(seen, written)
				fmt.Fprintf(&b, "%s=%s\n", name, written)
			}
		}
	}
	return b.Bytes(), nil
}

var errHidden = errors.New(" a line in it keeps what is written after it from being read")

// withVariables is the file with our variables set as the lines NAME=value say. A variable that is there changes in
// its place. A new one comes last. Line ends stay as they are, and so does a missing one at the end.
func withVariables(text []byte, names []string, lines []byte) ([]byte, error) {
	values := map[string]string{}
	set, err := dotenv.Find(lines, names...)
	if err != nil {
		return nil, err
	}
	for _, a := range set {
		values[a.Name] = string(lines[a.Start:a.End])
	}
	all, err := dotenv.Find(text, names...)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	var b bytes.Buffer
	from := 0
	for _, a := range all {
		b.Write(text[from:a.Start])
		b.WriteString(values[a.Name])
		from, there[a.Name] = a.End, true
		if bytes.HasPrefix(text[from:], []byte("#")) { // a comment, after no value at all
			b.WriteByte(' ')
		}
	}
	b.Write(text[from:])
	var missing []string
	for _, name := range names {
		if !there[name] {
			missing = append(missing, name+"="+values[name])
		}
	}
	if len(missing) > 0 {
		end := "\n"
		if first := bytes.IndexByte(text, '\n'); first > 0 && text[first-1] == '\r' {
			end = "\r\n"
		}
		switch added := strings.Join(missing, end); {
		case len(text) == 0 || bytes.HasSuffix(text, []byte("\n")):
			b.WriteString(added + end)
		default: // it ends without a line end, and still does
			b.WriteString(end + added)
		}
	}
	if got, err := variables(b.Bytes(), names); err != nil || !bytes.Equal(got, lines) {
		return nil, errHidden
	}
	return b.Bytes(), nil
}

// withoutVariables is the file without the lines of our variables.
func withoutVariables(text []byte, names []string) ([]byte, error) {
	all, err := dotenv.Find(text, names...)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	from := 0
	for _, a := range all {
		line := bytes.LastIndexByte(text[:a.Start], '\n') + 1
		b.Write(text[from:line])
		from = len(text)
		if end := bytes.IndexByte(text[a.End:], '\n'); end >= 0 {
			from = a.End + end + 1
		}
	}
	b.Write(text[from:])
	return b.Bytes(), nil
}
