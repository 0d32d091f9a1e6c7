// Package keyset is rotate's document: all live keys of one name, as a JWK Set
// (RFC 7517) with a few more members.
//
// # For applications
//
// Sign with the current key, verify with all of them:
//
//	set, err := keyset.Parse(data)
//	key := set.Signing()                  // put key.Kid in the token's header
//	for _, key := range set.Verifying(kid) { … } // kid from the header, "" if it has none
//
// The algorithm is the key's, never the token's: a token that names another
// one is refused before any signature is looked at (RFC 8725 §3.1). Parse
// again whenever the source changes, at the latest within the propagation time
// that the rotation is configured with.
//
// # For rotate
//
// A Set never changes. Each transition (Create, Adopt, Publish, Promote, Retire,
// Revoke) returns a new Set with the generation raised by one; each mark
// (MarkReady, MarkSettled, Record) returns one of the same generation. Encode
// renders a Set canonically: sorted members, no white space, and a digest over
// everything else, so that a document edited by hand shows.
//
// The package uses no clock, no randomness, no file and no network. All times
// are whole seconds in UTC.
package keyset
