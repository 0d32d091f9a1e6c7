package after

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// A bus is a message bus with systemd on it, as far as a client sees it.
type bus struct {
	result  string // of the job; "" if it never ends
	state   string // LoadState of the unit; "" for loaded
	refuses string // name of the error that the call gets; "" for none
	asked   []any  // member and arguments of the call
	conns   []*dbusConn
}

// A dbusConn is one client's connection, from the side of the bus.
type dbusConn struct {
	io.ReadWriter
	serial uint32
}

const manager = "org.freedesktop.systemd1"

// connect is what systemd.NewSystemConnectionContext is on a host.
func (b *bus) connect(ctx context.Context) (*systemd.Conn, error) {
	return systemd.NewConnection(func() (*dbus.Conn, error) {
		client, server := net.Pipe()
		c := &dbusConn{ReadWriter: server}
		b.conns = append(b.conns, c)
		go b.serve(c)
		conn, err := dbus.NewConn(client, dbus.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		if err := conn.Auth([]dbus.Auth{dbus.AuthExternal("0")}); err != nil {
			return nil, err
		}
		return conn, conn.Hello()
	})
}

// serve speaks the protocol: https://dbus.freedesktop.org/doc/dbus-specification.html
func (b *bus) serve(c *dbusConn) {
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.TrimLeft(line, "\x00") == "AUTH\r\n":
			fmt.Fprint(c, "REJECTED EXTERNAL\r\n")
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			fmt.Fprint(c, "OK 0123456789abcdef0123456789abcdef\r\n")
		case strings.HasPrefix(line, "NEGOTIATE_UNIX_FD"):
			fmt.Fprint(c, "ERROR\r\n")
		case strings.HasPrefix(line, "BEGIN"):
			for {
				m, err := dbus.DecodeMessage(in)
				if err != nil {
					return
				}
				b.answer(c, m)
			}
		}
	}
}

func (b *bus) answer(c *dbusConn, m *dbus.Message) {
	member := m.Headers[dbus.FieldMember].Value().(string)
	if member == "Get" { // a property of a unit: everyone may read it
		c.reply(m, dbus.MakeVariant(cmp.Or(b.state, "loaded")))
		return
	}
	if !strings.Contains(member, "Unit") {
		c.reply(m, ":1.1") // Hello, AddMatch
		return
	}
	b.asked = append([]any{member}, m.Body...)
	refuses := b.refuses
	if refuses == "" && m.Body[1] == "triggering" { // the rights come first: see mayReload
		refuses = "org.freedesktop.DBus.Error.InvalidArgs"
	}
	if refuses != "" {
		c.send(&dbus.Message{Type: dbus.TypeError, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldErrorName: dbus.MakeVariant(refuses), dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
		}}, "it is refused")
		return
	}
	job := dbus.ObjectPath("/org/freedesktop/systemd1/job/7")
	c.reply(m, job)
	if b.result == "" {
		return
	}
	// The other connection is the one that listens.
	b.conns[1].send(&dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/systemd1")), dbus.FieldSender: dbus.MakeVariant(manager),
		dbus.FieldInterface: dbus.MakeVariant(manager + ".Manager"), dbus.FieldMember: dbus.MakeVariant("JobRemoved"),
	}}, uint32(7), job, b.asked[1], b.result)
}

func (c *dbusConn) reply(m *dbus.Message, body ...any) {
	c.send(&dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()),
	}}, body...)
}

func (c *dbusConn) send(m *dbus.Message, body ...any) {
	m.Body = body
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	var text bytes.Buffer
	if err := m.EncodeTo(&text, binary.LittleEndian); err != nil {
		panic(err)
	}
	c.serial++
	binary.LittleEndian.PutUint32(text.Bytes()[8:], c.serial) // the library has no other way
	_, _ = c.Write(text.Bytes())                              // a client that is gone needs none
}

func TestSystemdReloadsAUnit(t *testing.T) {
	for name, c := range map[string]struct {
		bus  bus
		want []string
	}{
		"done":          {bus{result: "done"}, nil},
		"did not run":   {bus{result: "skipped"}, nil},
		"failed":        {bus{result: "failed"}, []string{"systemd shop.service: reload or restart: failed", "systemctl status shop.service"}},
		"timeout":       {bus{result: "timeout"}, []string{"reload or restart: timeout"}},
		"never ends":    {bus{}, []string{"systemd shop.service: it is late"}},
		"not allowed":   {bus{refuses: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"}, []string{"it is refused", "polkit has to allow it"}},
		"denied":        {bus{refuses: "org.freedesktop.DBus.Error.AccessDenied"}, []string{"polkit has to allow it"}},
		"no such unit":  {bus{refuses: "org.freedesktop.systemd1.NoSuchUnit"}, []string{"is this the name of a unit?"}},
		"anything else": {bus{refuses: "org.freedesktop.systemd1.UnitMasked"}, []string{"systemctl status shop.service"}},
	} {
		t.Run(name, func(t *testing.T) {
			limit := 20 * time.Second
			if name == "never ends" {
				limit = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("it is late"))
			defer cancel()
			holds(t, systemdBy("shop.service", c.bus.connect).Wake(ctx, change), c.want...)
			if got := fmt.Sprint(c.bus.asked); got != "[ReloadOrTryRestartUnit shop.service replace]" {
				t.Errorf("systemd was asked for %s", got)
			}
		})
	}
	noBus := func(context.Context) (*systemd.Conn, error) { return nil, errors.New("no such file") }
	holds(t, systemdBy("shop.service", noBus).Wake(t.Context(), change), "systemd shop.service: there is no way to systemd: no such file")
}

// To try it, systemd is asked for what it refuses to everyone, after it has looked at
// the rights.
func TestSystemdIsTried(t *testing.T) {
	for name, c := range map[string]struct {
		bus  bus
		want []string
	}{
		"allowed":     {bus{}, nil},
		"not allowed": {bus{refuses: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"}, []string{"systemd shop.service: it is refused", "polkit has to allow it"}},
		"denied":      {bus{refuses: "org.freedesktop.DBus.Error.AccessDenied"}, []string{"polkit has to allow it"}},
	} {
		t.Run(name, func(t *testing.T) {
			holds(t, systemdBy("shop.service", c.bus.connect).Try(t.Context()), c.want...)
			if got := fmt.Sprint(c.bus.asked); got != "[ReloadOrTryRestartUnit shop.service triggering]" {
				t.Errorf("systemd was asked for %s", got)
			}
		})
	}
	missing := &bus{state: "not-found"}
	holds(t, systemdBy("shop.service", missing.connect).Try(t.Context()), "systemd has it as not-found", "is this the name of a unit?")
	if missing.asked != nil {
		t.Errorf("systemd was asked for %v", missing.asked)
	}
	noBus := func(context.Context) (*systemd.Conn, error) { return nil, errors.New("no such file") }
	holds(t, systemdBy("shop.service", noBus).Try(t.Context()), "systemd shop.service: there is no way to systemd: no such file")
}
