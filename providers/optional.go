package providers

import (
	"context"
	"time"
)

// The powers that only some stores have. Each is an interface that a Store, or
// its Config, may implement; nothing in rotate asks which adapter it talks to.
// Find those of a Store with As, which looks through what stands in front of it.

// A Prober proves by calls of its own that the store can be read and written,
// and leaves nothing behind. `rotate validate --probe` asks it. If a store is
// no Prober, rotate tries a conditional write after a revision that never
// existed, which the store has to refuse. The error names what is missing in
// the vendor's words.
type Prober interface {
	Probe(ctx context.Context) error
}

// A Surveyor tells what this identity may do to one secret, and changes
// nothing. `rotate validate --probe` asks it for each secret of the config. A
// missing right is an error. ProbeSecret returns rights beyond what rotate
// needs, because whoever takes over this host has them, too.
type Surveyor interface {
	ProbeSecret(ctx context.Context, name string) (excess []string, err error)
}

// A Needer tells the least rights that a role needs for some secrets of a store, by
// the calls that the adapter makes. `rotate policy` asks it before a store is
// opened, and it makes no call. What the service is not told by the config, such as
// the number of an account, is a word in capitals. No rights are needed where List
// is empty.
type Needer interface {
	Needs(role Role, uses []Use) Rights
}

// A ReaderFinder tells who may read a secret, as far as the service's own API says it
// to this identity. `rotate inventory --principals` asks it. It reads no value. What
// it cannot see it names in Unseen: a right that is missing there is no error, and
// neither is a secret that does not exist yet.
type ReaderFinder interface {
	Readers(ctx context.Context, name string) (Readers, error)
}

// Readers are who may read a secret.
type Readers struct {
	Known  []Reader // in the order of their names
	Unseen []string // what else can let somebody read, and could not be looked at: a sentence each
}

// A Reader is one that a policy lets read.
type Reader struct {
	Who string // as the service calls it: an ARN, a policy, serviceaccount:shop/web, a user of the host
	By  string // what lets it: resource policy, Role secrets-reader, mode 0640
}

// A Remover removes a name's value altogether, if head is the head now; if not,
// the error is ErrConflict. `rotate forget` asks it. If a store is no Remover,
// a text that is no key takes the value's place. Removing what is not there
// succeeds.
type Remover interface {
	Remove(ctx context.Context, name string, head RevisionID) error
}

// A ReadNoter notes, beside the value, that the readers of one revision were made
// to read it, so that another process need not do that again. It makes no new
// revision. If id is not the head now, the error is ErrConflict. A write begins
// without the note. If the store of an output is no ReadNoter, each process has
// readers read once.
type ReadNoter interface {
	NoteRead(ctx context.Context, name string, id RevisionID) error
}

// A Lister tells which names a store has and reads no value, unless the service
// shows notes only with values (see Listed.Untold). `rotate list` asks it. A name that was
// written, or lost, within Traits.Stale may be missing from it, or still be in
// it. So nothing is ever taken for gone because a listing lacks it.
//
// The order is that of the names. Names that Traits does not take are left out.
// A list that the service refuses is ErrDenied; rotate's own rights need not
// include it. An adapter for a service where the right to list shows values has
// no such right by design: its List makes no call, and its ErrDenied says why.
type Lister interface {
	List(ctx context.Context) ([]Listed, error)
}

// A Listed is one name of a store, as its listing shows it.
type Listed struct {
	Name string // as Read takes it

	// Note is the newest one that the listing shows, and zero where it shows none:
	// then the value is somebody else's, and rotate does not read it. Where the
	// listing cannot tell, Untold is set, and only a Read does.
	Note   Note
	Untold bool

	// Output says that the store knows the value for an output's. It is not read as
	// a keyset is.
	Output bool

	Size    int       // of the value in bytes; 0 where the listing does not tell
	Created time.Time // when the name was first stored; zero where the listing does not tell
	Written time.Time // when its head was; zero where the listing does not tell
}

// A FieldReader hands out a secret by its fields, where the service keeps a secret
// as several named texts: Vault's fields, the data keys of Kubernetes. `rotate
// adopt` asks it for a secret that somebody else wrote. A field that is no text is
// its JSON. The errors are those of Read. The name has to be one that Traits
// takes.
type FieldReader interface {
	ReadFields(ctx context.Context, name string) (map[string]Secret, error)
}

// A Wrapper stands in front of another Store. Unwrap returns nil while there is
// none yet.
type Wrapper interface {
	Unwrap() Store
}

// As finds a power of s, or of the store that s stands in front of.
func As[Power any](s Store) (Power, bool) {
	for s != nil {
		if p, ok := s.(Power); ok {
			return p, true
		}
		w, ok := s.(Wrapper)
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	var none Power
	return none, false
}

type waitingKey struct{}

// TellWaiting has tell called, from any goroutine, once a call with the context
// waits for another process for more than a second.
func TellWaiting(ctx context.Context, tell func(what string)) context.Context {
	return context.WithValue(ctx, waitingKey{}, tell)
}

// Waiting tells what a call waits for, if somebody listens.
func Waiting(ctx context.Context, what string) {
	if tell, ok := ctx.Value(waitingKey{}).(func(string)); ok {
		tell(what)
	}
}

// A Relocatable Config has paths that begin at the folder of the config file.
// base is that folder, absolute. It is called once, before Validate.
type Relocatable interface {
	Relative(base string)
}

// A Validator refuses what Open would refuse, without a call. Its error may be an
// OptionError, or several joined by errors.Join: each is shown where that option
// stands.
type Validator interface {
	Validate() error
}

// An Owner keeps files of its own in a folder. Owns reports whether the one of a
// name is, or would be, one of them: an output must not be written there.
type Owner interface {
	Owns(name string) bool
}

// A Shared Config can let every user of the host read what is written. People are
// told where that is a key that signs.
type Shared interface {
	Everyone() bool
}

// A Locator tells people where a secret is: a path, or what the service's own
// console shows; "" if it cannot tell. Two Configs of a type give one text for two
// secrets only if these are one place, so rotate finds keys that would overwrite
// each other.
type Locator interface {
	Where(secret string) string
}

// A Paced Config tells Traits.WritesAMinute of its stores before one is opened.
// `rotate validate` asks it, and refuses schedules with which a store cannot keep up.
type Paced interface {
	WritesAMinute() int
}

// A Namer tells which names its stores take, before one is opened and without a
// call: takes and rule are the Traits.TakesName and Traits.NameRule of each.
// `rotate validate` asks it. Without it, a name that is not taken is found out when
// the store is opened.
type Namer interface {
	NameRule() (takes func(name string) bool, rule string)
}

// OneValued tells of stores that keep nothing of a value that was replaced. There
// the output format `value` keeps the previous key in a second secret.
type OneValued interface {
	OneValue() bool
}

// An OutputOpener opens a store for renderings, if they need other treatment
// than keysets: a lost rendering is written again. If a Config has none,
// outputs share the store of the keysets.
type OutputOpener interface {
	OpenOutput(ctx context.Context, r Rendering) (Store, error)
}

// A Roller has the pods of a workload in the store's own cluster and namespace start
// anew, so that they read what an output of this store holds. Workloads are those
// that TakesWorkload takes, such as deployment/shop. One revision of one output
// begins one rollout, however often it is called. ProbeRollout fails as Rollout would,
// and begins none. Their errors are *Error. It is safe for concurrent use.
type Roller interface {
	TakesWorkload(workload string) bool
	Rollout(ctx context.Context, workload, output, revision string) error
	ProbeRollout(ctx context.Context, workload string) error
}

// A FieldKeeper keeps outputs in fields of one secret, where the service keeps a
// secret as several named texts: each output has some, and the rest is not touched.
// A revision is then of these fields alone: whatever else changes in the secret makes
// none. TakesField tells which names of fields the service takes.
//
// Marked is what a secret gets that has an output with these marks: the marks, and the
// Config's own where they say nothing else. The error says which mark the service does
// not take. OpenPart opens the store of an output; without fields the output has all of
// a secret.
type FieldKeeper interface {
	TakesField(field string) bool
	Marked(Marks) (Marks, error)
	OpenPart(ctx context.Context, fields []string, m Marks) (Store, error)
}

// Marks are what an output puts on its secret beside the value, by name. They belong to
// the whole secret: outputs that share one have to agree on each.
type Marks struct{ Labels, Annotations map[string]string }

// A PublicKeeper may keep things where anybody can read them: if PublicOnly, it is
// refused as the store of a key, and for every output that is not of public keys alone
// and in a field of its own.
type PublicKeeper interface {
	PublicOnly() bool
}

// A Rendering says what kind of output a store is opened for.
type Rendering struct {
	Name      string   // of the one file in the store's folder; "" where any secret may be written
	Variables []string // of a .env file, of which the rest is not touched; nil for a file of one's own
	Public    bool     // it holds no private key
}
