package answer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/keyrotate/rotate/internal/ops"
	"github.com/keyrotate/rotate/internal/say"
)

// Inspected writes what there is to know of a token, for people.
func Inspected(w io.Writer, i ops.Inspected) error {
	var b strings.Builder
	if i.Algorithm != "" || i.Kid != "" {
		fmt.Fprintf(&b, "kid        %s\nalgorithm  %s\n", cmp.Or(say.Word(i.Kid), "none is named"), cmp.Or(say.Word(i.Algorithm), "none is named"))
	}
	switch {
	case i.Made:
		fmt.Fprintf(&b, "made by    key %s of this config, kid %s\n", i.Maker, say.Word(cmp.Or(i.MadeBy, i.Kid)))
	case i.Code == ops.TokenMalformed || i.Code == ops.TokenEncrypted || i.Code == ops.TokenUnsigned || i.Code == ops.TokenCritical:
	default:
		fmt.Fprint(&b, "made by    no live key of this config\n")
	}
	fmt.Fprintf(&b, "answer     %s\n", tokenWords(i))
	if i.Made && i.MadeBy == "" || i.Code == ops.TokenVerifies { // the dates are those of the key that has the kid
		fmt.Fprintf(&b, "verifies   %s\n", untilWords(i))
	}
	if i.Claims != nil {
		var claims bytes.Buffer
		e := json.NewEncoder(&claims)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(i.Claims); err != nil {
			return err
		}
		fmt.Fprintf(&b, "claims     %s", claims.String())
	} else if i.Problem != "" && i.Code != ops.TokenMalformed {
		fmt.Fprintf(&b, "claims     %s\n", i.Problem)
	}
	_, err := io.WriteString(w, say.Clean(b.String()))
	return err
}

// tokenWords says whether a reader takes the token, and why not.
func tokenWords(i ops.Inspected) string {
	removed := "at a time that is not on record"
	if i.Gone != nil {
		removed = say.When(i.At, *i.Gone)
	}
	switch i.Code {
	case ops.TokenVerifies:
		return "the signature verifies"
	case ops.TokenMalformed:
		return "refused: this is no token: " + i.Problem
	case ops.TokenEncrypted:
		return "refused: the token is encrypted (a JWE), and rotate's keys sign"
	case ops.TokenUnsigned:
		return "refused: the token is not signed (alg none, or no signature); anybody can make such a token"
	case ops.TokenCritical:
		return "refused: its header names critical extensions (crit), which a reader has to know or refuse"
	case ops.TokenRevoked:
		return fmt.Sprintf("refused: its kid was revoked, as key %s has it, %s", i.Key, removed)
	case ops.TokenRetired:
		return fmt.Sprintf("refused: its kid is retired: key %s removed it %s", i.Key, removed)
	case ops.TokenAlgorithm:
		return fmt.Sprintf("refused: its kid belongs to key %s, which is used with %s only", i.Key, i.Wants)
	case ops.TokenForged:
		if i.Key == "" {
			return "refused: it names no kid, and no key of this config made it"
		}
		return fmt.Sprintf("refused: it names the kid of key %s, and that key did not make it, or it was changed since", i.Key)
	case ops.TokenExpired:
		return "refused: the signature verifies, but the token has expired (exp)"
	case ops.TokenEarly:
		return "refused: the signature verifies, but the token is not valid yet (nbf)"
	case ops.TokenUnreadable:
		return "nobody can tell: no key that could be read has its kid, and " + strings.Join(i.Unread, ", ") + " could not be read"
	}
	return "refused: no key of this config has its kid, live or on record"
}

// untilWords says until when the key verifies that made the token.
func untilWords(i ops.Inspected) string {
	switch {
	case i.Until != nil:
		return "until " + say.When(i.At, *i.Until)
	case i.Replaced != nil:
		return fmt.Sprintf("while it signs, which by the schedule is until %s, and for at least %s more", say.When(i.At, *i.Replaced), i.Grace)
	case i.Status == "current":
		return fmt.Sprintf("while it signs, for which no end is set, and for at least %s more", i.Grace)
	case i.Status == "previous":
		return "until its successor was seen everywhere and the grace is over; no date is set yet"
	case i.Status == "next":
		return "from now on; it does not sign yet"
	}
	return "nobody can tell"
}
