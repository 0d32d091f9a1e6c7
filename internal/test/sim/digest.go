package sim

import "github.com/keyrotate/rotate/providers"

// A digest tells states of an exploration apart (FNV-1a, 64 bits: of five million
// states, two are taken for one with a chance of one in a million).
type digest uint64

const fresh digest = 14695981039346656037

func (d *digest) number(n uint64) {
	for ; ; n >>= 8 {
		if *d = (*d ^ digest(n&0xff)) * 1099511628211; n < 0x100 {
			break
		}
	}
	*d *= 1099511628211 // ends it
}

func (d *digest) text(s providers.RevisionID) {
	for i := range len(s) {
		*d = (*d ^ digest(s[i])) * 1099511628211
	}
	*d *= 1099511628211 // ends it
}

func (d *digest) flag(yes bool) {
	if yes {
		d.number(1)
	} else {
		d.number(0)
	}
}

// key is of all that the writers know and the service holds.
func (t *table) key() digest {
	d := fresh
	for _, s := range t.writers {
		d.number(uint64(s.replies))
		d.number(uint64(s.steps)) //nolint:gosec // few
		d.flag(s.done)
	}
	d.number(uint64(t.now.Sub(start))) //nolint:gosec // never before
	head, _ := t.b.head()
	d.text(head.ID)
	switch b := t.b.(type) {
	case *swapped:
		for _, r := range b.readable() {
			d.text(r.ID)
		}
	case *labelled:
		d.text(b.before)
		for _, v := range b.versions {
			d.text(v.ID)
			d.flag(b.own[v.ID])
		}
	case *aliased:
		d.number(uint64(b.etag)) //nolint:gosec // few
		for _, v := range b.versions {
			d.flag(v != nil)
		}
	case *detected:
		for _, v := range b.versions {
			d.text(v.ID)
			d.text(v.parent)
			d.text(v.copyOf)
			d.flag(v.disabled)
			d.number(uint64(v.Created.Sub(start))) //nolint:gosec // never before
		}
	}
	return d
}

// answer is what a call showed of the service, where its error does not tell and
// the writer does not note it as the result.
func (t *table) answer(d *digest, op string) {
	switch b := t.b.(type) {
	case *labelled:
		if op == "write: put" {
			d.number(uint64(len(b.versions))) // the one that is its own
		}
	case *aliased:
		switch op {
		case "write: look":
			d.number(uint64(b.etag)) //nolint:gosec // few
		case "write: add":
			d.number(uint64(len(b.versions)))
		}
	case *detected:
		switch op {
		case "read":
			d.flag(b.unsettled())
			d.flag(b.repaired())
			head, _ := b.head()
			d.text(head.ID) // repaired is this one
		case "write: set":
			d.number(uint64(len(b.versions)))
		}
	}
}
