package ops

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"time"

	"github.com/keyrotate/rotate/internal/dotenv"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/format"
	"github.com/keyrotate/rotate/providers/file"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A Hold is how an output holds keys: not at all, or so that some do not read them.
type Hold struct {
	Key    string
	Output string
	Err    error           // why it cannot be written; nil if it can
	Blind  []dotenv.Reader // of the format env, who would not see them
}

// Hint is what to do about an output that cannot be written; "" if that is not known.
func (h Hold) Hint() string {
	var hinted interface{ Hint() string }
	if errors.As(h.Err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// holds tries the outputs of a key with what would stand in them. It writes nothing.
func holds(k *fleet.Key, keys []keyset.Key, now time.Time) (all []Hold) {
	set, err := keyset.Adopt(k.Name, k.Environment, "unwritten", keys, now, time.Time{})
	if err != nil {
		return nil // as the adoption itself will tell
	}
	for _, o := range k.Outputs {
		if _, err := o.Render(set); err != nil {
			all = append(all, Hold{Key: k.Name, Output: o.Name, Err: err})
		} else if blind := blindTo(set, o); len(blind) > 0 {
			all = append(all, Hold{Key: k.Name, Output: o.Name, Blind: blind})
		}
	}
	return all
}

// blindTo is the readers of a .env file that would not see the keys.
func blindTo(set *keyset.Set, o engine.Output) []dotenv.Reader {
	if o.Format != string(format.Env) || len(o.Variables) != 3 {
		return nil
	}
	blind, _ := format.EnvBlind(set, format.Options{Current: o.Variables[0], Next: o.Variables[1], Previous: o.Variables[2]}) // it was rendered
	return blind
}

// Unfit is what stands in .env files of this host that are outputs, and that rotate
// could not take over or write there. It reads those files and makes no call.
func Unfit(ctx context.Context, keys []*fleet.Key) iter.Seq[Hold] {
	return func(yield func(Hold) bool) {
		for _, k := range keys {
			for _, o := range k.Outputs {
				if o.Format != string(format.Env) || !filepath.IsAbs(o.Name) || len(o.Variables) == 0 {
					continue
				}
				if err := unfit(ctx, o.Name, o.Variables[0]); err != nil && !yield(Hold{Key: k.Name, Output: o.Name, Err: err}) {
					return
				}
			}
		}
	}
}

// A Seen output is a file of this host that others may see, or that rotate refuses to
// write, as it lies there now.
type Seen struct {
	Key, Output string
	Exposure    file.Exposure
}

// Refused reports whether rotate writes there only once somebody has changed it.
func (s Seen) Refused() bool {
	return s.Exposure.Link != "" || s.Exposure.Names > 0 || s.Exposure.Mount
}

// Exposed is what is to be known of the files that are outputs, before a key stands in
// them: what adopt tells of a source. It reads none of them and asks Git. Who is meant
// to read by the config is left out.
func Exposed(ctx context.Context, keys []*fleet.Key) iter.Seq[Seen] {
	return func(yield func(Seen) bool) {
		for _, k := range keys {
			for _, o := range k.Outputs {
				if !filepath.IsAbs(o.Name) {
					continue
				}
				e := file.Exposed(ctx, o.Name)
				if e.Mode&0o004 == 0 || k.ForEveryone(o.Name) {
					e.Mode = 0
				}
				if k.PublicOnly(o.Name) {
					e.Mode, e.ACL, e.Git = 0, false, file.Untracked
				}
				if e != (file.Exposure{}) && !yield(Seen{Key: k.Name, Output: o.Name, Exposure: e}) {
					return
				}
			}
		}
	}
}

// unfit is why the variable of a file could not be written there as it is; nil if it
// could, or is not there. What cannot be opened is told by a probe.
func unfit(ctx context.Context, path, variable string) error {
	data, err := readFile(ctx, path)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	read, err := dotenv.Read(data, variable, nil)
	switch {
	case errors.Is(err, dotenv.ErrMissing), errors.Is(err, dotenv.ErrEmpty):
		return nil
	case err != nil:
		return err
	}
	_, err = dotenv.Write(read.Value.Reveal())
	return err
}

// Unheld is the outputs that cannot hold what is in the stores of their keys. It
// reads each key's store; one that cannot be read is told by the probe of that store.
func (h *Host) Unheld(ctx context.Context, keys []*fleet.Key) iter.Seq[Hold] {
	return func(yield func(Hold) bool) {
		for o := range Each(ctx, keys, AtOnce, readSet) {
			if o.Err != nil || len(o.Got.Keys) == 0 {
				continue
			}
			for _, out := range o.Key.Outputs {
				if _, err := out.Render(o.Got); err != nil && !yield(Hold{Key: o.Key.Name, Output: out.Name, Err: err}) {
					return
				}
			}
		}
	}
}
