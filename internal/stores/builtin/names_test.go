package builtin

import (
	"strings"
	"testing"

	"github.com/keyrotate/rotate/providers"
)

// Each type tells, before a store is opened, which names its backend takes: the
// rules of the pages that are cited beside takesName in each adapter, at their edges.
func TestNames(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	for name, c := range map[string]struct{ takes, refuses []string }{
		"awssm":      {[]string{long(512), "prod/app/JWT_secret+=.@-1"}, []string{"", long(513), "a b", "a:b", "a#b", "é"}},
		"azurekv":    {[]string{long(127), "Prod-JWT-1", "1"}, []string{"", long(128), "a_b", "a.b", "a/b", "a b"}},
		"gcpsm":      {[]string{long(255), "prod_JWT-1"}, []string{"", long(256), "a.b", "a/b", "a b"}},
		"kubernetes": {[]string{long(253), "a.b-c.d", "1"}, []string{"", long(254), "A", "a_b", "-a", "a-", "a..b", "a/b"}},
		"vaultkv":    {[]string{long(200), "prod/app/jwt@1.2_3-4"}, []string{"", long(201), "a//b", "../a", "a/.", "a+b", "a*", "/a", "a/"}},
		"file":       {[]string{long(200), "a/b_c.d-e"}, []string{"", long(201), "a//b", "..", ".a", "a/.b", "a b", "/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, typ := range Types() {
				if typ.Name != name {
					continue
				}
				takes, rule := typ.New().(providers.Namer).NameRule()
				if rule == "" {
					t.Error("it has no rule for people")
				}
				for _, n := range c.takes {
					if !takes(n) {
						t.Errorf("%q is refused", n)
					}
				}
				for _, n := range c.refuses {
					if takes(n) {
						t.Errorf("%q is taken", n)
					}
				}
			}
		})
	}
	for _, typ := range Types() {
		if _, ok := typ.New().(providers.Namer); !ok {
			t.Errorf("%s does not tell which names it takes", typ.Name)
		}
	}
}
