package audit

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/keyrotate/rotate/rotation/engine"
)

// Read returns the events of one secret in the order in which they stand, under any
// name that its key has had, in the file at a path and in those that were moved away
// from it, and how many lines are no events. The error is an fs.ErrNotExist if there is no file at the path; what
// the others have is returned all the same.
func Read(path string, names []string, store, secret string) (events []engine.Event, spoilt int, err error) {
	files, err := Files(path)
	if err != nil {
		return nil, 0, err
	}
	for _, file := range files {
		err := eachLine(file, func(_ int, text []byte) {
			ev, err := decode(text)
			switch {
			case err != nil:
				spoilt++
			case slices.Contains(names, ev.Key) && ev.Store == store && (ev.Secret == secret || ev.Action == "erase"):
				events = append(events, ev.Event)
			}
		})
		if err != nil && (file == path || !errors.Is(err, fs.ErrNotExist)) { // one may be moved on meanwhile
			return events, spoilt, err
		}
	}
	return events, spoilt, nil
}
