package status

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// An Order is how the keys of a report are sorted. Keys that are equal by it are sorted by name.
type Order string

// The orders.
const (
	ByAttention Order = "attention" // those that need a person first
	ByName      Order = "name"
	ByState     Order = "state" // the worst first
	ByAge       Order = "age"   // the oldest signing key first, keys without one last
	ByNext      Order = "next"  // what comes next first, keys without a date last
)

// Orders lists every Order.
func Orders() []Order { return []Order{ByAttention, ByName, ByState, ByAge, ByNext} }

// Compare orders two keys, as cmp.Compare does.
func (o Order) Compare(a, b *Key) int {
	by := 0
	switch o {
	case ByAttention:
		by = cmp.Compare(rank(a), rank(b))
	case ByState:
		by = cmp.Compare(slices.Index(States(), a.State), slices.Index(States(), b.State))
	case ByAge:
		by = cmp.Compare(age(b), age(a))
	case ByNext:
		by = upcoming(a).Compare(upcoming(b))
	}
	return cmp.Or(by, strings.Compare(a.Key, b.Key))
}

// Sorted is the report in another order.
func (r Report) Sorted(o Order) Report {
	r.Keys = slices.Clone(r.Keys)
	slices.SortStableFunc(r.Keys, func(a, b Key) int { return o.Compare(&a, &b) })
	return r
}

func rank(k *Key) int {
	if k.Alarmed() {
		return 0
	}
	return 1
}

// age is that of the key that signs; less than any where there is none.
func age(k *Key) int64 {
	if k.Current == nil {
		return -1
	}
	return k.Current.AgeSeconds
}

// upcoming is when the next step is taken: at once where it is no wait, and never where a wait has no end.
func upcoming(k *Key) time.Time {
	switch t := k.Then; {
	case t == nil, t.At == nil && t.Do == "wait", t.Do == "halt":
		return time.Unix(1<<40, 0)
	case t.At == nil || t.Do != "wait":
		return time.Time{}
	default:
		return *t.At
	}
}
