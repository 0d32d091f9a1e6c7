package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Source is what may be adopted: what was read, and where.
type Source struct {
	Read     intake.Source
	Field    string        // the part of it that was asked for; "" is all of it
	Where    string        // for people
	Lies     bool          // it goes on lying there: it did not come from standard input
	IsOutput bool          // rotate itself writes the key there from now on
	Exposure file.Exposure // of a file: who else may see it
}

// FromInput is what came from standard input.
func FromInput(data []byte, field string) Source {
	return Source{Read: intake.Source{Text: data}, Field: field, Where: say.StandardInput}
}

// FromEnv reads a variable of a .env file, given as FILE:VAR, as its readers do.
// A text on which they do not agree is refused.
func FromEnv(ctx context.Context, k *fleet.Key, from string) (Source, error) {
	i := strings.LastIndex(from, ":")
	if i < 1 || i == len(from)-1 {
		return Source{}, refuse(say.WhichVariable())
	}
	path, name := from[:i], from[i+1:]
	data, err := readFile(ctx, path)
	if err != nil {
		return Source{}, notRead(path, "--from-env", err)
	}
	value, err := dotenv.Read(data, name, nil)
	if err != nil {
		return Source{}, refusedEnv(path, name, data, err)
	}
	s := fromFile(ctx, k, path)
	s.Read.Text, s.Where = value.Value.Reveal(), fmt.Sprintf("%s of %s", name, path)
	return s, nil
}

// refusedEnv is why a variable of a .env file cannot be taken.
func refusedEnv(path, name string, data []byte, err error) error {
	e := &usage.Error{Msg: say.Unchanged(path, err).Error(), Err: err}
	var hinted interface{ Hint() string }
	switch {
	case errors.As(err, &hinted):
		e.Hint = hinted.Hint()
	case errors.Is(err, dotenv.ErrBadName):
		e.Msg = say.BadVariable
	case errors.Is(err, dotenv.ErrEmpty):
		e.Msg = say.EmptyVariable(path, shownVariable(name))
	case errors.Is(err, dotenv.ErrMissing):
		e.Msg = say.Unchanged(fmt.Sprintf("%s: %v", path, err), errors.New(shownVariable(name))).Error()
		if names := dotenv.Names(data); len(names) > 0 {
			e.Hint = "it sets " + strings.Join(names[:min(len(names), 24)], ", ")
		}
	}
	return e
}

// shownVariable is usage.Quote for the names of variables.
func shownVariable(name string) string {
	if len(name) <= 24 || strings.Count(name, "_") > 1 && strings.ToUpper(name) == name && len(name) <= 40 {
		return name
	}
	return "the one given"
}

// From reads a secret of one of the config's stores, given as STORE:NAME or
// STORE:NAME#FIELD, or a file, given as FILE or FILE#FIELD. A file is a path that
// has a slash or exists; a store of the config comes first.
func From(ctx context.Context, k *fleet.Key, from string) (Source, error) {
	store, _, colon := strings.Cut(from, ":")
	_, known := k.Stores[store]
	path, field := splitPath(from)
	_, missing := os.Lstat(path)
	switch {
	case colon && known:
		return fromStore(ctx, k, from)
	case missing == nil:
		return fromPath(ctx, k, path, field)
	case colon && store != "" && !strings.Contains(store, "/"):
		_, err := k.Stores.Open(ctx, store)
		return Source{}, err
	case strings.Contains(path, "/"):
		return fromPath(ctx, k, path, field)
	}
	return Source{}, refuse(say.WhichSource())
}

// splitPath parts FILE#FIELD. A file whose name has a # in it comes first.
func splitPath(from string) (path, field string) {
	if _, err := os.Lstat(from); err == nil {
		return from, ""
	}
	for i := range from {
		if _, err := os.Lstat(from[:i]); from[i] == '#' && err == nil {
			return from[:i], from[i+1:]
		}
	}
	path, field, _ = strings.Cut(from, "#")
	return path, field
}

func fromPath(ctx context.Context, k *fleet.Key, path, field string) (Source, error) {
	data, err := readFile(ctx, path)
	if err != nil {
		return Source{}, notRead(path, "--from", err)
	}
	s := fromFile(ctx, k, path)
	s.Read.Text, s.Field = data, field
	return s, nil
}

// fromFile is what there is to know of a file.
func fromFile(ctx context.Context, k *fleet.Key, path string) Source {
	s := Source{Where: path, Lies: true, Exposure: file.Exposed(ctx, path)}
	if abs, err := filepath.Abs(path); err == nil {
		s.IsOutput = k.Writes(abs)
	}
	return s
}

// errIdlePipe is of a pipe to read from that nobody writes to.
var errIdlePipe = errors.New("it is a pipe, and nobody writes to it")

// readFile reads a file or a pipe, one byte more than can be taken in at most. A
// pipe that nobody has opened for writing is an error: waiting for one would look
// like work. A slow writer is waited for until ctx is done.
func readFile(ctx context.Context, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) }) // plain files have none, and do not wait
	defer stop()
	data, err := io.ReadAll(io.LimitReader(f, intake.MaxSource+1))
	if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, context.Cause(ctx)
	}
	if info, statErr := f.Stat(); err == nil && len(data) == 0 && statErr == nil && info.Mode()&os.ModeNamedPipe != 0 {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errIdlePipe}
	}
	return data, err
}

// notRead is an error on a file whose name may be a secret: one with a colon in it,
// say.
func notRead(path, flag string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return say.Unchanged(usage.Quote(path, say.FileOf(flag)), err)
}

func fromStore(ctx context.Context, k *fleet.Key, from string) (Source, error) {
	store, rest, _ := strings.Cut(from, ":")
	name, field, _ := strings.Cut(rest, "#")
	switch {
	case name == "":
		return Source{}, refuse(say.WhichSecret())
	case store == k.StoreName && name == k.Secret:
		return Source{}, refuse(say.OwnPlace(store+":"+name, k.Name))
	}
	read, err := readSecret(ctx, k.Stores, store, name)
	if _, wrong := errors.AsType[*usage.Error](err); wrong {
		return Source{}, err
	} else if err != nil {
		return Source{}, say.Unchanged("key "+k.Name, err)
	}
	src := Source{Read: read, Field: field, Where: store + ":" + name, Lies: true, IsOutput: k.Writes(store+" "+name) || k.Writes(store+" "+name+"#"+field)}
	if set, err := keyset.Parse(bytes.TrimSpace(src.Read.Text)); err == nil {
		return Source{}, refused(k, src.Where, &intake.Refusal{Code: intake.OwnKeyset, Name: set.Name})
	}
	return src, nil
}

// readSecret reads a secret of a store: its fields where the store has them, else one
// text. A keyset of rotate is a text everywhere.
func readSecret(ctx context.Context, opened fleet.Stores, store, name string) (intake.Source, error) {
	s, err := opened.Open(ctx, store)
	if err != nil {
		return intake.Source{}, err
	}
	rev, err := s.Read(ctx, name)
	if err != nil {
		return intake.Source{}, fmt.Errorf("store %s: %w", store, err)
	}
	src := intake.Source{Text: rev.Value.Reveal()}
	r, ok := providers.As[providers.FieldReader](s)
	if _, err := keyset.Parse(bytes.TrimSpace(src.Text)); err == nil || !ok {
		return src, nil
	}
	fields, err := r.ReadFields(ctx, name)
	if err != nil {
		return intake.Source{}, fmt.Errorf("store %s: %w", store, err)
	}
	src = intake.Source{Fields: map[string][]byte{}}
	for field, v := range fields {
		src.Fields[field] = v.Reveal()
	}
	return src, nil
}
