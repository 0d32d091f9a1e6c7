package audit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/keyrotate/rotate/rotation/engine"
)

// maxLine is far more than an event has.
const maxLine = 1 << 20

// Read returns the events of one secret in the order in which they stand, under any
// name that its key has had, and how many lines of the file are none.
func Read(path string, names []string, store, secret string) (events []engine.Event, spoilt int, err error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, 0, fmt.Errorf("audit file: %w", err)
	}
	defer f.Close()
	return read(f, func(ev engine.Event) bool {
		return slices.Contains(names, ev.Key) && ev.Store == store && (ev.Secret == secret || ev.Action == "erase")
	})
}

func read(r io.Reader, wanted func(engine.Event) bool) (events []engine.Event, spoilt int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var ev engine.Event
		switch err := json.Unmarshal(lines.Bytes(), &ev); {
		case len(lines.Bytes()) == 0:
		case err != nil || ev.Time.Equal(time.Time{}) || ev.Action == "":
			spoilt++
		case wanted(ev):
			events = append(events, ev)
		}
	}
	if err := lines.Err(); err != nil {
		return events, spoilt, fmt.Errorf("audit file: %w", err)
	}
	return events, spoilt, nil
}
