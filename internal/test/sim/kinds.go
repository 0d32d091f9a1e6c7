package sim

// A Kind is a kind of incident.
type Kind string

// What goes wrong with processes and hosts, with services, from outside, and
// what people do on purpose.
const (
	Pause   Kind = "pause"   // a process stops between or inside calls, and goes on
	Kill    Kind = "kill"    // it dies there, and is started again
	Suspend Kind = "suspend" // the host sleeps: its monotonic clock stands still
	Slew    Kind = "slew"    // its clock is off, within the bounds
	Jump    Kind = "jump"    // its clock is off by minutes to ten years

	Outage    Kind = "outage"
	Throttle  Kind = "throttle"
	Denied    Kind = "denied"
	LostReply Kind = "lost reply" // the call was made
	LostCall  Kind = "lost call"  // it was not
	LateCall  Kind = "late call"  // it is made long after it was given up
	Stale     Kind = "stale read" // within the declared bound

	Rollback Kind = "restore" // an old value is back, from a backup
	Edit     Kind = "edit"    // the value was edited by hand
	Lose     Kind = "loss"    // it was deleted
	Foreign  Kind = "foreign" // another keyset was put in its place

	// Accept is a backup that is not put right: someone runs `rotate accept`. It
	// gives up keys, so it is played by itself and not among the others.
	Accept Kind = "accept"

	// End is a removal that nobody takes back. The world ends with the key, so it is played by itself.
	End Kind = "end"

	Now        Kind = "now"
	NowNamed   Kind = "now, named"
	Compromise Kind = "compromise"
	Hold       Kind = "hold"   // someone pauses the key, and may resume it before the end
	Remove     Kind = "remove" // someone removes the key, and takes that back before its end
	Schedule   Kind = "schedule"
	Grace      Kind = "grace"
	Outputs    Kind = "outputs"
)

// kinds says how often each comes, and in which worlds it can.
var kinds = []struct {
	kind     Kind
	weight   int
	possible func(*Script) bool
}{
	{Pause, 22, always}, {Kill, 18, always},
	{Suspend, 4, always},
	{Slew, 4, func(s *Script) bool { return s.Propagation > 0 }},
	{Jump, 5, func(s *Script) bool { return s.Shape != File }},
	{Outage, 5, always}, {Throttle, 5, always}, {Denied, 5, always},
	{LostReply, 9, always}, {LostCall, 6, always}, {LateCall, 9, always},
	{Stale, 0, func(s *Script) bool { return s.Stale > 0 }},
	{Rollback, 3, always}, {Edit, 3, always}, {Lose, 2, always}, {Foreign, 2, always},
	{Now, 4, always}, {NowNamed, 4, always}, {Compromise, 2, always}, {Hold, 2, always}, {Remove, 2, always},
	{Schedule, 2, always}, {Grace, 3, always}, {Outputs, 3, func(s *Script) bool { return len(s.Outputs) > 0 }},
}

func always(*Script) bool { return true }
