package overlay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a small module.
func module(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// A change is noticed by the test that fails, and what other packages still do is
// not waited for. The file itself stays.
func TestARun(t *testing.T) {
	const code = "package a\n\nconst N = 1\n"
	root := module(t, map[string]string{
		"go.mod":         "module m\n\ngo 1.26\n",
		"a/a.go":         code,
		"a/a_test.go":    "package a\n\nimport \"testing\"\n\nfunc TestN(t *testing.T) {\n\tif N != 1 {\n\t\tt.Fail()\n\t}\n}\n",
		"b/b_test.go":    "package b\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestLong(t *testing.T) { time.Sleep(10 * time.Minute) }\n",
		"main/m_test.go": "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(1) }\n",
	})
	for name, tt := range map[string]struct{ tests, text, who, err string }{
		"as it is":             {"./a", "", "", ""},
		"noticed":              {"./a ./b", "package a\n\nconst N = 2\n", "TestN", ""},
		"not noticed":          {"./a", "package a\n\nconst N = 1 // again\n", "", ""},
		"does not compile":     {"./a", "package a\n", "", "does not compile"},
		"the set-up fails":     {"./main", "package a\n\nconst N = 2\n", "", "none of its tests did"},
		"there are no such":    {"./nowhere", "package a\n\nconst N = 2\n", "", "nowhere"},
		"no test of that name": {"-run=^TestOther$ ./a", "package a\n\nconst N = 2\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var text []byte
			if tt.text != "" {
				text = []byte(tt.text)
			}
			who, err := Test(root, tt.tests, "a/a.go", text)
			if strings.Join(who, " ") != tt.who || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v", who, err)
			}
			if still, err := os.ReadFile(filepath.Join(root, "a/a.go")); err != nil || string(still) != code {
				t.Errorf("the file is %q, %v", still, err)
			}
		})
	}
}

// Only a failed test tells that a guard is missed.
func TestFailures(t *testing.T) {
	tests := map[string]struct{ out, who, err string }{
		"all pass":            {`{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p"}`, "", ""},
		"a test fails":        {`{"Action":"fail","Package":"p","Test":"TestA/x"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "TestA", ""},
		"it does not compile": {`{"Action":"build-output","Output":"a.go:1: undefined\n"}` + "\n" + `{"Action":"build-fail"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "does not compile:\na.go:1"},
		"out of time": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 3m0s\n"}` + "\n" +
				`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "p ran out of time",
		},
		"out of time after another failed": {
			`{"Action":"fail","Package":"q","Test":"TestB"}` + "\n" + `{"Action":"fail","Package":"q"}` + "\n" +
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 3m0s\n"}` + "\n" +
				`{"Action":"fail","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p"}`, "TestB", "",
		},
		"a set-up fails": {`{"Action":"output","Package":"p","Output":"cannot listen\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "none of its tests did:\ncannot listen"},
		"a test panics": {
			`{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: nil [recovered]\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "TestA", "",
		},
		"a set-up panics": {
			`{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" +
				`{"Action":"output","Package":"p","Output":"panic: nil\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, "", "none of its tests did",
		},
		"not a run": {"go: no such flag\n", "", "not a line of go test -json"},
	}
	for name, tt := range tests {
		who, err := failures([]byte(tt.out))
		if strings.Join(who, " ") != tt.who || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", name, who, err)
		}
	}
}
