package keyset

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// paused is a set with a next key, a previous key and a pause.
func paused(t *testing.T, until time.Time) (before, s *Set) {
	t.Helper()
	must := func(n *Set, err error) *Set {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s = someSet(t)
	s.MinWriter = firstWriter
	s = must(must(must(s.Publish(someKey(t, "k1"), epoch)).MarkReady(epoch, nil)).Promote(epoch))
	s = must(s.MarkSettled(epoch, nil, time.Hour))
	s = must(must(s.Publish(someKey(t, "k2"), epoch)).MarkReady(epoch, nil))
	return s, must(s.Pause(Pause{Until: until, By: "me", Reason: "a release"}, epoch))
}

// A pause refuses publish and promote in the document itself, and goes with the first of them
// after its end. All else is as without it.
func TestAPauseHoldsPublishAndPromoteAlone(t *testing.T) {
	end := epoch.Add(24 * time.Hour)
	_, s := paused(t, end)
	ahead, fresh := end.Add(-time.Second), someKey(t, "k3")
	unpublished := *s
	unpublished.Keys = append(unpublished.Keys[:1:1], s.Keys[2:]...)
	for name, tt := range map[string]struct {
		held bool
		do   func(at time.Time) (*Set, error)
	}{
		"publish": {true, func(at time.Time) (*Set, error) { return unpublished.Publish(fresh, at) }},
		"promote": {true, s.Promote},
		"ready":   {false, func(at time.Time) (*Set, error) { return s.MarkReady(at, nil) }},
		"settled": {false, func(at time.Time) (*Set, error) { return s.MarkSettled(at, nil, time.Hour) }},
		"retire":  {false, func(at time.Time) (*Set, error) { return s.Retire("k0", at) }},
		"revoke":  {false, func(at time.Time) (*Set, error) { return s.Revoke([]string{"k1"}, &fresh, at) }},
		"request": {false, func(at time.Time) (*Set, error) { return s.Record(UnnamedRequest("k1", "me"), at) }},
		"accept":  {false, func(at time.Time) (*Set, error) { return s.Accept(20, nil, nil, at) }},
		"rename":  {false, func(at time.Time) (*Set, error) { return s.Rename("another", at) }},
		"forget":  {false, func(at time.Time) (*Set, error) { return s.Forget(at, "out") }},
	} {
		n, err := tt.do(ahead)
		if tt.held != errors.Is(err, ErrPaused) || !tt.held && (err != nil || n.Paused == nil || n.MinWriter != pauseWriter) {
			t.Errorf("%s in the pause: %v", name, err)
		}
		n, err = tt.do(end)
		if err != nil || tt.held != (n.Paused == nil) || tt.held != (n.MinWriter == firstWriter) {
			t.Errorf("%s at its end: %v", name, err)
		}
	}
}

// Outputs show nothing of a pause: they would be written, and each wait would begin anew.
func TestPromise4APauseChangesNoOutput(t *testing.T) {
	before, s := paused(t, epoch.Add(time.Hour))
	was, err := before.Projection()
	if err != nil {
		t.Fatal(err)
	}
	is, err := s.Projection()
	if err != nil || !is.Equal(was) || s.Generation != before.Generation {
		t.Errorf("a pause changes what outputs show (%v)", err)
	}
	resumed, err := s.Resume(epoch)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := resumed.Projection(); err != nil || !again.Equal(was) || resumed.MinWriter != firstWriter || resumed.Paused != nil {
		t.Errorf("nor does its end (%v)", err)
	}
}

func TestPauseRoundTrip(t *testing.T) {
	_, s := paused(t, epoch.Add(time.Hour))
	s.History = nil // nothing before was written
	written, doc, err := s.Encode("parent", "write")
	if err != nil {
		t.Fatal(err)
	}
	read, err := Parse(doc.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	p := read.Paused
	if p == nil || !p.At.Equal(epoch) || !p.Until.Equal(epoch.Add(time.Hour)) || p.By != "me" || p.Reason != "a release" || read.MinWriter != pauseWriter || read.Digest != written.Digest {
		t.Errorf("%+v", p)
	}
	if old := strings.Replace(string(doc.Reveal()), `"min_writer":2`, `"min_writer":1`, 1); old == string(doc.Reveal()) {
		t.Error("the document does not ask for a writer that knows pauses")
	}
}

func TestPauseDates(t *testing.T) {
	s := someSet(t)
	for _, tt := range []struct {
		until time.Duration
		ok    bool
	}{{0, false}, {-time.Hour, false}, {time.Second, true}, {MaxPause, true}, {MaxPause + time.Second, false}} {
		n, err := s.Pause(Pause{Until: epoch.Add(tt.until)}, epoch)
		if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, ErrDates) {
			t.Errorf("until %s later: %v", tt.until, err)
		}
		if tt.ok && (n.Paused.Over(epoch.Add(tt.until-time.Second)) || !n.Paused.Over(epoch.Add(tt.until))) {
			t.Errorf("it does not end %s later", tt.until)
		}
	}
	if !(*Pause)(nil).Over(epoch) {
		t.Error("what is not paused is")
	}
	// A second pause takes the place of the first, and a newer writer's document is left alone.
	n, err := s.Pause(Pause{Until: epoch.Add(time.Hour), Reason: "one"}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if n, err = n.Pause(Pause{Until: epoch.Add(2 * time.Hour), Reason: "two"}, epoch); err != nil || n.Paused.Reason != "two" {
		t.Error(err)
	}
	n.MinWriter = writer + 1
	_, again := n.Pause(Pause{Until: epoch.Add(time.Hour)}, epoch)
	_, resumed := n.Resume(epoch)
	if !errors.Is(again, ErrNewerWriter) || !errors.Is(resumed, ErrNewerWriter) {
		t.Error(again, resumed)
	}
}
