package providertest

import (
	"bytes"
	"sync"

	"github.com/keyrotate/rotate/providers"
)

func readPromises() []promise {
	return []promise{
		{"never stored is not found", func(b *bench) { b.absent() }},
		{"the head is what was written", func(b *bench) { b.holds(b.put("a", "", note(1))) }},
		{"the head is the last write", func(b *bench) {
			after := providers.RevisionID("")
			for _, label := range []string{"a", "b", "c"} {
				rev := b.put(label, after, note(1))
				b.holds(rev)
				after = rev.ID
			}
		}},
		{"a handle opened before sees what comes later", func(b *bench) {
			other := b.again()
			rev := b.put("a", "", note(1))
			if got := b.read(other); got.ID != rev.ID || !got.Value.Equal(rev.Value) {
				b.Errorf("the other handle reads %q, want %q", got.ID, rev.ID)
			}
		}},
		{"reading twice gives the same", func(b *bench) {
			b.put("a", "", note(1))
			first, second := b.read(b.s), b.read(b.s)
			if first.ID != second.ID || first.Note != second.Note || !first.Created.Equal(second.Created) {
				b.Errorf("two reads differ: %v, then %v", first, second)
			}
		}},
		{"the service's clock is as declared", func(b *bench) {
			b.put("a", "", note(1))
			if got := b.read(b.s); got.Service.IsZero() == b.raw.Traits().Clock {
				b.Errorf("Revision.Service is %v and Traits.Clock %v", got.Service, b.raw.Traits().Clock)
			}
		}},
		{"traits are the same on each handle", func(b *bench) {
			one, two := b.s.Traits(), b.again().Traits()
			one.Notes, two.Notes = nil, nil
			if one.Type != two.Type || one.MaxValue != two.MaxValue || one.Stale != two.Stale || one.Erases != two.Erases {
				b.Errorf("traits differ: %v and %v", one, two)
			}
		}},
		{"traits are complete", traitsAreComplete},
		{"readers see whole values while a writer writes", wholeValues},
		{"readers never go back", neverBack},
		{"bytes: text of several scripts", exactly([]byte(`{"name":"schlüssel","鍵":"🔑"}`))},
		{"bytes: a newline at the end", exactly([]byte("secret\n"))},
		{"bytes: no newline at the end", exactly([]byte("secret"))},
		{"bytes: several line ends of both kinds", exactly([]byte("\r\n\nsecret\r\n\n"))},
		{"bytes: blanks at both ends", exactly([]byte(" \t secret \t "))},
		{"bytes: what templates and HTML escape", exactly([]byte(`{"k":"<&>'\u003c${x}$(y)%s\\"}`))},
		{"bytes: one byte", exactly([]byte("x"))},
		{"bytes: all 256", exactlyOrRefused(everyByte())},
		{"bytes: not UTF-8", exactlyOrRefused([]byte("secret \xff\xfe\xc3("))},
	}
}

// exactly stores v as the first value and as an update, and reads it back.
func exactly(v []byte) func(*bench) {
	return func(b *bench) {
		rev, err := b.s.Write(b.ctx, name, providers.NewSecret(v), "", note(1))
		if err != nil {
			b.Fatalf("write: %v", err)
		}
		if got := b.read(b.s).Value.Reveal(); !bytes.Equal(got, v) {
			b.Errorf("reads %q, want %q", got, v)
		}
		mid := b.put("between", rev.ID, note(2))
		if _, err := b.s.Write(b.ctx, name, providers.NewSecret(v), mid.ID, note(3)); err != nil {
			b.Fatalf("update: %v", err)
		}
		if got := b.read(b.again()).Value.Reveal(); !bytes.Equal(got, v) {
			b.Errorf("reads %q after an update, want %q", got, v)
		}
	}
}

// exactlyOrRefused is for values that rotate never writes: a service for text
// may refuse them, but may not change them.
func exactlyOrRefused(v []byte) func(*bench) {
	return func(b *bench) {
		if _, err := b.s.Write(b.ctx, name, providers.NewSecret(v), "", note(1)); err != nil {
			b.absent()
			return
		}
		if got := b.read(b.s).Value.Reveal(); !bytes.Equal(got, v) {
			b.Errorf("reads %q, want %q", got, v)
		}
	}
}

func everyByte() []byte {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	return all
}

func traitsAreComplete(b *bench) {
	t := b.raw.Traits()
	const document = 20 << 10 // the largest document that rotate writes
	switch {
	case t.Type == "":
		b.Errorf("Type is empty")
	case t.MaxValue < document:
		b.Errorf("MaxValue is %d, too small for a document of %d", t.MaxValue, document)
	case t.Stale < 0:
		b.Errorf("Stale is %v", t.Stale)
	case strength(t.Erases) == 0:
		b.Errorf("Erases is %q, which is no How", t.Erases)
	case t.Remains == "":
		b.Errorf("Remains does not tell an auditor anything")
	case t.TakesName == nil || t.NameRule == "":
		b.Errorf("TakesName and NameRule do not tell which names are taken")
	}
}

// wholeValues lets a reader read all through forty updates. Each value it sees
// must be one that was written.
func wholeValues(b *bench) {
	rev := b.put("0", "", note(1))
	var mu sync.Mutex
	written := []providers.Secret{rev.Value}
	reader := b.again()
	during(func() {
		for i := range 40 {
			label := string(rune('A' + i))
			mu.Lock()
			written = append(written, value(label))
			mu.Unlock()
			rev = b.put(label, rev.ID, note(uint64(i)+2))
		}
	}, func() {
		got, err := reader.Read(b.ctx, name)
		if err != nil {
			b.Errorf("reading during writes: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, v := range written {
			if v.Equal(got.Value) {
				return
			}
		}
		b.Errorf("a reader saw %d bytes that nobody wrote", got.Value.Len())
	})
}

// neverBack lets a reader follow forty updates through two handles in turn.
func neverBack(b *bench) {
	if b.raw.Traits().Stale > 0 {
		b.Skipf("Traits.Stale is %v: two handles may differ by that", b.raw.Traits().Stale)
	}
	var mu sync.Mutex
	order := map[providers.RevisionID]int{}
	rev := b.put("0", "", note(1))
	order[rev.ID] = 1
	readers, turn, last := []providers.Store{b.again(), b.again()}, 0, 0
	during(func() {
		for i := range 40 {
			rev = b.put(string(rune('A'+i)), rev.ID, note(uint64(i)+2))
			mu.Lock()
			order[rev.ID] = i + 2
			mu.Unlock()
		}
	}, func() {
		got, err := readers[turn%2].Read(b.ctx, name)
		turn++
		mu.Lock()
		defer mu.Unlock()
		at := order[got.ID]
		switch {
		case err != nil:
			b.Errorf("reading during writes: %v", err)
		case at == 0: // so new that its writer has not returned yet
		case at < last:
			b.Errorf("a reader saw write %d after write %d", at, last)
		default:
			last = at
		}
	})
}

// strength ranks how strongly a revision is made unreadable; 0 is unknown.
func strength(h providers.How) int {
	ranks := map[providers.How]int{
		providers.Destroyed: 5, providers.Unlinked: 4, providers.Replaced: 3, providers.Disabled: 2, providers.Unlabelled: 1,
	}
	return ranks[h]
}
