package say

import (
	"fmt"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// What the document says of a key's life, for an auditor.
const (
	BeganToSign    = "began to sign"
	SeenAsNext     = "was read back as next in the store and in every output that carries it"
	SeenAsCurrent  = "was read back as current in the store and in every output"
	AskedToReplace = "a rotation away from it was asked for"
)

// Made says where a key came from.
func Made(k keyset.Key) string {
	if k.Adopted {
		return "adopted from elsewhere"
	}
	return "made"
}

// GraceEnds says whether a grace is over.
func GraceEnds(now, end time.Time) string {
	if end.After(now) {
		return "its grace will end"
	}
	return "its grace ended"
}

// What is wrong with a line of the audit file.
const (
	NoEvent   = "no event: it was cut or edited, or written only in part"
	NoChain   = "no chain, although newer lines stand before it: an older rotate wrote it, or a hand"
	LastFound = "the line that its writer found last, when it began, is missing"
)

// NotAsWritten is of a line that was changed.
func NotAsWritten(n uint64) string {
	return fmt.Sprintf("line %d of its chain is not what its writer wrote", n)
}

// OutOfOrder is of a line that stands after a later one of its chain.
func OutOfOrder(n, last uint64) string {
	return fmt.Sprintf("line %d of its chain stands after line %d: it was put here, or stands twice", n, last)
}

// OtherBefore is of a line whose writer had another line before it.
func OtherBefore(n, last uint64) string {
	return fmt.Sprintf("line %d of its chain was written after another line %d than the one that is here", n, last)
}

// Gap is of lines that are not there. older tells that older files were looked through.
func Gap(from, to uint64, older bool) string {
	text := fmt.Sprintf("lines %d to %d of its chain are missing before it", from, to)
	if from == to {
		text = fmt.Sprintf("line %d of its chain is missing before it", from)
	}
	if older {
		text += ", and in no older file that is here"
	}
	return text
}

// ChainsWorth is what a reader may conclude from whole chains.
func ChainsWorth() []string {
	return []string{
		"a line that was changed, taken out or moved shows if a later line of its chain is here, or if another chain began right after it",
		"lines that were cut off the end of the file do not show: compare with the log, where the daemon tells its last number and digest each hour",
		"a chain has no key: whoever may write the file can compute all of it again. A copy on another host shows that",
		"lines of older versions have no chain, and the oldest of several files may begin anywhere: nobody can tell whether they are whole",
	}
}
