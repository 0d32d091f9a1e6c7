package judge_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/say"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestWords holds what is said about texts of every kind. No line of it is a
// part of the text that it is about.
func TestWords(t *testing.T) {
	names := judge.Context{MinBytes: 32, For: "HS256", Names: []judge.Name{
		{Text: "https://shop.brightwave.example", From: "domain"}, {Text: "brightwave/lantern", From: "Git remote"},
	}}
	var b strings.Builder
	for _, text := range []string{
		"supersecretpassword", "12345678901234567890123456789012", "abc123", "mycompany2026",
		"q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs",
		"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
		"DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.",
		"your-super-secret-jwt-token-with-at-least-32-characters-long",
		"base64:2fl+Ktvkfl+Fuz4Qp/A75G2RTiWVA/ZoKZvp6fiiM10=",
		"2fl+Ktvkfl+Fuz4Qp/A75G2RTiWVA/ZoKZvp6fiiM10=", // the bytes are known, in any encoding
		"d9f97e2adbe47e5f85bb3e10a7f03be46d914e259503f668299be9e9f8a2335d",
		"django-insecure-k2#x^3n@9z8w$v7q1p0o!m4l5j6h7g8f9d0s",
		"Br1ghtwave-L4ntern-2026!",
		"Change-Me-8bF2kQx9Lm4Zr7Ty1Vw6Np3Hs5Jd0Gc",
		"5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
		"c2VjcmV0LWtleS1mb3ItdGhlLXNob3A=",
		"someone.else.1984@brightwave.example",
		"550e8400-e29b-41d4-a716-446655440000",
		"3.14159265358979323846264338327950288419716939937510",
		"x7Kq2mPzx7Kq2mPzx7Kq2mPzx7Kq2mPzx7Kq2mPz",
		"this is the one sentence that nobody will ever think of when they look for my key",
		"6bf1a2a88c1e9b0dc7e35c2a0f64d9b7",
		"Zq8vRt3LxW9pKd2mYc7nBs5hGj4fTa6u",
		"Zq8vRt3LxW9pKd2mYc",
		"очень секретный ключ для подписи", "这是我们用来签名的密钥请不要告诉别人",
		"",
	} {
		r := judge.Text([]byte(text), names)
		fmt.Fprintf(&b, "%q\n  %v, %d bits\n", text, r.Verdict, r.Bits)
		for _, line := range say.Judged(r) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	golden(t, "testdata/words.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); got\n%s", file, got)
	}
}

func TestSize(t *testing.T) {
	const sound = "q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs" // 32 bytes
	for _, c := range []struct {
		name, text string
		context    judge.Context
		want       judge.Verdict
		codes      string
	}{
		{"enough", sound, judge.Context{MinBytes: 32}, judge.Fine, ""},
		{"no need", sound, judge.Context{}, judge.Fine, ""},
		{"short for its hash", sound, judge.Context{MinBytes: 64, For: "HS512"}, judge.BelowAdvice, "short"},
		{"decoded, and short", sound, judge.Context{MinBytes: 48, KeyBytes: 32}, judge.BelowAdvice, "short"},
		{"24 bytes", sound[:32], judge.Context{MinBytes: 32}, judge.BelowAdvice, "small"},
		{"24 bytes, decoded", sound[:32], judge.Context{MinBytes: 32, KeyBytes: 24}, judge.BelowAdvice, "short small"},
		{"16 bytes", "6bf1a2a88c1e9b0dc7e35c2a0f64d9b7", judge.Context{}, judge.Guessable, "few"},
		{"32 characters of 62", "Zq8vRt3LxW9pKd2mYc7nBs5hGj4fTa6u", judge.Context{MinBytes: 32}, judge.BelowAdvice, "small"},
	} {
		r := judge.Text([]byte(c.text), c.context)
		var codes []string
		for _, reason := range r.Reasons {
			codes = append(codes, string(reason.Code))
		}
		if r.Verdict != c.want || strings.Join(codes, " ") != c.codes {
			t.Errorf("%s: %v, %q; want %v, %q", c.name, r.Verdict, codes, c.want, c.codes)
		}
	}
}

// A bad secret stays bad in each way of writing its bytes, and on top of one.
func TestReadings(t *testing.T) {
	for _, text := range []string{
		"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==", "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ",
		"636f727265637420686f727365206261747465727920737461706c65", "636F727265637420686F727365206261747465727920737461706C65",
		"0x636f727265637420686f727365206261747465727920737461706c65", "base64:Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==",
		"NjM2ZjcyNzI2NTYzNzQyMDY4NmY3MjczNjUyMDYyNjE3NDc0NjU3Mjc5MjA3Mzc0NjE3MDZjNjU=", // base64 of hex
		"/////////////////////////////////////////w==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	} {
		if r := judge.Text([]byte(text), judge.Context{}); r.Verdict != judge.Guessable {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// A name of the context makes a text guessable that is none without it.
func TestNamesCount(t *testing.T) {
	text := []byte("xqzvkwbjtyghpdmr-xqzvkw.BJTYGH_pdmrwvxq+vkwxyzq")
	if r := judge.Text(text, judge.Context{}); r.Verdict == judge.Guessable {
		t.Fatalf("guessable without a name: %+v", r)
	}
	r := judge.Text(text, judge.Context{Names: []judge.Name{
		{Text: "xqzvkw-bjtygh", From: "host name"}, {Text: "git.example.com:pdmr/wvxq/xqzvkwbjtyghpdmr.git", From: "Git remote"}, {Text: "vkwxyzq", From: "config"},
	}})
	if r.Verdict != judge.Guessable || !r.Has(judge.Named) {
		t.Fatalf("%+v", r)
	}
	for _, from := range []string{"host name", "Git remote", "config"} {
		if !strings.Contains(strings.Join(say.Judged(r), "\n"), from) {
			t.Errorf("it is not said that a name is from the %s: %q", from, say.Judged(r))
		}
	}
}

// Long texts take no time that grows beyond their square.
func TestLongTexts(t *testing.T) {
	for name, text := range map[string]string{
		"one letter": strings.Repeat("a", 2048), "a word": strings.Repeat("password", 256),
		"digits":          strings.Repeat("0123456789", 204),
		"base64 of zeros": strings.Repeat("A", 2048), "keys": strings.Repeat("qwertyuiop", 204),
		"nonsense": string(bytes.Repeat([]byte{0xff, 0xfe, 0}, 682)),
	} {
		if r := judge.Text([]byte(text), judge.Context{}); r.Verdict != judge.Guessable {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Summer2026!"), "summer.example.com")
	f.Add([]byte("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), "")
	f.Add([]byte("\xff\xfe\x00ABC"), "İstanbul")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		if len(text) > 2000 {
			return
		}
		c := judge.Context{MinBytes: 32, Names: []judge.Name{{Text: name, From: "host name"}}}
		r := judge.Text(text, c)
		if again := judge.Text(text, c); fmt.Sprint(again) != fmt.Sprint(r) {
			t.Fatalf("two answers: %+v and %+v", r, again)
		}
		if (r.Verdict == judge.Fine) != (len(r.Reasons) == 0) || (r.Verdict == judge.Fine) != (len(say.Judged(r)) == 0) {
			t.Fatalf("a verdict without a reason, or a reason without a verdict: %+v", r)
		}
		if len(text) <= 16 && r.Verdict != judge.Guessable {
			t.Fatalf("%d bytes are not guessable: %+v", len(text), r)
		}
		// Whoever repeats a row of patterns has one.
		if twice := append(bytes.Clone(text), text...); isRow(r) && r.Bits < judge.Enough-40 && judge.Text(twice, c).Verdict != judge.Guessable {
			t.Fatalf("%d bytes are guessable, and twice the same are not", len(text))
		}
		// No part of the text that is longer than any word of an answer.
		said, err := json.Marshal([]any{r, say.Judged(r)})
		if err != nil {
			t.Fatal(err)
		}
		if s := string(text); len(s) >= 8 && !strings.Contains(everySentence(), s) && strings.Contains(string(said), s) {
			t.Fatalf("the answer holds the text: %s", said)
		}
	})
}

// isRow: guessable for the patterns of the text as it stands.
func isRow(r judge.Result) bool {
	if r.Verdict != judge.Guessable {
		return false
	}
	for _, reason := range r.Reasons {
		switch reason.Code {
		case judge.Known, judge.Digest, judge.Placeholder, judge.Email, judge.Sentence:
			return false
		}
		if reason.In != judge.AsIs {
			return false
		}
	}
	return true
}

// everySentence has the words that answers are made of.
var everySentence = sync.OnceValue(func() string {
	data, err := os.ReadFile("../say/judged.go")
	if err != nil {
		panic(err)
	}
	more, err := os.ReadFile("judge.go")
	if err != nil {
		panic(err)
	}
	return string(data) + string(more)
})
