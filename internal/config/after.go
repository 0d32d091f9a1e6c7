package config

import (
	"github.com/keyrotate/rotate/internal/after"
	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/providers"
)

// afterOptions are one way to make readers of an output read.
type afterOptions struct {
	Systemd    strictyaml.Option[string]        `yaml:"systemd" doc:"A unit that reloads, or restarts where it cannot reload, if it runs."`
	Kubernetes strictyaml.Option[string]        `yaml:"kubernetes" doc:"deployment/NAME, statefulset/NAME or daemonset/NAME whose pods start anew, in the namespace of the output's store."`
	Signal     strictyaml.Option[signalOptions] `yaml:"signal" doc:"A signal to the process whose number a file holds."`
	Exec       strictyaml.Option[[]string]      `yaml:"exec" masked:"true" doc:"A program by its absolute path, and its arguments. No shell reads them; it has a minute."`
}

// signalOptions are a signal and who gets it.
type signalOptions struct {
	PIDFile strictyaml.Option[string]           `yaml:"pid_file" doc:"The file that holds the number, from this file's folder."`
	Signal  strictyaml.Option[after.SignalName] `yaml:"signal" default:"HUP" doc:"HUP, USR1 or USR2."`
}

// unitName is what systemd takes for one: https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html
var unitName = lazy.Regexp(`^[A-Za-z0-9:_.\\@-]{1,240}\.(service|socket|mount|path|scope|slice|swap|target|timer)$`)

// outputAfter takes the one way that is set.
func (r *resolver) outputAfter(o *Output, s outputSection) {
	if !s.After.At.Known() || s.After.Bad {
		return
	}
	way := s.After.Value
	switch ways := known(way.Systemd.At, way.Kubernetes.At, way.Signal.At, way.Exec.At); {
	case len(ways) == 0:
		r.Fail(s.After.At, "such as: after: {systemd: shop.service}", "names no way to make readers read")
	case len(ways) > 1:
		r.Fail(ways[1], "keep one of systemd, kubernetes, signal and exec", "there is another way already")
	}
	if unit := way.Systemd; unit.At.Known() && !unitName().MatchString(unit.Value) {
		r.Fail(unit.At, "such as: systemd: shop.service", "is not the name of a unit")
	}
	if way.Exec.At.Known() {
		r.program(way.Exec)
	}
	o.After = after.Settings{Systemd: way.Systemd.Value, Kubernetes: way.Kubernetes.Value, Exec: way.Exec.Value}
	r.signalled(o, way.Signal)
	r.rolledOut(way.Kubernetes, *o)
}

func (r *resolver) signalled(o *Output, s strictyaml.Option[signalOptions]) {
	if !s.At.Known() {
		return
	}
	r.presets(&s.Value)
	if o.After.PIDFile, o.After.Signal = r.pathOf(s.Value.PIDFile), s.Value.Signal.Value; o.After.PIDFile == "" && !s.Value.PIDFile.Bad {
		r.Fail(s.At, "such as: signal: {pid_file: /run/shop/shop.pid, signal: HUP}", "has no pid_file")
	}
}

// rolledOut holds a workload against the store, whose cluster it is in.
func (r *resolver) rolledOut(workload strictyaml.Option[string], o Output) {
	if !workload.At.Known() {
		return
	}
	cluster, ok := o.Config.(providers.Roller)
	switch {
	case o.Store == "" || o.Config != nil && !ok:
		r.Fail(workload.At, "give the output a store of the type kubernetes; elsewhere exec: can run kubectl", "is for an output in a store that is a cluster")
	case ok && !cluster.TakesWorkload(workload.Value):
		r.Fail(workload.At, "such as: kubernetes: deployment/shop; also statefulset/ and daemonset/", "is not a workload that rolls out")
	}
}

// afterNote says what follows where no place can note that readers have read. A
// rollout is noted in the workload itself; of outputs only files have such a place.
func afterNote(o Output) string {
	_, file := o.Config.(providers.OutputOpener)
	if o.After.Way(nil) == nil || o.After.Kubernetes != "" || file {
		return ""
	}
	return "nothing in the store can note that after has run: each start of rotate runs it once more, and so does each rotate run --once"
}
