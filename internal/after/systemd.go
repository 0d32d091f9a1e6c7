package after

import (
	"context"
	"errors"
	"fmt"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Systemd has a unit reload, or restart where it cannot reload, and waits for the
// end of that. A unit that does not run is left alone: it reads when it starts.
//
// https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
// (ReloadOrTryRestartUnit, JobRemoved)
func Systemd(unit string) *Way { return systemdBy(unit, systemd.NewSystemConnectionContext) }

func systemdBy(unit string, connect func(context.Context) (*systemd.Conn, error)) *Way {
	with := func(ctx context.Context, do func(context.Context, *systemd.Conn, string) error) error {
		bus, err := connect(ctx)
		if err != nil {
			return fmt.Errorf("there is no way to systemd: %w", err)
		}
		defer bus.Close()
		return do(ctx, bus, unit)
	}
	return &Way{
		Name:   "systemd " + unit,
		wake:   func(ctx context.Context, _ Change) error { return with(ctx, reload) },
		try:    func(ctx context.Context) error { return with(ctx, mayReload) },
		advice: func(err error) string { return adviceOf(err, unit) },
	}
}

func reload(ctx context.Context, bus *systemd.Conn, unit string) error {
	ended := make(chan string, 1)
	if _, err := bus.ReloadOrTryRestartUnitContext(ctx, unit, "replace", ended); err != nil {
		return err
	}
	select {
	case result := <-ended:
		if result == "done" || result == "skipped" { // skipped: the unit did not run
			return nil
		}
		return fmt.Errorf("reload or restart: %s", result)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// mayReload finds out whether reload may be asked for. polkit tells an ordinary user
// nothing about one unit, so it asks for the reload itself, in a mode that systemd has
// for stops alone: systemd looks at the rights first, and refuses the mode before
// there is a job.
//
// https://github.com/systemd/systemd/blob/v252/src/core/dbus-unit.c (bus_unit_method_start_generic),
// https://github.com/systemd/systemd/blob/v252/src/core/manager.c (manager_add_job, JOB_TRIGGERING)
func mayReload(ctx context.Context, bus *systemd.Conn, unit string) error {
	state, err := bus.GetUnitPropertyContext(ctx, unit, "LoadState")
	if err != nil {
		return err
	}
	if loaded, _ := state.Value.Value().(string); loaded != "loaded" {
		return dbus.Error{Name: noSuchUnit, Body: []any{"systemd has it as " + loaded}}
	}
	_, err = bus.ReloadOrTryRestartUnitContext(ctx, unit, "triggering", nil)
	if refused, ok := errors.AsType[dbus.Error](err); ok && refused.Name == "org.freedesktop.DBus.Error.InvalidArgs" {
		return nil
	}
	return err
}

const noSuchUnit = "org.freedesktop.systemd1.NoSuchUnit"

// adviceOf is what to do about systemd's refusals.
func adviceOf(err error, unit string) string {
	var refused dbus.Error
	if !errors.As(err, &refused) {
		return "systemctl status " + unit + " tells more"
	}
	switch refused.Name {
	case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
		return "polkit has to allow it: docs/outputs.md has the rule"
	case noSuchUnit:
		return "is this the name of a unit? systemctl list-units has them"
	}
	return "systemctl status " + unit + " tells more"
}
