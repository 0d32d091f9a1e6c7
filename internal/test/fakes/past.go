package fakes

import "time"

// A Past is what each of a service's secrets was, from which moment on: a stale
// read sees it. The zero value is empty. Its user locks it.
type Past[S any] struct{ seen []moment[S] }

type moment[S any] struct {
	at     time.Time
	name   string
	secret S
}

// Keep notes a secret, a copy of its own, as it is from now on.
func (p *Past[S]) Keep(now time.Time, name string, secret S) {
	p.seen = append(p.seen, moment[S]{now, name, secret})
}

// AsOf is a secret as it was at a time; the zero value if it had not been kept.
func (p *Past[S]) AsOf(at time.Time, name string) (secret S) {
	for _, m := range p.seen {
		if m.name == name && !m.at.After(at) {
			secret = m.secret
		}
	}
	return secret
}
