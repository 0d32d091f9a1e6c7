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
func Systemd(unit string) Way { return systemdBy(unit, systemd.NewSystemConnectionContext) }

func systemdBy(unit string, connect func(context.Context) (*systemd.Conn, error)) Way {
	return func(ctx context.Context, _ Change) error {
		if err := reload(ctx, unit, connect); err != nil {
			return &Error{Way: "systemd " + unit, Err: err, Advice: adviceOf(err, unit)}
		}
		return nil
	}
}

func reload(ctx context.Context, unit string, connect func(context.Context) (*systemd.Conn, error)) error {
	bus, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("there is no way to systemd: %w", err)
	}
	defer bus.Close()
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

// adviceOf is what to do about systemd's refusals.
func adviceOf(err error, unit string) string {
	var refused dbus.Error
	if !errors.As(err, &refused) {
		return "systemctl status " + unit + " tells more"
	}
	switch refused.Name {
	case "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
		return "polkit has to allow it: docs/outputs.md has the rule"
	case "org.freedesktop.systemd1.NoSuchUnit":
		return "is this the name of a unit? systemctl list-units has them"
	}
	return "systemctl status " + unit + " tells more"
}
