package main

const planTests = "./rotation ./rotation/engine"

var ours = []own{
	{"a key is removed while an output that shows only current is behind", "rotation/plan.go", "planner.retire", "anyOutput", 0, "carriesNext", planTests, ""},
	{"the grace of the last rotation does not count", "rotation/policy.go", "Policy.Due", "p.Grace + p.Propagation", 0, "p.Grace - p.Propagation", "./rotation", ""},
	{"a key has no jitter", "rotation/policy.go", "Policy.Due", "due.Add(p.Jitter)", 0, "due", "./rotation", ""},
	{"a config gives no key a jitter", "internal/config/policy.go", "resolver.spread", "share(window, r.config.Environment, k.Name)", 0, "0", "./internal/config", ""},
	{"a gap of exactly the shortest period is refused", "rotation/policy.go", "Policy.CheckSchedule", "gap < p.MinPeriod()", 0, "gap <= p.MinPeriod()", "./rotation", ""},
	{"a schedule is looked at for one firing", "rotation/policy.go", "Policy.CheckSchedule", "t.Sub(from) > 5*366*24*time.Hour", 0, "true", "./rotation", ""},
	{"a schedule is looked at without end", "rotation/policy.go", "Policy.CheckSchedule", "t.Sub(from) > 5*366*24*time.Hour", 0, "false", "./rotation", ""},
	{"no room for a key raises an alarm though there is room", "rotation/plan.go", "planner.alarms", "pl.Full()", 0, "true", "./rotation", ""},
	{"a clock that jumped is trusted again later than it is told", "rotation/clock.go", "Clock.doubt", "longest - *c.Steady", 0, "longest + *c.Steady", "./rotation", ""},
	{"key bytes come from math/rand", "internal/keygen/new.go", "Spec.random", "rand.Read(raw)", 0, "mathrand.Read(raw)", "./internal/keygen", `mathrand "math/rand"`},
}
