package providers

import "github.com/keyrotate/rotate/secret"

// Secret is a stored value. It holds its bytes behind a closure, prints as
// [secret] everywhere, and gives them up only to Reveal.
type Secret = secret.Text

// NewSecret copies b into a Secret.
func NewSecret(b []byte) Secret { return secret.New(b) }
