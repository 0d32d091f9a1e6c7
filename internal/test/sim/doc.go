// Package sim tries the ten promises for simulated years. Around the real
// keyset, Plan and engine it puts hosts that stop, jump and die, stores that
// fail in every way their contract allows, people who ask and edit, and
// applications that sign and verify; and it judges all that happens.
//
// # How it runs
//
// A world is one key in one store with up to five outputs, for some months. It
// is an event loop on one goroutine with a clock of its own. Each process is a
// coroutine (iter.Pull) that hands control back before and after every call to
// a service, so where a process is paused, overtaken or killed is decided by
// the seed, and a seed replays exactly. testing/synctest could not do that: it
// owns the time, but not the order in which goroutines run, and its one clock
// cannot be wrong in a different way on each host. Nothing in a world sleeps.
//
// A world is made in two steps. A Script says all that is going to go wrong,
// and when; playing a Script has no randomness that another part of it could
// disturb. A failure is made short by leaving incidents out and playing again.
//
// # What is real and what is not
//
// Real: keyset, rotation.Plan, engine.Engine, scheduler.Parse, memory.Store. Not
// real: the scheduler's sleeping (daemon.go follows the rules of its plan
// method), and the host's clock (clock.go follows engine.SystemClock, which
// reads the process's own). The services are memory variants of each adapter's
// shape; see Shape.
package sim
