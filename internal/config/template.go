package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyrotate/rotate/internal/format"
)

// maxTemplate is far more than eight keys need, in bytes.
const maxTemplate = 64 << 10

// outputTemplate reads and tries the template of an output of format template.
func (r *resolver) outputTemplate(o *Output, k *Key, s outputSection) {
	inline, file := s.Template, s.TemplateFile
	if o.Format != format.Templated {
		r.onlyWith(s.at, "only format template has one", inline.At, file.At)
		return
	}
	at, body := inline.At, inline.Value
	switch {
	case inline.At.Known() && file.At.Known():
		r.Fail(file.At, "keep one of the two", "template is set as well, in line %d", inline.At.Line)
		return
	case file.At.Known():
		base, err := file.At.Base()
		if err == nil {
			body, err = templateAt(base, file.Value)
		}
		if at = file.At; err != nil {
			r.Fail(at, "template_file is a path, from this file's folder", "cannot be read: %v", err)
			return
		}
	case !inline.At.Known():
		r.Fail(s.Format.At, "add template: '{{json .texts}}', or template_file: with a path; docs/outputs.md has more", "has no template")
		return
	}
	var err error
	if o.Options.Template, err = format.ParseTemplate(body, k.Spec.Algorithm); err != nil {
		r.Fail(at, "docs/outputs.md lists what a template can name", "the template cannot be used: %v", err)
	}
}

// templateAt reads a template's file. The error has no path: somebody may have
// put a secret there.
func templateAt(base, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", withoutPath(err)
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a file") // a pipe would be waited for
	case info.Size() > maxTemplate:
		return "", errors.New("it is larger than 64 KiB")
	}
	data, err := os.ReadFile(path) //nolint:gosec // the path is the operator's
	return string(data), withoutPath(err)
}

func withoutPath(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}
