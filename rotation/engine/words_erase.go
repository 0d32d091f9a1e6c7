package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyrotate/rotate/providers"
)

// The words of what is erased and what is left.

// errAlwaysOvertaken says that a place cannot be swept at all.
var errAlwaysOvertaken = errors.New("another writer has moved on, each time")

// cannotErase is an alarm; output is "" for the key's own store.
func cannotErase(output string, err error) string {
	return fmt.Sprintf("%ssuperseded revisions could not be erased: %v", prefix(output), err)
}

func prefix(output string) string {
	if output == "" {
		return ""
	}
	return output + ": "
}

// superseded is the reason of an erasure.
func superseded(output string, e providers.Erasure) string {
	reason := prefix(output) + "superseded: " + string(e.How)
	if !e.Until.IsZero() {
		reason += " until it is destroyed at " + e.Until.UTC().Format(time.RFC3339)
	}
	return reason
}

// Where names a place for people.
func (l Leftover) Where() string {
	if l.Output == "" {
		return fmt.Sprintf("store %s, secret %s", l.Store, l.Secret)
	}
	return fmt.Sprintf("output %s, secret %s", l.Output, l.Secret)
}

// What says what is left there.
func (l Leftover) What() string {
	switch l.Code {
	case LeftReadable:
		return "these superseded revisions can still be read: " + strings.Join(l.Revisions, ", ")
	case LeftOld:
		return fmt.Sprintf("its value is of generation %d, and what was removed left at generation %d", l.Generation, l.Dropped)
	case LeftForeign:
		return "it may hold them: its value is not one that rotate wrote for this key"
	case LeftUnlisted:
		return "what can be read of its past could not be listed: " + l.Cause.Error()
	case LeftUnrendered:
		return "it cannot be brought up to date: " + l.Cause.Error()
	}
	return "it may hold them: " + l.Cause.Error()
}
