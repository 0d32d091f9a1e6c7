package sim

import (
	"time"

	"github.com/keyrotate/rotate/rotation"
)

// plans is what a daemon keeps between passes to plan the next one.
type plans struct {
	troubles int // passes in a row that failed or raised an alarm
	planned  int // grows with each plan: an older one is void
}

// settle plans the next pass, by the rules of the scheduler's own plan. Only
// the longest distance between two tries is the script's: ten minutes over
// years of outages would cost more passes than all that is of interest.
func (p *process) settle() {
	w, step := p.w, p.result.Step
	now := p.wall()
	sync := w.script.Sync
	untilSync := sync - w.now.Add(time.Duration(p.id)*sync/7).Sub(start)%sync
	switch {
	case p.err != nil:
		p.troubles++
		p.again(p.backoff())
		return
	case step.Do == rotation.Halt:
		p.troubles++
		p.again(untilSync)
		return
	case !step.At.IsZero() && !step.At.After(now) && len(step.Alarms) > 0:
		p.troubles++
		p.again(p.backoff())
		return
	}
	wait := untilSync
	if !step.At.IsZero() {
		wait = min(wait, max(step.At.Sub(now), time.Second))
	}
	if len(step.Alarms) == 0 {
		p.troubles = 0
	} else {
		p.troubles++
		wait = min(wait, p.backoff())
	}
	p.again(wait)
}

func (p *process) backoff() time.Duration {
	return doubled(5*time.Second, p.troubles-1, p.w.script.MaxRetry)
}

func doubled(d time.Duration, n int, limit time.Duration) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// again begins the next pass after a while. It is called anew when the clock
// was set: the scheduler never sleeps longer than a minute.
func (p *process) again(wait time.Duration) {
	p.planned++
	plan, life := p.planned, p.life
	var wake func()
	wake = func() {
		switch {
		case p.planned != plan || p.life != life:
		case p.host.until.After(p.w.now):
			p.w.in(p.host.until.Sub(p.w.now), wake)
		default:
			p.begin()
		}
	}
	p.w.in(wait, wake)
}
