package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func findings() []report.Finding {
	c := judge.Context{MinBytes: 32, For: "HS256"}
	text := func(s string) judge.Result { return judge.Text([]byte(s), c) }
	return []report.Finding{
		{Name: "JWT_SECRET", File: "deploy/.env", Line: 3, Result: text("supersecretpassword")},
		{Name: "SESSION_SECRET", File: `deploy\.env`, Line: 9, Result: text("Zq8vRt3LxW9pKd2mYc7nBs5hGj4fTa6u")},
		{Name: "GOOD_SECRET", File: "deploy/.env", Line: 10, Result: text("q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs")},
		{Result: text("Summer<&>2026!")},
	}
}

// asJSON is report.JSON at a fixed time.
func asJSON(w io.Writer, t report.Tool, all []report.Finding) error {
	return report.JSON(w, t, time.Unix(0, 0), all)
}

func TestGolden(t *testing.T) {
	tool := report.Tool{Name: "rotate", Version: "1.2.3", Home: "https://github.com/keyrotate/rotate"}
	for file, write := range map[string]func(io.Writer, report.Tool, []report.Finding) error{
		"testdata/findings.json": asJSON, "testdata/findings.sarif": report.SARIF,
	} {
		var b bytes.Buffer
		if err := write(&b, tool, findings()); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s differs (go test -update writes it anew); got\n%s", file, &b)
		}
		if !json.Valid(b.Bytes()) || strings.Contains(b.String(), "Summer") {
			t.Errorf("%s is no JSON, or holds a secret", file)
		}
	}
}

// Nothing found is an empty list, not null: readers of SARIF refuse that.
func TestNothingFound(t *testing.T) {
	for name, write := range map[string]func(io.Writer, report.Tool, []report.Finding) error{"JSON": asJSON, "SARIF": report.SARIF} {
		var b bytes.Buffer
		if err := write(&b, report.Tool{Name: "rotate"}, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "null") {
			t.Errorf("%s: %s", name, &b)
		}
	}
}
