package intake

// A Code says why a source is refused.
type Code string

// The codes. In brackets: which members of a Refusal they come with.
const (
	Empty     Code = "empty"
	TooLarge  Code = "too-large"   // Have (0 if the document as a whole is), Want: bytes
	TooMany   Code = "too-many"    // Have, Want: keys
	Binary    Code = "binary"      // bytes that are no text
	BOM       Code = "bom"         // a byte order mark
	OwnKeyset Code = "own-keyset"  // Name: of the key
	Unusable  Code = "unusable"    // keyset refuses it
	BadKid    Code = "bad-kid"     // a kid that rotate cannot print
	KidTaken  Code = "kid-taken"   // Kids, Name: of the other key
	KidTwice  Code = "kid-twice"   // Kids
	KidForSet Code = "kid-for-set" // Kids
	OtherKid  Code = "other-kid"   // Kids: the source's

	// What was selected.
	NoMembers     Code = "no-members"     // Name: what was asked for, of what has no members
	NoSuchMember  Code = "no-such-member" // Name, Members: those that are there
	NotAText      Code = "not-a-text"     // Name, Kind
	SeveralFields Code = "several-fields" // Members
	EncodedMember Code = "encoded-member" // Name
	MemberTwice   Code = "member-twice"   // Name

	// Texts.
	Placeholder   Code = "placeholder"
	Reference     Code = "reference" // Kind: who resolves it
	Token         Code = "token"
	Hashed        Code = "hashed"     // of a password
	Wrapped       Code = "wrapped"    // Kind: what is in the base64
	Assignment    Code = "assignment" // Name: the first, Members: all
	Document      Code = "document"   // YAML, INI and the like
	Broken        Code = "broken"     // begins like JSON or XML
	Quoted        Code = "quoted"
	Blanks        Code = "blanks"         // Kind: beginning or end
	Lines         Code = "lines"          // Have
	Unseen        Code = "unseen"         // At: the character, from 1; Kind
	OtherEncoding Code = "other-encoding" // Name
	NeedsPair     Code = "needs-pair"     // Name: the algorithm

	// JSON.
	Object           Code = "object"    // Members
	NotTexts         Code = "not-texts" // At, Kind: of a list's element
	BadJWK           Code = "bad-jwk"   // Members: what is missing or wrong; Kids
	NotForSigning    Code = "not-for-signing"
	UnknownAlgorithm Code = "unknown-algorithm" // Name
	OnlyPublic       Code = "only-public"       // Kids
	SeveralSigners   Code = "several-signers"   // Kids
	NoSuchSigner     Code = "no-such-signer"    // Kids: those that can
	Mixed            Code = "mixed"             // Members: the algorithms
	OtherAlgorithm   Code = "other-algorithm"   // Name: what it is, Members: what is wanted

	// PEM.
	DamagedPEM      Code = "damaged-pem"
	NoPrivate       Code = "no-private"      // Members: the labels
	SeveralPrivate  Code = "several-private" //
	UnknownKey      Code = "unknown-key"     // Kind
	ShortRSA        Code = "short-rsa"       // Have, Want: bits; Kids
	ClosePrimes     Code = "close-primes"    // of an RSA key; Kids
	NeedsText       Code = "needs-text"      // Name: the algorithm
	NeedsPassphrase Code = "needs-passphrase"
	WrongPassphrase Code = "wrong-passphrase"
	UnknownCipher   Code = "unknown-cipher"
)

// A Refusal is why a source is not taken in, as data. None of it is a part of a
// secret: members' names, kids, algorithms, lengths and places only.
type Refusal struct {
	Code       Code
	Name, Kind string
	Members    []string
	Kids       []string
	At         int // a place, from 1
	Element    int // of a list or set, from 1; 0 where there is none
	Have, Want int
}

// A NoteCode says what is to be told of a source that is taken in.
type NoteCode string

// The codes of notes, with the members that they come with.
const (
	LineEndCut    NoteCode = "line-end-cut"
	GuessedText   NoteCode = "guessed-text"   // Name: the algorithm
	GuessedPair   NoteCode = "guessed-pair"   // Name: the algorithm
	OneField      NoteCode = "one-field"      // Name
	EscapedLines  NoteCode = "escaped-lines"  // \n in place of line ends
	OtherForm     NoteCode = "other-form"     // Name: of the PEM that becomes PKCS #8
	PassedOver    NoteCode = "passed-over"    // Members: labels
	FirstSigns    NoteCode = "first-signs"    // N: texts
	SameAgain     NoteCode = "same-again"     // N: which text
	HalvesDropped NoteCode = "halves-dropped" // Kids
	DatesIgnored  NoteCode = "dates-ignored"
	DecodedBytes  NoteCode = "decoded-bytes"
	OtherForms    NoteCode = "other-forms" // Name: what the text begins with, and its successors do not
	NoRoom        NoteCode = "no-room"     // N: keys
	WeakRSA       NoteCode = "weak-rsa"    // N: bits, Kids
)

// A Note is one thing to tell.
type Note struct {
	Code    NoteCode
	Name    string
	Members []string
	Kids    []string
	N       int
}
