package page

import (
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
)

// perPage is how many keys are shown at once.
const perPage = 200

// orders is the orders of a list in words, the first by default.
var orders = []struct {
	order status.Order
	text  string
}{
	{status.ByAttention, "attention first"},
	{status.ByName, "name"},
	{status.ByState, "worst state"},
	{status.ByNext, "what comes next"},
	{status.ByAge, "oldest key"},
}

// named is the keys whose names have a part.
func named(all []*status.Key, part string) (found []*status.Key) {
	part = strings.ToLower(strings.TrimSpace(part)) // names are in lower case
	for _, k := range all {
		if strings.Contains(k.Key, part) {
			found = append(found, k)
		}
	}
	return found
}

// is tells whether a key is what a filter asks for.
func is(k *status.Key, state string) bool {
	return state == "" || state == attention && k.Alarmed() || state == string(k.State)
}

// count is how many keys a filter finds.
func count(all []*status.Key, state string) (n int) {
	for _, k := range all {
		if is(k, state) {
			n++
		}
	}
	return n
}

// listed is what a query lists of the keys, in its order.
func listed(all []*status.Key, q query) (list []*status.Key) {
	for _, k := range all {
		if is(k, q.State) {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, q.Sort.Compare)
	return list
}

// cut is one page of a list, and which one of how many it is: the last one, where the page asked for is beyond it.
func cut(all []*status.Key, asked int) (shown []*status.Key, page, pages int) {
	pages = max(1, (len(all)+perPage-1)/perPage)
	page = min(asked, pages)
	return all[(page-1)*perPage : min(len(all), page*perPage)], page, pages
}

// signs is when the key that signs began to; zero if none is known.
func signs(k *status.Key) time.Time {
	if k.Current == nil || k.Current.Signs == nil {
		return time.Time{}
	}
	return *k.Current.Signs
}

// due is when the schedule wants another key to sign; zero if never, or not known.
func due(k *status.Key) time.Time {
	if k.Due == nil {
		return time.Time{}
	}
	return *k.Due
}
