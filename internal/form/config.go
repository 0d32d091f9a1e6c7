package form

import "time"

// Config is what validate prints.
type Config struct {
	Head
	Path        string      `json:"path,omitempty"`        // the file or folder that was read
	Environment string      `json:"environment,omitempty"` // the config's
	Keys        []ConfigKey `json:"keys,omitempty"`        // what the config makes of each key
	Notes       []string    `json:"notes,omitempty"`       // what follows from the config and is good to know
	Warnings    []Mistake   `json:"warnings,omitempty"`    // what is accepted but not advised; the exit code is 3 with --strict
	Probes      []Probe     `json:"probes,omitempty"`      // of --probe: what came of each place
}

// A ConfigKey is one key as the config has it.
type ConfigKey struct {
	Name               string     `json:"key"`                         // its name
	Algorithm          string     `json:"algorithm"`                   // what its keys are for
	Store              string     `json:"store"`                       // name of the store that it lives in
	Secret             string     `json:"secret"`                      // its name there
	Location           string     `json:"location,omitempty"`          // path or address of the secret, where the store can tell
	Outputs            []string   `json:"outputs,omitempty"`           // further places that get it
	Due                *time.Time `json:"due,omitempty"`               // when a key that is made now is replaced; absent for never
	GraceSeconds       int64      `json:"grace_seconds"`               // how long a previous key verifies
	PropagationSeconds int64      `json:"propagation_seconds"`         // how long until every reader has what was written
	TokenSeconds       int64      `json:"token_ttl_seconds,omitempty"` // how long tokens live, if token_ttl says so
	LongestToken       int64      `json:"longest_token_seconds"`       // the longest life of a token that the grace allows
}

// A Probe is what came of trying one place.
type Probe struct {
	Store  string   `json:"store,omitempty"`  // a store, by its name in the config
	Output string   `json:"output,omitempty"` // an output with a folder of its own, or with an after
	After  string   `json:"after,omitempty"`  // how that output's readers would be made to read; they were not
	Secret string   `json:"secret,omitempty"` // a secret, and whose it is
	Erases string   `json:"erases,omitempty"` // of a store: how strongly it erases
	Notes  []string `json:"notes,omitempty"`  // of a store: what it does otherwise than an ideal one
	// of a secret: what rotate may do beyond what it needs; the exit code is 3 with --strict
	Excess []string `json:"excess,omitempty"`
	Error  *Error   `json:"error,omitempty"` // why it does not work; the exit code is 1
}
