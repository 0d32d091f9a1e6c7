package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/page"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
)

var update = flag.Bool("update", false, "write the golden pages anew")

func get(t testing.TB, keys []live.Key, query string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	page.Handler(these(keys)).ServeHTTP(w, httptest.NewRequest("GET", "/"+query, nil))
	return w
}

func body(t testing.TB, keys []live.Key, query string) string {
	t.Helper()
	w := get(t, keys, query)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	return w.Body.String()
}

// names lists the keys of a page in the order in which they stand there.
func names(text string) (names []string) {
	for _, m := range regexp.MustCompile(`<li id="key-([^"]*)"`).FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// TestGolden holds pages against what a person has looked at. The style is left out.
func TestGolden(t *testing.T) {
	style := regexp.MustCompile(`(?s)<style>.*</style>`)
	for _, n := range []int{0, 1, 5} {
		got := style.ReplaceAllString(body(t, (&world{t: t}).keys(n), ""), "<style>…</style>")
		golden := filepath.Join("testdata", fmt.Sprintf("%d-keys.html", n))
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs; go test ./internal/page -update, and look at the difference:\n%s", golden, got)
		}
	}
}

// TestEachStateHasItsWord: the state of a key, what is to be done, and the reasons stand on the page as in the report.
func TestEachStateHasItsWord(t *testing.T) {
	w := &world{t: t}
	keys := w.keys(10)
	keys = append(keys, w.key("stale", policy, nil, func(s *scheduler.State) {
		s.Result.Step = rotation.Step{Do: rotation.Wait, Why: rotation.Reason{Code: rotation.StaleRead, Whose: rotation.TheStore}}
	}))
	begun := now.Add(-time.Hour)
	removing := w.must(w.lived("leaving", policy, now.Add(-100*hour), begun).Remove(keyset.Removal{For: 48 * time.Hour, By: "me"}, begun.Add(50*time.Hour), begun))
	removing = w.must(removing.MarkSettled(begun, nil, policy.Grace))
	gone := w.must(w.must(keyset.Create("gone", "production", "lineage", w.newKey(), begun)).Remove(keyset.Removal{Now: true, By: "me"}, begun, begun))
	gone = w.must(gone.Bury(nil, begun))
	keys = append(keys, w.key("leaving", policy, removing), w.key("gone", policy, nil, func(s *scheduler.State) {
		s.Result = engine.Result{Removed: gone, Step: rotation.Step{Do: rotation.Wait, Why: rotation.WasRemoved(gone)}}
	}))
	text := body(t, keys, "")
	for _, k := range keys {
		state := string(k.Status().State)
		if k.Facts.Target.Name == "session-cookie" {
			state = "needs attention" // and not healthy
		}
		_, row, ok := strings.Cut(text, `<li id="key-`+k.Facts.Target.Name+`"`)
		row, _, _ = strings.Cut(row, "</li>")
		if !ok || !strings.Contains(row, `">`+state) {
			t.Errorf("%s is %s:\n%s", k.Facts.Target.Name, state, row)
		}
	}
	for _, s := range status.States() {
		if only := names(body(t, keys, "?state="+string(s))); len(only) == 0 {
			t.Errorf("no key is %s", s)
		}
	}
	for _, want := range []string{
		"the digest is not that of the document", "hint: put back the document", "can still be read in /etc/shop/.env", "connection refused",
		"not looked at yet", "there is no keyset yet", "the next key signs, in 65m", ">read the store again<", "asked</dt>",
		`href="#revoked"`, `href="#late"`, `class="current unknown"`, `class="current planned"`, `class="more"`, "(7) rotate: production",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestNothingRunsAndNothingIsAsked: the page has no script, no style but its own, and no address but those of this host.
func TestNothingRunsAndNothingIsAsked(t *testing.T) {
	w := get(t, (&world{t: t}).keys(12), "?watch=1")
	text := w.Body.String()
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := w.Header().Get("Content-Security-Policy")
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; style == "" || !strings.Contains(policy, want) {
		t.Errorf("the policy %q does not allow the style of the page: %s", policy, want)
	}
	for _, want := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s is not in %q", want, policy)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Refresh": "60",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if strings.Contains(style, "@import") || strings.Contains(strings.ReplaceAll(style, "url(#", ""), "url(") {
		t.Error("the style asks for something")
	}
	elements(t, text)
}

// elements holds each element of a page against what may be there.
func elements(t *testing.T, text string) {
	t.Helper()
	here := regexp.MustCompile(`^(\?|#|status$|metrics$)`)
	for z := html.NewTokenizer(strings.NewReader(text)); z.Next() != html.ErrorToken; {
		e := z.Token()
		if e.Type != html.StartTagToken && e.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"script", "iframe", "object", "embed", "img", "image", "foreignobject", "base", "video", "audio"}, e.Data) {
			t.Errorf("<%s>", e.Data)
		}
		for _, a := range e.Attr {
			icon := e.Data == "link" && strings.HasPrefix(a.Val, "data:image/svg+xml,")
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "action":
				t.Errorf("<%s %s=%q>", e.Data, a.Key, a.Val)
			case a.Key == "href" && !icon && !here.MatchString(a.Val):
				t.Errorf("<%s> leads to %q", e.Data, a.Val)
			}
		}
	}
}

// TestPromise7NoMaterial: the material of no key is on the page, in no form.
func TestPromise7NoMaterial(t *testing.T) {
	text := body(t, (&world{t: t}).keys(30), "")
	for _, form := range []string{
		canary, base64.StdEncoding.EncodeToString([]byte(canary))[:24], base64.RawURLEncoding.EncodeToString([]byte(canary))[:24],
		hex.EncodeToString([]byte(canary)), strings.Trim(strings.ReplaceAll(fmt.Sprint([]byte(canary)), " ", ", "), "[]"),
	} {
		if strings.Contains(text, form) {
			t.Errorf("the page holds %q", form)
		}
	}
}

// TestOddNames: what a store, a vendor or an old config calls a thing is text, wherever it stands.
func TestOddNames(t *testing.T) {
	odd := `"><script>alert(1)</script>'&#x41;` + "\x1b[31m\x00\u202e"
	w := &world{t: t}
	k := w.key(odd, policy, w.lived(odd, policy, now.Add(-100*day), now), func(s *scheduler.State) { s.Store = odd })
	k.Facts.Warnings = []string{odd}
	k.Facts.Target.Secret, k.Facts.Target.StoreName, k.Facts.Target.Environment = odd, odd, odd
	text := body(t, []live.Key{k}, "")
	elements(t, text)
	if strings.ContainsAny(text, "\x1b\x00") || !strings.Contains(text, "&lt;script&gt;alert(1)") {
		t.Errorf("%q", text)
	}
}

// TestEveryKeyIsOnOnePage: however a list is ordered, its pages have each key once.
func TestEveryKeyIsOnOnePage(t *testing.T) {
	keys := (&world{t: t}).keys(450)
	for _, sort := range []string{"attention", "name", "state", "next", "age"} {
		seen := map[string]int{}
		var sizes []int
		for p := 1; p <= 3; p++ {
			text := body(t, keys, fmt.Sprintf("?sort=%s&page=%d", sort, p))
			sizes = append(sizes, len(names(text)))
			for _, n := range names(text) {
				seen[n]++
			}
			if !strings.Contains(text, fmt.Sprintf("%d to %d of 450", 200*(p-1)+1, min(450, 200*p))) {
				t.Errorf("page %d does not say where it is", p)
			}
			if strings.Contains(text, `rel="prev"`) != (p > 1) || strings.Contains(text, `rel="next"`) != (p < 3) {
				t.Errorf("page %d leads elsewhere", p)
			}
		}
		if !slices.Equal(sizes, []int{200, 200, 50}) || len(seen) != 450 {
			t.Errorf("%s: %v keys a page, %d in all", sort, sizes, len(seen))
		}
	}
	if body(t, keys, "?page=99") != body(t, keys, "?page=3") {
		t.Error("a page beyond the last one is another than the last")
	}
}

func TestOrderAndFilter(t *testing.T) {
	w := &world{t: t}
	keys := []live.Key{
		w.well("b-old", policy, 80*day), w.well("a-young", policy, 10*day),
		w.key("d-halted", policy, w.lived("d-halted", policy, now.Add(-20*day), now), halted), w.overdue("c-overdue"),
	}
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{"c-overdue", "d-halted", "a-young", "b-old"}},
		{"?sort=name", []string{"a-young", "b-old", "c-overdue", "d-halted"}},
		{"?sort=next", []string{"c-overdue", "b-old", "a-young", "d-halted"}},
		{"?sort=state", []string{"d-halted", "c-overdue", "a-young", "b-old"}},
		{"?sort=age", []string{"c-overdue", "b-old", "a-young", "d-halted"}},
		{"?state=halted", []string{"d-halted"}},
		{"?state=attention", []string{"c-overdue", "d-halted"}},
		{"?q=OLD", []string{"b-old"}},
		{"?q=o&state=overdue", []string{"c-overdue"}},
		{"?q=nothing", nil},
		{"?q=&state=", []string{"c-overdue", "d-halted", "a-young", "b-old"}},
	} {
		if got := names(body(t, keys, c.query)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.query, got, c.want)
		}
	}
}

// TestReloadWhileAsked: a key that is gone from the config by the time that it is drawn is left out.
func TestReloadWhileAsked(t *testing.T) {
	keys := these((&world{t: t}).keys(3))
	keys.One = func(string) (live.Key, bool) { return live.Key{}, false }
	w := httptest.NewRecorder()
	page.Handler(keys).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusOK || len(names(w.Body.String())) > 0 {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

// FuzzQuery: whatever an address holds, the answer is a page or a refusal that repeats nothing of it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "state=halted&sort=age&days=7&page=2&watch=1&q=a", "page=0", "page=-1", "page=01", "page=99999999999999999999", "days=1", "sort=x", "token=Sup3rSecretValue",
		"q=" + url.QueryEscape(`"><script>`), "q=%00%ff", "state=a&state=b", "a;b", "%", "watch=", "q=" + strings.Repeat("x", 65),
	} {
		f.Add(seed)
	}
	keys := (&world{t: f}).keys(5)
	handler := page.Handler(these(keys))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		text := w.Body.String()
		switch w.Code {
		case http.StatusOK:
			if !strings.HasSuffix(text, "</html>\n") {
				t.Errorf("%q: the page is cut: %q", query, text[max(0, len(text)-100):])
			}
			if strings.Contains(text, "<script") {
				t.Errorf("%q is part of the page", query)
			}
		case http.StatusBadRequest:
			for _, value := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == '=' }) {
				if len(value) > 12 && strings.Contains(text, value) {
					t.Errorf("%q is repeated: %s", query, text)
				}
			}
		default:
			t.Errorf("%q: %d", query, w.Code)
		}
	})
}
