package overlay

import (
	"strings"
	"testing"
)

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
		"not a run":      {"go: no such flag\n", "", "not a line of go test -json"},
	}
	for name, tt := range tests {
		who, err := failures([]byte(tt.out))
		if strings.Join(who, " ") != tt.who || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %q, %v", name, who, err)
		}
	}
}
