package dotenv_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/dotenv"
)

func TestLookup(t *testing.T) {
	const longer = "-----BEGIN X-----\nabc\n-----END X-----"
	for name, c := range map[string]struct{ file, want string }{
		"plain":              {"A=b\n", "b"},
		"no newline at end":  {"A=b", "b"},
		"windows":            {"A=b\r\nB=c\r\n", "b"},
		"byte order mark":    {"\ufeffA=b\n", "b"},
		"export":             {"export A=b\n", "b"},
		"spaces":             {"  A = b \n", "b"},
		"among others":       {"# x\n\nB=\"1\n2\"\nA=b\nC='3'\n", "b"},
		"comment":            {"A=b # not c\n", "b"},
		"hash inside":        {"A=b#c\n", "b#c"},
		"equals inside":      {"A=b==\n", "b=="},
		"double":             {`A="b c # d"` + " # e\n", "b c # d"},
		"escapes":            {`A="x\n\"\\\$"`, "x\n\"\\$"},
		"single":             {`A='x\n$y"'`, `x\n$y"`},
		"lines in double":    {"A=\"" + longer + "\"\n", longer},
		"lines in single":    {"A='" + longer + "'\n", longer},
		"a name that begins": {"AB=1\nA=b\n", "b"},
		"named export":       {"export=1\nA=b\n", "b"},
		"empty":              {"A=\n", ""},

		// What is odd elsewhere is none of A's business.
		"expansion elsewhere":        {"B=$HOME/x\nC=\"${B}\"\nA=b\nD=$B\n", "b"},
		"no assignment elsewhere":    {"set -a\nsource x\nA=b\n[section]\n", "b"},
		"bad name elsewhere":         {"1B=c\nB C='d'\nA=b\n", "b"},
		"escape elsewhere":           {`B="\q"` + "\nA=b\n", "b"},
		"tail elsewhere":             {"B='it's'\nA=b\nC=\"x\" y\n", "b"},
		"twice elsewhere":            {"B=1\nB=2\nA=b\n", "b"},
		"open quote after":           {"A=b\nB=\"c\nC=d\n", "b"},
		"inside another's quotes":    {"B=\"1\nA=no\n2\"\nA=b\n", "b"},
		"quote in a comment":         {"# don't\nA=b\n", "b"},
		"escaped quote elsewhere":    {`B="\""` + "\nA=b\n", "b"},
		"backslash at the very end":  {"A=b\nB=\"c\\", "b"},
		"apostrophe without quoting": {"B=don't\nA=b\n", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := dotenv.Lookup([]byte(c.file), "A")
			if err != nil || string(got.Reveal()) != c.want {
				t.Errorf("%q, %v; want %q", got.Reveal(), err, c.want)
			}
		})
	}
}

func TestLookupRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"missing":                {"B=canary\n", "the variable is not set there: A"},
		"twice":                  {"A=canary\nB=1\nA=canary\n", "3: A is set a second time, first on line 1"},
		"no equals":              {"\n\ncanary\n", "the variable is not set there: A"},
		"bad name":               {"1A=canary\n", "the variable is not set there: A"},
		"expansion":              {"A=canary$B\n", "1: $ in a value without quotes"},
		"expansion2":             {"A=\"canary$B\"\n", "1: $ in double quotes"},
		"open":                   {"B=1\nA=\"canary\n\n", "2: the quote is never closed"},
		"tail":                   {"A='canary'canary\n", "1: something follows the closing quote"},
		"swallowed":              {"B=\"canary\nA=canary\n", "1: the quote of another variable that opens here is not closed before A"},
		"perhaps":                {"B='don't\nA=canary\nC='x'\nD=1'\nA=canary\n", "5: A is set a second"},
		"closed by another":      {"B=\"canary\nA=canary\nC=\"canary\"\n", "1: the quote of another variable that opens here is not closed before A"},
		"a second one swallowed": {"A=1\nB='canary\nA=canary\n", "2: the quote of another variable"},
		"bad name's quote":       {"1B='canary\nA=canary\n", "1: the quote of another variable"},
		"escape":                 {`A="canary\q"`, "1: a backslash in double quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dotenv.Lookup([]byte(c.file), "A")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
	if _, err := dotenv.Lookup(nil, "A"); !errors.Is(err, dotenv.ErrMissing) {
		t.Error(err)
	}
	if _, err := dotenv.Lookup(nil, "no name"); err == nil {
		t.Error("took a bad name")
	}
}

func FuzzLookup(f *testing.F) {
	f.Add([]byte("A=b\n"))
	f.Add([]byte("export A=\"b\\n\nc\" # d\nB='x'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := dotenv.Lookup(data, "A")
		var at *dotenv.Error
		if errors.As(err, &at) && at.Line < 1 {
			t.Error("an error without a line")
		}
		if err == nil && v.Len() > len(data) {
			t.Error("a value longer than the file")
		}
	})
}
