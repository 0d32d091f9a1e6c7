package dotenv_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/dotenv"
)

func TestFind(t *testing.T) {
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
			got, err := dotenv.Find([]byte(c.file), "A")
			if err != nil || len(got) != 1 || string(got[0].Value.Reveal()) != c.want {
				t.Fatalf("%d, %v; want %q", len(got), err, c.want)
			}
			if got[0].Name != "A" || got[0].End > len(c.file) || got[0].Start > got[0].End {
				t.Errorf("%+v", got[0])
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"expansion":              {"A=canary$B\n", "1: $ in a value without quotes"},
		"expansion2":             {"A=\"canary$B\"\n", "1: $ in double quotes"},
		"open":                   {"B=1\nA=\"canary\n\n", "2: the quote is never closed"},
		"tail":                   {"A='canary'canary\n", "1: something follows the closing quote"},
		"swallowed":              {"B=\"canary\nA=canary\n", "1: the quote of another variable that opens here is not closed before A"},
		"closed by another":      {"B=\"canary\nA=canary\nC=\"canary\"\n", "1: the quote of another variable that opens here is not closed before A"},
		"a second one swallowed": {"A=1\nB='canary\nA=canary\n", "2: the quote of another variable"},
		"bad name's quote":       {"1B='canary\nA=canary\n", "1: the quote of another variable"},
		"escape":                 {`A="canary\q"`, "1: a backslash in double quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dotenv.Find([]byte(c.file), "A")
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// Lines that set nothing, or the variable twice, are no mistakes here.
func TestFindCounts(t *testing.T) {
	for file, want := range map[string]int{
		"": 0, "B=canary\n": 0, "\n\ncanary\n": 0, "1A=canary\n": 0, "A=canary\nB=1\nA=canary\n": 2,
		"B='don't\nA=canary\nC='x'\nD=1'\nA=canary\n": 2,
	} {
		if got, err := dotenv.Find([]byte(file), "A"); err != nil || len(got) != want {
			t.Errorf("%q: %d, %v; want %d", file, len(got), err, want)
		}
	}
}

// A line of a value can look like an assignment; it is no name to show.
func TestNames(t *testing.T) {
	file := "export JWT_SECRET=x\nKEY=\"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nZm9vYmFyQmF6==\n-----END PRIVATE KEY-----\"\nlower_case=1\nJWT_SECRET=y\njwtSecret=z\nBARE=\"Zm9v\nZm9vYmFyQmF6==\"\nLAST='-----BEGIN X-----\\nAA==\\n-----END X-----'\nEND=1\n"
	if got := strings.Join(dotenv.Names([]byte(file)), " "); got != "JWT_SECRET KEY lower_case jwtSecret BARE LAST END" {
		t.Error(got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("A=b\n"))
	f.Add([]byte("export A=\"b\\n\nc\" # d\nB='x'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := dotenv.Find(data, "A")
		var at *dotenv.Error
		if errors.As(err, &at) && at.Line < 1 {
			t.Error("an error without a line")
		}
		for _, a := range all {
			if a.Value.Len() > len(data) || a.Start > a.End || a.End > len(data) {
				t.Errorf("not in the file: %d to %d of %d", a.Start, a.End, len(data))
			}
		}
	})
}
