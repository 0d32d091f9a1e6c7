package config

import (
	"time"

	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// The structs below are the config's form, and the only place that knows it:
// `yaml` is an option's name, `default` its value where it is not set, read as
// the config itself is, and `doc` its meaning. The decoder, the schema and the
// check of config.example.yaml all go by them.

// A document is a whole config, of one file or of several that add up.
type document struct {
	Environment strictyaml.Option[string] `yaml:"environment" doc:"Where these keys are in use, such as production. It is part of every check: a keyset of another environment is never touched."`
	Stores      map[string]storeSection   `yaml:"stores" doc:"Places that keep keysets, by names of your own."`
	Defaults    shared                    `yaml:"defaults" doc:"Options for every key that does not set them itself."`
	Keys        map[string]keySection     `yaml:"keys" doc:"The keys to rotate, by name."`

	Listen strictyaml.Option[listenSection] `yaml:"listen" doc:"Where the daemon answers over HTTP: an address such as 127.0.0.1:9797 for everything, or a list of addresses that say what each serves; nowhere if not set."`
	Audit  auditSection                     `yaml:"audit" doc:"Where audit events go beside the log."`
	Notify notifySection                    `yaml:"notify" doc:"Who the daemon tells what happens to keys; see docs/notify.md."`
}

// An auditSection says where audit events are kept.
type auditSection struct {
	File strictyaml.Option[string] `yaml:"file" doc:"A file that every change, refusal and manual command is appended to as a line of JSON, from this file's folder; made with mode 0600."`
}

// A keySection is one key's options.
type keySection struct {
	Secret  strictyaml.Option[string] `yaml:"secret" masked:"true" doc:"Name under which the store keeps the keyset, never its value; <environment>-<key> if not set."`
	Purpose strictyaml.Option[string] `yaml:"purpose" doc:"What the key is for, in a line, for rotate inventory. It is no secret."`
	Owner   strictyaml.Option[string] `yaml:"owner" doc:"Who answers for the key, such as a team, for rotate inventory. It is no secret."`
	shared
	Was     strictyaml.Option[[]wasSection]    `yaml:"was" doc:"What the key was called before, after a rename that leaves its secret where it is."`
	Fresh   strictyaml.Option[again]           `yaml:"fresh" doc:"true: a key begins where another one of this name was removed. It serves once; after a second removal it is the lineage that ended, as rotate status shows it."`
	Outputs strictyaml.Option[[]outputSection] `yaml:"outputs" doc:"Further places that get the key in a form that applications read."`
}

// shared are the options of a key that may stand under defaults, too.
type shared struct {
	Store strictyaml.Option[string] `yaml:"store" doc:"Name of the store that keeps the keyset."`

	Algorithm strictyaml.Option[keyset.Algorithm] `yaml:"algorithm" default:"HS256" doc:"What the key signs with, or opaque for a shared secret that signs nothing."`
	Bits      strictyaml.Option[int]              `yaml:"bits" doc:"Length of an RSA key: 2048, 3072 or 4096; 3072 if not set."`
	Bytes     strictyaml.Option[int]              `yaml:"bytes" doc:"Random bytes of a symmetric key, up to 256; as many as its hash has (32, 48 or 64) if not set."`
	Encoding  strictyaml.Option[keyset.Encoding]  `yaml:"encoding" default:"base64url" doc:"How the random bytes of a symmetric key are written as text."`
	Prefix    strictyaml.Option[string]           `yaml:"prefix" masked:"true" doc:"What the text of an opaque secret begins with, such as sk_live_."`
	SecretAs  strictyaml.Option[secretAs]         `yaml:"secret_as" default:"text" doc:"What applications use a symmetric key's text as: the text itself, or the bytes that it decodes to (as JJWT does)."`

	Schedule strictyaml.Option[string]        `yaml:"schedule" doc:"When to rotate, as cron has it: five fields, @monthly, @every 30d; UTC unless CRON_TZ=Europe/Berlin stands before it. Or manual: only when somebody asks. Instead of every."`
	Every    strictyaml.Option[time.Duration] `yaml:"every" doc:"Time from one rotation to the next, counted from the stored one; 90d if neither it nor schedule is set."`
	Window   strictyaml.Option[string]        `yaml:"window" doc:"When a key that is due may begin to sign, such as Mon-Thu 09:00-16:00 Europe/Berlin; what is due outside waits for the next opening, and rotate now does not. Always if not set."`

	Grace       strictyaml.Option[time.Duration] `yaml:"grace" default:"48h" doc:"How long a replaced key still verifies, once its successor was seen everywhere."`
	Propagation strictyaml.Option[time.Duration] `yaml:"propagation" default:"2h" doc:"Longest time until every application has what was written: caches, restarts, syncs. 0s where all read at use."`
	Sync        strictyaml.Option[time.Duration] `yaml:"sync" default:"1h" doc:"How often the daemon reads the store while there is nothing to do, to notice others."`
	TokenTTL    strictyaml.Option[time.Duration] `yaml:"token_ttl" doc:"Longest life of a token. grace is checked against it; not needed otherwise."`
	Jitter      strictyaml.Option[time.Duration] `yaml:"jitter" doc:"Window over which keys spread, each by its name; 10m, or propagation if that is shorter, if not set."`
	GraceBounds strictyaml.Option[graceBounds]   `yaml:"grace_bounds" doc:"The range that grace has to lie in. Widening it says that an unusual grace is meant."`
}

// graceBounds keep rotation.DefaultGraceBounds where one of the two is not set.
type graceBounds struct {
	Min strictyaml.Option[time.Duration] `yaml:"min" default:"24h" doc:"Least grace."`
	Max strictyaml.Option[time.Duration] `yaml:"max" default:"48h" doc:"Greatest grace."`
}

// secretAs is a value of secret_as.
type secretAs string

const (
	asText  secretAs = "text"
	asBytes secretAs = "bytes"
)

// defaultEvery serves keys without every and schedule. It is well within the
// longest use that NIST advises (SP 800-57 part 1, table 1: three years for a
// private signature key, two for a symmetric authentication key), and what
// happens four times a year stays practised.
const defaultEvery = 90 * strictyaml.Day

// defaultJitter is within the two skews that Policy.MinPeriod leaves between
// rotations, so it never makes one reach into the next.
const defaultJitter = 10 * time.Minute
