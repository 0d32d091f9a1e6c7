package ops

import (
	"slices"
	"strings"
)

// The words of variables' and members' names, in small letters without separators.
var (
	// secretWords stand anywhere in the name of a secret.
	secretWords = []string{
		"secret", "token", "passw", "passphrase", "pwd", "jwt", "hmac", "apikey", "credential", "pepper", "salt", "private", "signing", "signature", "cookie", "session",
	}
	// secretParts are a whole part of such a name, between separators.
	secretParts = []string{"key", "keys", "auth", "pass", "sign", "seed", "pw", "psk"}
	// aboutParts end the name of what is said of a secret.
	aboutParts = []string{
		"age", "alg", "algorithm", "aud", "audience", "count", "domain", "driver", "enabled", "endpoint", "expiration", "expire", "expires", "expiry", "file",
		"host", "id", "in", "iss", "issuer", "length", "lifetime", "max", "method", "min", "minutes", "mode", "name", "path", "port", "prefix", "provider",
		"realm", "region", "rounds", "samesite", "seconds", "secure", "size", "store", "timeout", "ttl", "type", "uri", "url", "user", "username", "version",
	}
)

// namesSecret reports whether a variable or member of this name is meant to be a
// secret.
func namesSecret(name string) bool {
	parts := nameParts(name)
	if len(parts) == 0 || slices.Contains(aboutParts, parts[len(parts)-1]) || slices.Contains(parts, "public") {
		return false
	}
	whole := strings.Join(parts, "")
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(whole, w) }) ||
		slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(secretParts, p) || strings.HasSuffix(p, "key") })
}

// nameParts parts JWT_SECRET, jwt-secret, app.jwt and jwtSecret into words.
func nameParts(name string) []string {
	var b strings.Builder
	before := '_'
	for _, r := range name {
		if 'A' <= r && r <= 'Z' && 'a' <= before && before <= 'z' {
			b.WriteByte(' ')
		}
		if strings.ContainsRune("_-./#:", r) {
			r = ' '
		}
		b.WriteRune(r)
		before = r
	}
	return strings.Fields(strings.ToLower(b.String()))
}
