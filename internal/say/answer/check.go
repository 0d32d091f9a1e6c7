package answer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/report"
	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/internal/version"
)

// tool is how reports name this program.
func tool() report.Tool {
	return report.Tool{Name: "rotate", Version: version.String(), Home: "https://github.com/keyrotate/rotate"}
}

// CheckedForms is the forms in which findings are written at a time, by name.
func CheckedForms(now time.Time) map[string]func(io.Writer, []report.Finding) error {
	return map[string]func(io.Writer, []report.Finding) error{
		"text":  checkedText,
		"json":  func(w io.Writer, all []report.Finding) error { return report.JSON(w, tool(), now, all) },
		"sarif": func(w io.Writer, all []report.Finding) error { return report.SARIF(w, tool(), all) },
	}
}

// verdicts are the judge's, for people.
var verdicts = map[judge.Verdict]string{judge.Guessable: "guessable", judge.BelowAdvice: "below the advice", judge.Fine: "fine"}

// checkedText writes a line for each secret, with its reasons below it, and how many
// there are.
func checkedText(w io.Writer, all []report.Finding) error {
	var b strings.Builder
	counts := map[judge.Verdict]int{}
	for _, f := range all {
		counts[f.Result.Verdict]++
		fmt.Fprintf(&b, "%s: %s\n", placeOf(f), verdicts[f.Result.Verdict])
		for _, reason := range say.Judged(f.Result) {
			fmt.Fprintf(&b, "  %s\n", reason)
		}
	}
	if len(all) != 1 {
		fmt.Fprintf(&b, "%s: %d guessable, %d below the advice, %d fine\n",
			say.Plural(len(all), "secret"), counts[judge.Guessable], counts[judge.BelowAdvice], counts[judge.Fine])
	}
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

// placeOf is where a secret stands: FILE:LINE: NAME.
func placeOf(f report.Finding) string {
	place := ops.CheckSource{Place: f.File}.Where()
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, f.Line)
	}
	if f.Name != "" {
		place += ": " + f.Name
	}
	return place
}

// CheckRemarks is what there is to say beside the findings of a source.
func CheckRemarks(s ops.CheckSource, c ops.Checked) (all []string) {
	for _, r := range c.Remarks {
		name := s.Where()
		if r.Name != "" {
			name += ": " + r.Name
		}
		how := "not judged"
		if r.Judged {
			how = "judged as it stands"
			if _, ok := errors.AsType[*intake.Refusal](r.Why); !ok {
				how = "judged in each form, and the worst is told"
			}
		}
		all = append(all, say.Clean(fmt.Sprintf("%s: %s: %s", name, how, checkProblem(r.Why))))
	}
	if len(c.Settings) > 0 {
		all = append(all, say.Clean(fmt.Sprintf("%s: not counted, since their names are not those of secrets: %s; --all counts them",
			s.Where(), strings.Join(c.Settings, ", "))))
	}
	return all
}

// Advice is what to do about guessable secrets.
const Advice = "rotate adopt KEY takes a guessable secret in and replaces it, without logging anyone out; rotate generate prints a new one"

// Unchecked is the error of a source that cannot be judged.
func Unchecked(s ops.CheckSource, err error) error {
	hint := ""
	var hinted interface{ Hint() string }
	refusal, refused := errors.AsType[*intake.Refusal](err)
	switch {
	case refused && checkCures[refusal.Code] != "":
		hint = checkCures[refusal.Code]
	case errors.As(err, &hinted):
		hint = hinted.Hint()
	}
	return usage.New(s.Where()+" cannot be judged: "+checkProblem(err), hint)
}

// checkProblem says why a secret cannot be judged.
func checkProblem(err error) string {
	if refusal, ok := errors.AsType[*intake.Refusal](err); ok && refusal.Code == intake.Empty {
		return "it is empty"
	}
	return err.Error()
}

// checkCures is what to do where that is not what it is for an adoption.
var checkCures = map[intake.Code]string{
	intake.Empty:           "name the place where the application reads its secret",
	intake.TooLarge:        "name the part of it that is the secret, after #",
	intake.Binary:          "give it as applications have it in text: base64 < FILE | rotate check -",
	intake.BOM:             "save it as UTF-8",
	intake.EncodedMember:   "name the store itself, as STORE:NAME, or decode it: base64 -d < FILE | rotate check -",
	intake.Reference:       "resolve it, and pipe it to rotate check -",
	intake.Assignment:      "give the value alone, or name the file with --env FILE",
	intake.Document:        "give the value alone, or name a .env file with --env FILE",
	intake.Lines:           "give the one line that is the secret, or name a .env file with --env FILE",
	intake.NoPrivate:       "name the private key; a public key is no secret",
	intake.NeedsPassphrase: "name a file that has the passphrase with --passphrase-file, or decrypt the key first: openssl pkey -in FILE | rotate check -",
	intake.OnlyPublic:      "name the key that signs; a public key is no secret",
	intake.Mixed:           "name one of the keys after #, such as #keys.0",
	intake.Object:          "name a member of it after #, with dots for members of members",
}
