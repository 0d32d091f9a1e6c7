package after

import "github.com/keyrotate/rotate/providers"

// Settings name one way, as the config has it. The zero Settings name none.
type Settings struct {
	Systemd    string     // a unit
	Kubernetes string     // a workload: deployment/shop
	PIDFile    string     // absolute path
	Signal     SignalName // that goes to the process which PIDFile names
	Exec       []string   // an absolute path, and arguments
}

// Way is the one that is named; nil if none is. cluster has the workloads.
func (s Settings) Way(cluster providers.Roller) *Way {
	switch {
	case s.Systemd != "":
		return Systemd(s.Systemd)
	case s.Kubernetes != "":
		return Rollout(cluster, s.Kubernetes)
	case s.PIDFile != "":
		return Signal(s.PIDFile, s.Signal)
	case len(s.Exec) > 0:
		return Exec(s.Exec)
	}
	return nil
}
