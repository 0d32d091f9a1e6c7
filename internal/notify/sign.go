package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// SecretPrefix begins a symmetric secret of Standard Webhooks; base64 follows.
const SecretPrefix = "whsec_"

// The least and the most random bytes of a secret, by Standard Webhooks.
const (
	LeastSecret = 24
	MostSecret  = 64
)

// parseSecret reads a secret as Standard Webhooks serializes it.
func parseSecret(text string) ([]byte, error) {
	encoded, prefixed := strings.CutPrefix(strings.TrimSpace(text), SecretPrefix)
	material, err := base64.StdEncoding.DecodeString(encoded)
	if !prefixed || err != nil || len(material) < LeastSecret || len(material) > MostSecret {
		return nil, fmt.Errorf("it is not %s and the base64 of %d to %d bytes", SecretPrefix, LeastSecret, MostSecret)
	}
	return material, nil
}

// sign sets the headers of Standard Webhooks: one signature for each secret, since
// a receiver may have only one of them while they change. at is the time of the
// attempt.
func sign(header http.Header, secrets [][]byte, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, s)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", stamp)
	if len(signatures) > 0 {
		header.Set("webhook-signature", strings.Join(signatures, " "))
	}
}

// secrets are those that sign now. set is the newest keyset of a key.
func (s Signing) secrets(set func(key string) *keyset.Set) (all [][]byte, err error) {
	if s.Key != "" {
		return ownSecrets(s.Key, set(s.Key))
	}
	for i, path := range []string{s.File, s.Next} {
		if path == "" {
			continue
		}
		text, err := readFile(path)
		if err != nil && i > 0 && errors.Is(err, errNoFile) {
			continue // there is a next secret only while they change
		}
		if err != nil {
			return nil, fmt.Errorf("the secret's file: %w", err)
		}
		material, err := parseSecret(text)
		if err != nil {
			return nil, fmt.Errorf("the secret's file: %w", err)
		}
		all = append(all, material)
	}
	return all, nil
}

// ownSecrets are those of one of rotate's keys: current and next, and previous, for
// a receiver that has not yet read what replaced it.
func ownSecrets(key string, set *keyset.Set) (all [][]byte, err error) {
	if set == nil {
		return nil, fmt.Errorf("the key %s, whose secret signs, was not read yet", key)
	}
	for _, k := range set.Keys {
		material, err := parseSecret(string(k.Text().Reveal()))
		if err != nil {
			return nil, fmt.Errorf("the key %s, whose secret signs: %w", key, err)
		}
		all = append(all, material)
	}
	return all, nil
}
