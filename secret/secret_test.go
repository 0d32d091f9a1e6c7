package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/secret"
)

const canary = "canary-0123456789"

// Promise 7: no verb, encoder or logger reaches the bytes, not even through a
// struct that holds the secret in a field of its own.
func TestPromise7ASecretDoesNotPrint(t *testing.T) {
	s := secret.New([]byte(canary))
	type outer struct {
		Shown  secret.Text
		hidden secret.Text
		ptr    *secret.Text
	}
	o := outer{s, s, &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b"} {
		for _, v := range []any{s, &s, o, &o, []secret.Text{s}, map[string]secret.Text{"a": s}, fmt.Errorf("wrapped: "+verb, s)} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	for _, v := range []any{s, o, map[string]any{"a": s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	b, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "a", s, "b", o, "c", &s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "a", s, "b", o, "c", &s)
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), decimal, strings.ReplaceAll(decimal, " ", ", ")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("it shows as %q", form)
		}
	}
	if !strings.Contains(out.String(), secret.Redacted) {
		t.Error("nothing was printed at all")
	}
}

func TestText(t *testing.T) {
	in := []byte(canary)
	s := secret.New(in)
	in[0] = 'X'
	s.Reveal()[1] = 'X'
	if got := string(s.Reveal()); got != canary || s.Len() != len(canary) {
		t.Errorf("it changed to %q", got)
	}
	if !s.Equal(secret.New([]byte(canary))) || s.Equal(secret.Text{}) || s.Equal(secret.New(in)) {
		t.Error("Equal is wrong")
	}
	if z := (secret.Text{}); z.Len() != 0 || len(z.Reveal()) != 0 || !z.Equal(secret.New(nil)) {
		t.Error("the zero value is not empty")
	}
}
