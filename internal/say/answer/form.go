package answer

import (
	"errors"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// Key is the form of an answer about a key of which nothing else is known.
func Key(k *fleet.Key) *form.Key {
	return &form.Key{Name: k.Name, Environment: k.Environment, Store: k.StoreName, Secret: k.Secret}
}

// Form is an answer and an error about a key, for programs.
func Form(k *fleet.Key, ans Answer, err error) form.Answer {
	f := ans.Form
	if f == nil {
		f = Key(k)
	}
	base := f.Base()
	base.Message, base.Attention, base.Error = say.Clean(ans.Head), say.Clean(ans.Alarm), Problem(err)
	return f
}

// keyForm is a key as a keyset has it; the keyset is nil if there is none.
func keyForm(now time.Time, k *fleet.Key, set *keyset.Set) form.Key {
	f := *Key(k)
	if set != nil {
		look := k.Outlook(set)
		f.Generation, f.Due = set.Generation, some(look.Due())
		f.Next, f.Current, f.Previous = status.Lives(now, look)
	}
	return f
}

// Problem is an error for programs, in the words that people get; nil for none.
func Problem(err error) *form.Error {
	if err == nil {
		return nil
	}
	w := say.Error(err)
	f := &form.Error{Kind: form.OtherError, Message: say.Clean(w.What), Hint: say.Clean(w.Hint)}
	if wrong, ok := errors.AsType[strictyaml.Problems](err); ok {
		f.Kind, f.Message, f.Mistakes = form.ConfigError, say.Plural(len(wrong), "mistake")+" in the config", mistakes(wrong)
	} else if _, ok := errors.AsType[*usage.Error](err); ok {
		f.Kind = form.UsageError
	} else if halt, ok := errors.AsType[*ops.HaltError](err); ok {
		f.Kind, f.Code = form.HaltError, halt.Code
	} else if _, ok := errors.AsType[*ops.UnclearError](err); ok {
		f.Kind = form.UnclearError
	} else if _, ok := errors.AsType[*ops.LeftError](err); ok {
		f.Kind = form.LeftError
	}
	return f
}

// mistakes is what a config has that is wrong, or not advised.
func mistakes(all []strictyaml.Problem) (list []form.Mistake) {
	for _, p := range all {
		list = append(list, form.Mistake{File: p.File, Line: p.Line, Column: p.Column, Path: p.Path, Message: p.Msg, Hint: p.Hint})
	}
	return list
}

// kidsOf names keys.
func kidsOf(keys []keyset.Key) (kids []string) {
	for _, k := range keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

// some is a time in whole seconds; nil for none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
