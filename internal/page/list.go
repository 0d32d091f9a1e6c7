package page

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// perPage is how many keys are shown at once.
const perPage = 200

// An entry is what a list needs to know of a key. Of many keys only the shown ones are looked at more closely.
type entry struct {
	Name, Environment string
	State             status.State
	Alarmed           bool
	Issued, Signs     time.Time // of the key that signs; zero if none is known
	Due               time.Time // when the schedule wants another one to sign; zero if never, or not known
	Next              time.Time // when there is something to do: now, if it can be done; zero if nobody knows
}

// entries is every key, by name.
func entries(now time.Time, keys iter.Seq[live.Key]) (all []entry) {
	for k := range keys {
		s := k.Status()
		e := entry{Name: s.Key, Environment: s.Environment, State: s.State, Alarmed: s.Alarmed(), Due: k.Due()}
		if s.Current != nil {
			e.Issued, e.Signs = s.Current.Issued, *s.Current.Signs
		}
		switch t := s.Then; {
		case t == nil || t.Do == string(rotation.Halt):
		case t.Do != string(rotation.Wait):
			e.Next = now
		case t.At != nil:
			e.Next = *t.At
		}
		all = append(all, e)
	}
	return all
}

// sorts is the orders of a list, the first by default. Keys that are equal in one stay in the order of their names.
var sorts = []struct {
	name, text string
	compare    func(a, b entry) int
}{
	{attention, "attention first", func(a, b entry) int { return cmp.Compare(a.calm(), b.calm()) }},
	{"name", "name", func(a, b entry) int { return 0 }},
	{"next", "what comes next", func(a, b entry) int { return soonest(a.Next, b.Next) }},
	{"age", "oldest key", func(a, b entry) int { return soonest(a.Issued, b.Issued) }},
}

// calm is 0 for a key that needs a person, else 1.
func (e entry) calm() int {
	if e.Alarmed {
		return 0
	}
	return 1
}

func sortNames() (names []string) {
	for _, s := range sorts {
		names = append(names, s.name)
	}
	return names
}

// soonest compares two times; one that is zero comes last.
func soonest(a, b time.Time) int {
	switch {
	case a.IsZero() == b.IsZero():
		return a.Compare(b)
	case a.IsZero():
		return 1
	}
	return -1
}

// named is the keys whose names have a part.
func named(all []entry, part string) (found []entry) {
	part = strings.ToLower(strings.TrimSpace(part))
	if part == "" {
		return all
	}
	for _, e := range all {
		if strings.Contains(e.Name, part) { // names are in lower case
			found = append(found, e)
		}
	}
	return found
}

// is tells whether a key is what a filter asks for.
func (e entry) is(state string) bool {
	return state == "" || state == attention && e.Alarmed || state == string(e.State)
}

// count is how many keys a filter finds.
func count(all []entry, state string) (n int) {
	for _, e := range all {
		if e.is(state) {
			n++
		}
	}
	return n
}

// listed is what a query lists of the keys, in its order.
func listed(all []entry, q query) (list []entry) {
	for _, e := range all {
		if e.is(q.State) {
			list = append(list, e)
		}
	}
	for _, s := range sorts {
		if s.name == q.Sort {
			slices.SortStableFunc(list, func(a, b entry) int { return cmp.Or(s.compare(a, b), strings.Compare(a.Name, b.Name)) })
		}
	}
	return list
}

// cut is one page of a list, and which one of how many it is: the last one, where the page asked for is beyond it.
func cut(all []entry, asked int) (shown []entry, page, pages int) {
	pages = max(1, (len(all)+perPage-1)/perPage)
	page = min(asked, pages)
	return all[(page-1)*perPage : min(len(all), page*perPage)], page, pages
}
