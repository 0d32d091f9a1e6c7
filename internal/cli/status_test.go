package cli

import (
	"testing"

	"github.com/keyrotate/rotate/internal/say"
)

// Colours are for terminals, and for those who want them.
func TestView(t *testing.T) {
	env := map[string]string{}
	a := &App{Size: func(any) (int, int) { return 60, 20 }, Getenv: func(name string) string { return env[name] }}
	for _, c := range []struct {
		terminal    bool
		name, value string
		want        say.View
	}{
		{false, "", "", say.View{}},
		{true, "", "", say.View{Width: 60, Colour: true}},
		{true, "NO_COLOR", "1", say.View{Width: 60}},
		{true, "TERM", "dumb", say.View{Width: 60}},
		{false, "TERM", "xterm", say.View{}},
		{false, "CLICOLOR_FORCE", "1", say.View{Colour: true}},
		{false, "CLICOLOR_FORCE", "0", say.View{}},
		{true, "CLICOLOR_FORCE", "0", say.View{Width: 60, Colour: true}},
	} {
		clear(env)
		env[c.name] = c.value
		a.IsTerminal = func(any) bool { return c.terminal }
		if got := a.view(statusOptions{sort: "attention"}); got != c.want {
			t.Errorf("terminal %v, %s=%s: %+v, want %+v", c.terminal, c.name, c.value, got, c.want)
		}
	}
}
