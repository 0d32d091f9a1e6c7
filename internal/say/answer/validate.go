package answer

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/form"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/rotation"
)

// ValidForm is a valid config for programs.
func ValidForm(now time.Time, path string, conf *config.Config, keys []*fleet.Key) *form.Config {
	f := &form.Config{Head: form.Head{Schema: form.Validate}, Path: path, Environment: conf.Environment, Notes: conf.Notes, Warnings: mistakes(conf.Warnings)}
	for _, k := range keys {
		p := k.Policy
		key := form.ConfigKey{
			Name: k.Name, Algorithm: string(k.Spec.Algorithm), Store: k.StoreName, Secret: k.Secret, Location: k.Where(), Due: some(p.Due(now)),
			GraceSeconds: seconds(p.Grace), PropagationSeconds: seconds(p.Propagation), TokenSeconds: seconds(p.TokenTTL), LongestToken: seconds(p.LongestToken()),
		}
		for _, o := range k.Outputs {
			key.Outputs = append(key.Outputs, o.Name)
		}
		f.Keys = append(f.Keys, key)
	}
	return f
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// Valid says what a config at a path makes of its keys.
func Valid(now time.Time, path string, conf *config.Config, keys []*fleet.Key) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: OK; environment %s, %s, %s\n", path, conf.Environment, say.Plural(len(keys), "key"), say.Plural(len(conf.Stores), "store"))
	for _, k := range keys {
		b.WriteString(keyLine(now, k))
	}
	for _, note := range conf.Notes {
		fmt.Fprintf(&b, "  note: %s\n", note)
	}
	return b.String()
}

// jitter tells how much of a due date is the key's own delay, so that a date such as "in 90d9m" explains itself.
func jitter(p rotation.Policy) string {
	if p.Jitter == 0 {
		return ""
	}
	return ", its jitter of " + rotation.Duration(p.Jitter).String() + " included"
}

// keyLine says what the config makes of a key.
func keyLine(now time.Time, k *fleet.Key) string {
	p := k.Policy
	due := "rotated only when somebody asks"
	if t := p.Due(now); !t.IsZero() {
		due = "a key made now is replaced at " + say.When(now, t) + jitter(p)
	}
	tokens := "" // of the others the config's notes speak
	if p.TokenTTL > 0 {
		tokens = fmt.Sprintf(", tokens of %s (%s would fit)", rotation.Duration(p.TokenTTL), rotation.Duration(p.LongestToken()))
	}
	return fmt.Sprintf("  %s (%s): %s; grace %s, propagation %s%s; %s\n", k.Name, k.Spec.Algorithm, due,
		rotation.Duration(p.Grace), rotation.Duration(p.Propagation), tokens, k.Place())
}

// Probed says that a place was tried and works; "" of a secret.
func Probed(p ops.Probed) string {
	switch {
	case p.Store != "":
		text := fmt.Sprintf("  store %s: reads and writes; deleted keys: %s\n", p.Store, p.Traits.Erases)
		for _, note := range p.Traits.Notes {
			text += "    note: " + note + "\n"
		}
		return text
	case p.After != "":
		return fmt.Sprintf("  after %s: rotate can have it read output %s\n", p.After, p.Output)
	case p.Output != "":
		return fmt.Sprintf("  output %s: rotate can read and write there\n", p.Output)
	}
	return ""
}

// ProbeForm is what came of one place, for programs.
func ProbeForm(p ops.Probed) form.Probe {
	return form.Probe{
		Store: p.Store, Output: p.Output, After: p.After, Secret: p.Who, Erases: string(p.Traits.Erases),
		Notes: p.Traits.Notes, Excess: p.Excess, Error: Problem(p.Err),
	}
}

// Unfit warns of an output that cannot hold what stands there or in the store.
func Unfit(h ops.Hold) string {
	text := fmt.Sprintf("key %s, output %s cannot hold the text that applications use now, and while it does not, no other key can sign: %v", h.Key, h.Output, h.Err)
	if hint := h.Hint(); hint != "" {
		text += "; " + hint
	}
	return text
}

// Excess warns of rights that nobody needs; "" if there are none.
func Excess(p ops.Probed) string {
	if len(p.Excess) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: rotate may do more than it needs, and so may whoever takes over this host: %s", p.Who, strings.Join(p.Excess, ", "))
}

// Forgetting says what is removed from a place, and Forgotten that it was.
func Forgetting(l *ops.Leaving, dry bool) Answer {
	if dry {
		text := fmt.Sprintf("%s: dry run, nothing was changed; rotate would remove it from %s, and whoever still reads it there would lose the key", l.Key.Name, l.Place)
		return Line(text).with(&form.Forgotten{Key: *Key(l.Key), Outcome: "dry_run", Place: l.Place})
	}
	return Line(fmt.Sprintf("rotate removes key %s from %s: whoever still reads it there loses the key", l.Key.Name, l.Place))
}

// Forgotten says that it was.
func Forgotten(l *ops.Leaving) Answer {
	return Line(fmt.Sprintf("%s: removed from %s", l.Key.Name, l.Place)).with(&form.Forgotten{Key: *Key(l.Key), Outcome: "removed", Place: l.Place})
}
