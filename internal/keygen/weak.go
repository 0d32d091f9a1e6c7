package keygen

import (
	"crypto"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// weakText tells why a secret in use should be replaced: it can be guessed, or
// its key is shorter than the algorithm allows. advice is what is no reason to
// replace it. Neither quotes the text.
func weakText(alg keyset.Algorithm, keyLen int, text string) (weak, advice []string) {
	res := judge.Text([]byte(text), judge.Context{MinBytes: alg.MinBytes(), KeyBytes: keyLen, For: string(alg)})
	if res.Verdict == judge.Guessable || res.Has(judge.Short) {
		return judge.Say(res), nil
	}
	return nil, judge.Say(res)
}

// weakSigner is weakText for a private key.
func weakSigner(key crypto.Signer) (weak, advice []string) {
	res := judge.PrivateKey(key)
	if res.Verdict == judge.Guessable {
		return judge.Say(res), nil
	}
	return nil, judge.Say(res)
}
