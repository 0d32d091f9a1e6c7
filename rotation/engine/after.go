package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keyrotate/rotate/internal/bug"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
)

// afterTimeout is how long one After may take. A pass has two minutes, and may read
// and write outputs before.
const afterTimeout = time.Minute

var errNotRead = fmt.Errorf("it did not end within %s", rotation.Duration(afterTimeout))

// An untold is an After that failed in this pass, and the revision that it was of.
type untold struct {
	revision string
	why      rotation.Reason
}

// makeRead has the readers of every output that is up to date read it, all at once. An output is behind until its
// readers have read what it holds, so nobody signs with a key that readers do not have. A compromised key does not
// wait for them: it is revoked first, and the next round makes them read what is left.
func (p *pass) makeRead(ctx context.Context, found []synced) {
	if !p.readOnly && slices.ContainsFunc(p.ask.Revoke, func(kid string) bool { return !slices.Contains(p.result.Set.Revoked, kid) }) {
		return
	}
	var wg sync.WaitGroup
	for i, o := range p.t.Outputs {
		got := &found[i]
		if o.After == nil || !got.behind.IsZero() || got.wrote != nil {
			continue
		}
		before := p.outputs.untold[o.Name]
		wg.Go(func() { p.makeReadOne(ctx, o, got, before) })
	}
	wg.Wait()
	for i, o := range p.t.Outputs {
		if got := found[i]; got.unread && !p.readOnly {
			p.outputs.untold[o.Name] = untold{got.state(), got.behind}
		}
	}
}

// makeReadOne runs the After of one output, if that was not done yet for what it
// holds, and at most once in a pass. A process that only looks, and cannot tell
// whether it was done, says so.
func (p *pass) makeReadOne(ctx context.Context, o Output, got *synced, before untold) {
	done := false
	p.e.remember(p.t.outputPlace(o), func(m *memory) { done = m.read == got.state() })
	keeper, keeps := providers.As[providers.ReadNoter](o.Store)
	switch {
	case got.wasRead, done && (!keeps || p.readOnly):
		return
	case p.readOnly && !keeps:
		got.readUnknown = true
		return
	case p.readOnly:
		got.behind = rotation.Reason{Code: rotation.OutputUnread}
	case before.revision == got.state():
		got.behind = before.why
	default:
		got.behind = p.runAfter(ctx, o, got, done, keeper)
	}
	got.unread = !got.behind.IsZero()
}

// runAfter runs it, unless this process has run it already, and leaves a note beside the output. keeper is nil where
// no note can be left. The zero Reason says that both succeeded.
//
// The note comes last. If the process is killed before it, readers read once more, and never once too few.
func (p *pass) runAfter(ctx context.Context, o Output, got *synced, done bool, keeper providers.ReadNoter) rotation.Reason {
	if !done {
		if err := callAfter(ctx, o, got.state()); err != nil {
			return failure(func(string) rotation.Code { return rotation.OutputUnread }, err)
		}
		p.e.remember(p.t.outputPlace(o), func(m *memory) { m.read = got.state() })
	}
	if keeper == nil {
		return rotation.Reason{}
	}
	limited, cancel := context.WithTimeoutCause(ctx, outputTimeout, errNoAnswer)
	defer cancel()
	return behind(keeper.NoteRead(limited, o.Secret, got.revision))
}

func callAfter(ctx context.Context, o Output, revision string) (err error) {
	defer bug.Catch(&err)
	limited, cancel := context.WithTimeoutCause(ctx, afterTimeout, errNotRead)
	defer cancel()
	return o.After(limited, revision)
}
