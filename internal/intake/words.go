package intake

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// This file words refusals and notes. Nothing else in the package says a
// sentence. What stands in braces is a member of the Refusal or Note.

// refusals has for each code what is wrong, and the cure.
var refusals = map[Code][2]string{
	Empty:     {"there is nothing to adopt: the value is empty", "name the place where the application reads its secret"},
	TooLarge:  {"the value has {have} bytes, and {want} are the most that can be taken", "adopt the one key that signs; a keyset has room for 20 KB"},
	TooMany:   {"there are {have} keys, and a keyset holds {want}", "leave out the keys whose tokens have all expired"},
	Binary:    {"the value is not text: it has bytes that are not UTF-8, or a zero byte", "adopt it in base64 or hex, with secret_as: bytes in the config"},
	BOM:       {"the value begins with a byte order mark, or is UTF-16", "save it as UTF-8 without a byte order mark; if applications read the mark as part of the key, use --as-is"},
	OwnKeyset: {"it is a keyset of rotate already, of key {name}", "use rotate status to see it; it needs no adoption"},
	Unusable:  {"the key cannot be used", "make a new key instead"},
	BadKid:    {"a kid must be at most 128 printable ASCII characters without spaces", "give the key such a kid where it is used, or leave it out"},
	KidTaken:  {"kid {kids} is already that of another key pair, key {name}", "one JWK Set would show it twice: give this one another kid in the application first, or a JWK Set of its own"},
	KidTwice:  {"two of the keys have the kid {kids}", "remove the one that is not used, or give it its own kid"},
	KidForSet: {"--kid is for one key, and there are several, with the kids {kids}", "leave --kid out: the kids of a set are kept"},
	OtherKid:  {"the key has the kid {kids}, and --kid names another", "leave --kid out: tokens carry the kid that the key has"},

	NoMembers:     {"#{name} was asked for, and the value is not JSON with members", "leave #{name} out, or name the store's secret that has it"},
	NoSuchMember:  {"there is no member {name}; there are {members}", "name one of them after #, with dots for members of members"},
	NotAText:      {"{name} is {kind}, and a secret is a text", "name the member that holds the secret"},
	SeveralFields: {"the secret has several fields: {members}", "name one of them after #, as in vault:app/jwt#{first}"},
	EncodedMember: {"{name} is the secret in base64, as this tool prints it", "name the store itself with --from, or decode it: base64 -d < FILE | rotate adopt KEY -"},
	MemberTwice:   {"the document has the member {name} twice, and readers differ on which one counts", "remove one of them"},

	Placeholder:   {"it is what a program prints in the place of a secret, not the secret", "read the secret itself: from its store, or the file that the application reads"},
	Reference:     {"it is a reference that {kind} resolves, not the secret", "adopt what it stands for: resolve it and pipe it to - (standard input), or name its store with --from"},
	Token:         {"it is a token (a JWT), not the key that signs tokens", "name the secret that the application signs with"},
	Hashed:        {"it is the hash of a password, which tells whether a password is right and signs nothing", "name the secret that the application signs with; if this text is the key, use --as-is"},
	Wrapped:       {"it is {kind} in base64", "decode it: base64 -d < FILE | rotate adopt KEY -; if the application uses the base64 text itself as the key, use --as-is"},
	Assignment:    {"it looks like {name}=VALUE, not like the value alone; named there: {members}", "give the value alone, or name the variable with --from-env FILE:{name}; if this is the key, use --as-is"},
	Document:      {"it is a document of several lines (such as YAML or INI), not a secret", "give the value alone, or name its place with --from; if this is the key, use --as-is"},
	Broken:        {"it begins like JSON or XML and is not whole", "give the whole document, or the value alone; if this is the key, use --as-is"},
	Quoted:        {"it stands in quotes", "take the quotes off; if applications read them as part of the key, use --as-is"},
	Blanks:        {"it has white space at its {kind}", "take it off; if applications read it as part of the key, use --as-is"},
	Lines:         {"it has {have} lines, and a secret has one", "name the line that is the secret; if this is the key, use --as-is"},
	Unseen:        {"character {at} is {kind}, which cannot be seen", "remove it; if applications read it as part of the key, use --as-is"},
	OtherEncoding: {"it is not in {name} as rotate writes it, so applications would find another text", "set the encoding that it is in, or leave secret_as: bytes out"},
	NeedsPair:     {"{name} needs a private key, in PEM or as a JWK, and this is a secret text", "set the algorithm that the application uses it with"},

	Object:           {"it is a JSON object, not a key; its members are {members}", "name the one that signs after #, with dots for members of members; if the application uses all of the JSON as the key, use --as-is"},
	NotTexts:         {"element {at} of the list is {kind}, and a list of keys has only texts", "name the member that signs after #, such as #0"},
	BadJWK:           {"the JWK {kids}cannot be read; look at {members}", "take it anew from where it was made"},
	NotForSigning:    {"the JWK {kids}is not for signatures ({name})", "leave it out of the set, or adopt the one that signs with #"},
	UnknownAlgorithm: {"a JWK is for the algorithm {name}, which rotate does not make", "known are HS256, RS256, PS256, ES256, EdDSA and their kin; begin with a new key of one of them"},
	OnlyPublic:       {"no key can sign: there are only the public halves of {kids}", "adopt the key that signs: verifiers learn the rest from rotate's own JWK Set"},
	SeveralSigners:   {"several keys can sign: {kids}", "say which one does, with --signs KID; the others go on verifying"},
	NoSuchSigner:     {"--signs names none of the keys that can sign: {kids}", "name one of them, or leave --signs out where the first one signs"},
	Mixed:            {"the keys are of different kinds: {members}", "adopt the one that signs with #; keys of another kind stay where they are"},
	OtherAlgorithm:   {"the key is for {name}, and the config says {members}", "set algorithm: {name} in the config, or adopt another key"},

	DamagedPEM:      {"it begins like PEM and is not", "were its line ends lost? Take the file as it was made: each line has at most 64 characters"},
	NoPrivate:       {"there is no private key, only {members}", "adopt the private key: what signs is needed"},
	SeveralPrivate:  {"the PEM holds more than one private key", "adopt the one that signs"},
	UnknownKey:      {"{kind} is not a key of RSA, P-256, P-384, P-521 or Ed25519 that can be read", "begin with a new key of one of these kinds"},
	ShortRSA:        {"the RSA key has {have} bits, and one below {want} can be broken by anyone", "begin with a new key: rotate makes RSA keys of 3072 bits"},
	ClosePrimes:     {"the two primes of the RSA key are so close that anyone can find them (FIPS 186-5 §A.1.3)", "begin with a new key: whoever has the public half can sign with this one"},
	NeedsText:       {"{name} needs a secret text, and this is a private key", "set the algorithm that the application signs with, such as RS256"},
	NeedsPassphrase: {"the private key is encrypted with a passphrase", "run it on a terminal, which asks, or give --passphrase-file FILE"},
	WrongPassphrase: {"the passphrase is not that of the private key", "give the right one; it is asked for once"},
	UnknownCipher:   {"the private key is encrypted in a way that cannot be read", "write it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW"},
}

// notes has what is told of what was taken in.
var notes = map[NoteCode]string{
	LineEndCut:    "one line end after the value was cut; applications that read it as part of the key would differ",
	GuessedText:   "taken for {name}, as texts commonly are",
	GuessedPair:   "taken for {name}, as its kind of key is commonly used",
	OneField:      "the secret has one field, {name}, and that was taken",
	EscapedLines:  `its line ends were written as \n; rotate writes them as line ends`,
	OtherForm:     "the key was {name} and is PKCS #8 from now on: the same key, in the form that current libraries all read",
	PassedOver:    "passed over: {members}",
	FirstSigns:    "of {n} texts the first signs, as in Auth.js, Django and Rails; the others only verify",
	SameAgain:     "text {n} of the list is there a second time, and counts once",
	HalvesDropped: "of {kids} only the public half is kept: they verify and sign no more",
	DatesIgnored:  "its dates (iat, nbf, exp) are not taken over: rotate counts from the adoption",
	DecodedBytes:  "its bytes are the key; as a text rotate writes them in base64url, as the JWK has them",
	OtherForms:    "it begins with {name}, as Laravel writes keys, and its successors would not: set algorithm: opaque, prefix: {name} and encoding: base64 where Laravel reads them",
	NoRoom:        "with {n} keys there is no room for a next one: the first rotation waits until one of them has left its grace",
	WeakRSA:       "an RSA key of {n} bits: at least 2048 are needed (RFC 7518 §3.3)",
}

// Codes lists every code.
func Codes() []Code { return slices.Sorted(maps.Keys(refusals)) }

// Error says what is wrong. It quotes nothing of a secret.
func (r *Refusal) Error() string {
	text := r.fill(refusals[r.Code][0])
	if r.Code == TooLarge && r.Have == 0 {
		text = fmt.Sprintf("the keys together need more than the %d bytes of a keyset", r.Want)
	}
	if r.Element > 0 {
		return fmt.Sprintf("key %d of the list: %s", r.Element, text)
	}
	return text
}

// Hint says what to do.
func (r *Refusal) Hint() string { return r.fill(refusals[r.Code][1]) }

func (r *Refusal) fill(text string) string {
	kids := strings.Join(r.Kids, ", ")
	if r.Code == BadJWK || r.Code == NotForSigning {
		if kids != "" {
			kids = "of kid " + kids + " "
		}
	}
	first, members := "FIELD", strings.Join(r.Members, ", ")
	if len(r.Members) > 0 {
		first = r.Members[0]
	}
	if members == "" {
		members = "none"
		if r.Code == BadJWK {
			members = "its members"
		}
	}
	return strings.NewReplacer(
		"{name}", r.Name, "{kind}", r.Kind, "{members}", members, "{first}", first, "{kids}", kids,
		"{at}", strconv.Itoa(r.At), "{have}", strconv.Itoa(r.Have), "{want}", strconv.Itoa(r.Want),
	).Replace(text)
}

// String is the sentence.
func (n Note) String() string {
	return strings.NewReplacer(
		"{name}", n.Name, "{members}", strings.Join(n.Members, ", "), "{kids}", strings.Join(n.Kids, ", "), "{n}", strconv.Itoa(n.N),
	).Replace(notes[n.Code])
}
