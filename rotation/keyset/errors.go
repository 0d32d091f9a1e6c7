package keyset

import "errors"

// What Parse refuses, each with its own error. One document can match several:
// Parse reports everything that it finds.
var (
	ErrTooLarge      = errors.New("the document is larger than 20 KB")
	ErrUTF8          = errors.New("the document is not valid UTF-8")
	ErrMalformed     = errors.New("the document is not a keyset")
	ErrTrailing      = errors.New("something follows the document")
	ErrSchema        = errors.New("the document's schema is not one that this program knows")
	ErrDigest        = errors.New("the digest does not match: the document was changed by something other than rotate")
	ErrNoCurrent     = errors.New("no key is current")
	ErrTwoCurrent    = errors.New("more than one key is current")
	ErrTwoNext       = errors.New("more than one key is next")
	ErrDuplicateKid  = errors.New("two keys share a kid")
	ErrRevoked       = errors.New("a live key is on the revoked list")
	ErrDates         = errors.New("the dates of a key are out of order")
	ErrPrivate       = errors.New("a key that only verifies holds its private half")
	ErrShortKey      = errors.New("a key is shorter than its algorithm's hash")
	ErrTextMismatch  = errors.New("current, next or previous differs from the key that it repeats")
	ErrBadKey        = errors.New("a key is not usable")
	ErrTooManyKeys   = errors.New("the keyset holds as many live keys as it can; one has to leave its grace first")
	ErrNewerWriter   = errors.New("the document asks for a newer rotate to write it")
	ErrWrongStatus   = errors.New("no key is in the status that this transition starts from")
	ErrTooEarly      = errors.New("the key's time has not come")
	ErrPaused        = errors.New("the key is paused")
	ErrTooManyAsked  = errors.New("the requests of the last seven days are on record, and there is no room for another")
	ErrUnknownFormat = errors.New("the algorithm is not one that rotate makes")
)
