package notify

import (
	"encoding/json"
	"strings"
	"testing"
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
