package say

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// shownAlike is how many texts of one code stand below the lines of many keys; of more the first is told.
const shownAlike = 3

// remarks tells each reason once, with the keys that have it.
func remarks(b *strings.Builder, name string, of func(keyStatus, Times) []remark, r status.Report, v View) {
	var text strings.Builder
	text.WriteString("\n") // the heading
	for _, k := range together(of, r) {
		told, others := k.split()
		for _, x := range told {
			row(&text, name, x.text(of, r.At))
		}
		if len(others) > 0 {
			row(&text, name, fmt.Sprintf("%s: likewise (%s); rotate status NAME tells the words of each", few(others), k.Code))
		}
	}
	if text.Len() > 1 {
		b.WriteString(v.dress(text.String(), v.palette().strong))
	}
}

// A kind is what keys have with reasons of one code.
type kind struct {
	rotation.Code
	told []*common
}

// A common reason is one that several keys have in the same words, or one key.
type common struct {
	Words
	keys []status.Key
	at   int // which of the remarks of the first key it is
}

// together puts the keys with the same reason together, in the order of the keys.
func together(of func(keyStatus, Times) []remark, r status.Report) (all []*kind) {
	kinds, known := map[rotation.Code]*kind{}, map[remark]*common{}
	for _, key := range r.Keys {
		for i, x := range of(anyOf(key), From(r.At)) {
			k := kinds[x.Code]
			if k == nil {
				k = &kind{Code: x.Code}
				kinds[x.Code], all = k, append(all, k)
			}
			c := known[x]
			if c == nil {
				c = &common{Words: x.Words, at: i}
				known[x], k.told = c, append(k.told, c)
			}
			c.keys = append(c.keys, key)
		}
	}
	return all
}

// split is what is told, and the keys whose words are not: of many texts of one code the first is enough.
func (k *kind) split() (told []*common, others []status.Key) {
	if len(k.told) <= shownAlike {
		return k.told, nil
	}
	for _, c := range k.told[1:] {
		others = append(others, c.keys...)
	}
	return k.told[:1], others
}

// anyOf is a key without what is its own: what is said of it is true of each key with the same reasons.
func anyOf(key status.Key) keyStatus {
	k := keyStatus{Key: key, many: true}
	k.Key.Key, k.Secret = "KEY", ""
	k.Alarms = slices.Clone(k.Alarms)
	for i, r := range k.Alarms {
		if r.Code.OfStore() {
			k.Alarms[i].Kid = "" // which key signs, its line tells
		}
	}
	return k
}

// text is the names of the keys and the reason. One key has its own words.
func (c *common) text(of func(keyStatus, Times) []remark, now time.Time) string {
	words := c.Words
	if len(c.keys) == 1 {
		words = of(keyStatus{Key: c.keys[0], now: now}, From(now))[c.at].Words
	}
	return few(c.keys) + ": " + words.String()
}

// few is the first names of some keys, and how many there are more.
func few(keys []status.Key) string {
	var names []string
	for _, k := range keys {
		names = append(names, k.Key)
	}
	return Names(names)
}
