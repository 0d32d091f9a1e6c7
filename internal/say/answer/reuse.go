package answer

import (
	"fmt"
	"io"
	"strings"

	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
)

// ReuseForms are the forms in which shared keys are written, by name.
func ReuseForms() map[string]func(io.Writer, ops.Reused) error {
	return map[string]func(io.Writer, ops.Reused) error{
		"text":  reuseText,
		"json":  func(w io.Writer, r ops.Reused) error { return JSON(w, r) },
		"sarif": reuseSARIF,
	}
}

func reuseText(w io.Writer, r ops.Reused) error {
	var b strings.Builder
	for _, s := range r.Shared {
		fmt.Fprintf(&b, "SHARED  %d keys have the same material:\n", len(s.Holders))
		for _, h := range s.Holders {
			fmt.Fprintf(&b, "  %s\n", holderWords(h))
		}
	}
	fmt.Fprintf(&b, "%s compared: ", say.Plural(r.Keys, "kid"))
	if len(r.Shared) == 0 {
		b.WriteString("no two keys share material\n")
	} else {
		fmt.Fprintf(&b, "%s shared\n", say.Plural(len(r.Shared), "key"))
	}
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

func holderWords(h ops.Holder) string {
	return fmt.Sprintf("environment %s, key %s: store %s, secret %s, kid %s (%s), of %s", h.Environment, h.Key, h.Store, h.Secret, say.Kid(h.Kid), h.Status, h.Config)
}

// ReuseHint is what to do about a shared key.
const ReuseHint = "whoever has one of them has all; rotate now KEY gives each but one of them a key of its own, without logging anyone out"

func reuseSARIF(w io.Writer, r ops.Reused) error {
	var all []report.Result
	for _, s := range r.Shared {
		for i, h := range s.Holders {
			others := make([]string, 0, len(s.Holders)-1)
			for j, o := range s.Holders {
				if i != j {
					others = append(others, holderWords(o))
				}
			}
			all = append(all, report.Result{
				Rule: "shared-key", Level: "error", File: h.Config, Name: h.Key,
				Text: holderWords(h) + " has the same material as " + strings.Join(others, "; "),
			})
		}
	}
	return report.Results(w, tool(), all)
}
