package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A chat gets a text that calls nobody and links nowhere, and is not too long.
func TestChat(t *testing.T) {
	const odd = "k (test) has halted: <!channel> & @everyone <https://example.com|here>\nhint: look"
	for f, want := range map[Format]string{
		Slack: `{"text":"k (test) has halted: &lt;!channel&gt; &amp; @` + "\u200b" + `everyone &lt;https://example.com|here&gt;\nhint: look"}`,
		Teams: `{"attachments":[{"content":{"body":[{"inlines":[{"text":"k (test) has halted: <!channel> & @everyone <https://example.com|here>\nhint: look","type":"TextRun"}],"type":"RichTextBlock"}],"type":"AdaptiveCard","version":"1.2"},"contentType":"application/vnd.microsoft.card.adaptive"}],"type":"message"}`,
	} {
		var got, wanted any
		if err := json.Unmarshal(chat(f, odd), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if a, b := encode(t, got), encode(t, wanted); a != b {
			t.Errorf("%s:\n%s, want\n%s", f, a, b)
		}
	}
	if n := utf8.RuneCountInString(shortened(strings.Repeat("ä", 5000))); n != maxText {
		t.Errorf("%d characters", n)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A program gets the message, and nothing of rotate's environment; it ends in time,
// with what it has begun.
func TestCommand(t *testing.T) {
	t.Setenv("ROTATE_CANARY", "canary")
	dir := t.TempDir()
	run := func(script string, within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		return command(ctx, []string{"/bin/sh", "-c", script, "sh", dir, "$(touch " + dir + "/shell)"}, []byte(`{"id":"x"}`))
	}
	if err := run(`cat >"$1/body"; env >"$1/env"; pwd >"$1/pwd"; echo "$2" >"$1/argument"; echo canary; echo canary >&2`, time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"body": `{"id":"x"}`, "pwd": "/\n", "argument": "$(touch " + dir + "/shell)\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil || strings.Contains(string(env), "canary") || !strings.Contains(string(env), "PATH=") {
		t.Errorf("%s, %v", env, err)
	}
	if err := run("exit 3", time.Minute); err == nil || err.Error() != "the program ended with exit status 3" {
		t.Error(err)
	}
	begun := time.Now()
	if err := run("sleep 60 & wait", 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not end in time") || time.Since(begun) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(begun))
	}
	if err := command(t.Context(), []string{dir + "/canary"}, nil); err == nil || err.Error() != "the program could not be run: no such file or directory" {
		t.Error(err)
	}
}
