package ops

import (
	"crypto"
	"crypto/rsa"
	"os"
	"path/filepath"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/around"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// judge asks of each key how easily it can be guessed.
func (a *Adopted) judge() {
	names := namesNear("", os.LookupEnv, a.Key)
	for _, k := range a.Taken.Keys {
		a.Verdicts = append(a.Verdicts, judged(k, k.Alg, names))
	}
}

// judged is the judge's answer about a key that is used with alg, "" if nobody says.
// Of a pair that only verifies nothing but the public half is known: of RSA that can
// be judged, of a curve the Result is zero.
func judged(k keyset.Key, alg keyset.Algorithm, names []judge.Name) judge.Result {
	switch key := k.SignKey().(type) {
	case []byte:
		near := judge.Context{Names: names}
		if alg != "" {
			near.MinBytes, near.KeyBytes, near.For = alg.MinBytes(), len(key), string(alg)
		}
		return judge.Text(k.Text().Reveal(), near)
	case crypto.Signer:
		return judge.PrivateKey(key)
	}
	if public, ok := k.VerifyKey().(*rsa.PublicKey); ok {
		return judge.PublicKey(public)
	}
	return judge.Result{}
}

// namesNear is the names that people make secrets from: of this host, of the project
// that a folder lies in ("" is the working folder), of what lookup knows as
// os.LookupEnv does, and of keys of the config.
func namesNear(dir string, lookup func(string) (string, bool), keys ...*fleet.Key) []judge.Name {
	host, _ := os.Hostname() // without a name it has none
	dir, err := filepath.Abs(dir)
	if err != nil {
		dir = "/"
	}
	names := around.Names(dir, host, lookup)
	for _, k := range keys {
		names = append(names, namesOf(k)...)
	}
	return names
}

// namesOf is what the config calls a key.
func namesOf(k *fleet.Key) []judge.Name {
	return []judge.Name{
		{Text: k.Name, From: "name of a key in the config"},
		{Text: k.Secret, From: "name of a secret in the config"},
		{Text: k.Environment, From: "environment in the config"},
	}
}

// Weak reports whether the key that signs should be replaced at once: it can be
// guessed, or is shorter than its algorithm allows.
func (a *Adopted) Weak() bool {
	v := a.Verdicts[0]
	return v.Verdict == judge.Guessable || v.Has(judge.Short) || len(a.Taken.Short) > 0
}
