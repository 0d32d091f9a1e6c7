// Package form has the documents that commands print with -o json, for programs.
// docs/json.md is made of its types: the comment on a member says what it means, a tag
// `enum` lists its values.
//
// A form only ever grows: a member may be added, and a program has to pass over those
// that it does not know. What changes or goes gets a new version in the schema's name.
package form

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// The names of the forms, each with its version.
const (
	Now      = "rotate/now/v1"
	Revoke   = "rotate/revoke/v1" // of revoke, and of now --compromised
	Adopt    = "rotate/adopt/v1"
	Accept   = "rotate/accept/v1"
	Forget   = "rotate/forget/v1"
	Remove   = "rotate/remove/v1"
	Get      = "rotate/get/v1"
	Validate = "rotate/validate/v1"
	Version  = "rotate/version/v1"
	Pause    = "rotate/pause/v1"
	Resume   = "rotate/resume/v1"
	Failure  = "rotate/error/v1" // of any command that failed before it had an answer
)

// A Head begins each document.
type Head struct {
	Schema   string    `json:"schema"`          // name and version of this form
	At       time.Time `json:"at"`              // when the command ended
	ExitCode int       `json:"exit_code"`       // the command's exit code
	Error    *Error    `json:"error,omitempty"` // why the command failed as a whole
}

// End fills in how the command ended.
func (h *Head) End(at time.Time, code int, err *Error) {
	h.At, h.ExitCode, h.Error = at.UTC().Truncate(time.Second), code, err
}

// A Document is what one command prints.
type Document interface {
	End(at time.Time, code int, err *Error)
}

// The kinds of errors.
const (
	UsageError   = "usage"
	ConfigError  = "config"
	HaltError    = "halted"
	UnclearError = "unclear"
	LeftError    = "left"
	OtherError   = "failed"
)

// An Error says what failed. Its words are those of standard error.
type Error struct {
	// usage: the command line; config: mistakes in the config; halted: what is stored cannot be trusted;
	// unclear: nobody can tell yet; left: revoked, but not gone from every place; failed: all else
	Kind     string        `json:"kind" enum:"usage,config,halted,unclear,left,failed"`
	Code     rotation.Code `json:"code,omitempty"`     // of halted: why, as in status
	Message  string        `json:"message"`            // what failed, for people
	Hint     string        `json:"hint,omitempty"`     // what to do about it
	Mistakes []Mistake     `json:"mistakes,omitempty"` // of config: every mistake
}

// A Mistake is one place of a config that is wrong, or that is not advised.
type Mistake struct {
	File    string `json:"file"`           // path of the file
	Line    int    `json:"line"`           // from 1
	Column  int    `json:"column"`         // from 1, in characters
	Path    string `json:"path,omitempty"` // the option, such as keys.auth-jwt.grace
	Message string `json:"message"`        // what is wrong
	Hint    string `json:"hint,omitempty"` // what to do about it
}

// Failed is what a command prints that failed before it had an answer.
type Failed struct {
	Head
	Name string `json:"key,omitempty"` // of audit: the key that failed
}

// Build is what version prints.
type Build struct {
	Head
	Version  string `json:"version"`            // the release, or what Go knows of the build
	Revision string `json:"revision,omitempty"` // the commit that it was built of
	Modified bool   `json:"modified,omitempty"` // the sources differed from that commit
	Go       string `json:"go"`                 // the Go release that built it
	OS       string `json:"os"`                 // the system it is for
	Arch     string `json:"arch"`               // the processor it is for
}
