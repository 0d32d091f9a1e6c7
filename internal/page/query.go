package page

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/keyrotate/rotate/internal/status"
)

// A query is what an address asks for.
type query struct {
	State string // which keys: a word of states; "" for all
	Sort  status.Order
	Text  string // part of a key's name
	Days  int    // how far a timeline reaches, back and ahead: one of windows
	Page  int    // from 1
	Watch bool   // the browser asks again each minute
}

const (
	attention = "attention" // the filter of what needs a person
	mostText  = 64          // no key has a longer name
)

// windows is how many days a timeline may reach, the first by default.
var windows = []int{180, 30, 7}

// states lists the filters: what needs a person, and each state by its own word.
func states() []string {
	all := []string{attention}
	for _, s := range status.States() {
		all = append(all, string(s))
	}
	return all
}

// fields reads the value of each parameter, and tells whether there is such a value.
var fields = map[string]func(q *query, value string) bool{
	"state": func(q *query, value string) bool { q.State = value; return slices.Contains(states(), value) },
	"sort": func(q *query, value string) bool {
		q.Sort = status.Order(value)
		return slices.Contains(status.Orders(), q.Sort)
	},
	"q":     func(q *query, value string) bool { q.Text = value; return len(value) <= mostText },
	"days":  func(q *query, value string) bool { q.Days = number(value); return slices.Contains(windows, q.Days) },
	"page":  func(q *query, value string) bool { q.Page = number(value); return q.Page > 0 },
	"watch": func(q *query, value string) bool { q.Watch = value == "1"; return q.Watch },
}

// number is that of a text in its shortest form; 0 for any other text.
func number(text string) int {
	if n, err := strconv.Atoi(text); err == nil && strconv.Itoa(n) == text {
		return n
	}
	return 0
}

// parse reads a query. An empty value, as a form sends it, counts as none. The error says what there is, and repeats
// nothing: an address may hold what somebody pasted there.
func parse(raw string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, errors.New("this address cannot be read")
	}
	q := query{Sort: status.ByAttention, Days: windows[0], Page: 1}
	for name, all := range values {
		set, known := fields[name]
		if !known || len(all) != 1 || all[0] != "" && !set(&q, all[0]) {
			return query{}, fmt.Errorf("this page has state=%s, sort=%s, days=%s, page=NUMBER, q=PART-OF-A-NAME and watch=1, each at most once",
				anyOf(states()), anyOf(status.Orders()), anyOf(windows))
		}
	}
	return q, nil
}

// anyOf lists values as a choice.
func anyOf[T any](values []T) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", "|")
}

// Link is the address of a query on this page, in a form of its own: what is as by default is left out.
func (q query) Link() string {
	v := url.Values{}
	add := func(name, value, usual string) {
		if value != usual {
			v.Set(name, value)
		}
	}
	add("state", q.State, "")
	add("sort", string(q.Sort), string(status.ByAttention))
	add("q", q.Text, "")
	add("days", strconv.Itoa(q.Days), strconv.Itoa(windows[0]))
	add("page", strconv.Itoa(q.Page), "1")
	if q.Watch {
		v.Set("watch", "1")
	}
	return "?" + v.Encode()
}

// The queries that are one click away. A change of what is listed, or how, begins at the first page.

func (q query) only(state string) query      { q.State, q.Page = state, 1; return q }
func (q query) sorted(by status.Order) query { q.Sort, q.Page = by, 1; return q }
func (q query) reach(days int) query         { q.Days = days; return q }
func (q query) at(page int) query            { q.Page = page; return q }
func (q query) watched(on bool) query        { q.Watch = on; return q }
