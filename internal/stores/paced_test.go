package stores

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// A limited store has a quota.
type limited struct {
	providers.Store
	writes int // a minute
}

func (l limited) Traits() providers.Traits {
	t := l.Store.Traits()
	t.WritesAMinute = l.writes
	return t
}

// inAMinute is the most of these times within any minute.
func inAMinute(times []time.Time) (most int) {
	for i, j := 0, 0; j < len(times); j++ {
		for times[j].Sub(times[i]) >= time.Minute {
			i++
		}
		most = max(most, j-i+1)
	}
	return most
}

// What may come at once does, and yet no minute has more writes than the traits
// allow, neither the first nor one after a rest.
func TestPace(t *testing.T) {
	for n, together := range map[int]int{1: 1, 14: 1, 20: 1, 30: 2, 150: 10, 180: 12} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := paced(limited{memory.New(), n}).(*pacedStore)
				var times []time.Time
				begin := time.Now()
				for i := range 6 * n {
					if i%(2*n) == n/2 {
						time.Sleep(time.Duration(i) * time.Second)
					}
					if err := s.turn(t.Context()); err != nil {
						t.Fatal(err)
					}
					times = append(times, time.Now())
					if i < together && time.Now() != begin {
						t.Errorf("number %d waits, %d may come at once", i+1, together)
					}
				}
				if got := inAMinute(times); got > n {
					t.Errorf("%d writes in a minute", got)
				}
				if took, most := times[n].Sub(begin), time.Minute+time.Duration(n)*time.Second; took > most {
					t.Errorf("the first %d took %v", n+1, took)
				}
			})
		})
	}
}
