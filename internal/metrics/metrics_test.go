package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/metrics"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/rotation/scheduler"
	"github.com/keyrotate/rotate/secret"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const material = "canary-canary-canary-canary-canary"

// busy is a key about which there is everything to tell.
func busy(t *testing.T) live.Key {
	t.Helper()
	k, err := keyset.NewSymmetric("kid-1", keyset.HS256, secret.New([]byte(material)), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Create("k", "test", "l", k, now.Add(-100*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Pause(keyset.Pause{Until: now.Add(24 * time.Hour), By: "me", Reason: "a \"release\""}, now); err != nil {
		t.Fatal(err)
	}
	policy := rotation.Policy{Schedule: rotation.Every(24 * time.Hour), Grace: 48 * time.Hour, Propagation: 2 * time.Hour}
	return live.Of(now, status.Facts{
		Target: engine.Target{
			Name: "k", StoreName: "m", Store: memory.New(), Policy: policy,
			Outputs: []engine.Output{{Name: "env"}, {Name: "vault"}},
		},
		Late: time.Hour,
	}, scheduler.State{
		Key: "k", Store: "m", Ended: now, Well: now.Add(-time.Hour), Troubles: 2, Set: set, Read: now,
		Behind: map[string]time.Time{"env": now.Add(-20 * time.Minute)},
		Result: engine.Result{
			Set: set, Step: rotation.Step{Do: rotation.Wait, Alarms: []rotation.Reason{{Code: rotation.OutputSilent, Output: "env"}}},
			Clock: rotation.Clock{Wall: now, Service: now.Add(-3 * time.Second)}, Left: engine.Left{Revisions: 2, Failed: true},
		},
	})
}

// removed is a key that was removed a day ago.
func removed(t *testing.T) live.Key {
	t.Helper()
	at := now.Add(-24 * time.Hour)
	k, err := keyset.NewSymmetric("kid-2", keyset.HS256, secret.New([]byte(material)), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyset.Create("old", "test", "l", k, at)
	if err == nil {
		set, err = set.Remove(keyset.Removal{Now: true, By: "me"}, at, at)
	}
	if err == nil {
		set, err = set.Bury(nil, at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return live.Of(now, status.Facts{Target: engine.Target{Name: "old", StoreName: "m", Store: memory.New()}, Late: time.Hour}, scheduler.State{
		Key: "old", Store: "m", Ended: now, Well: now, Read: now, Result: engine.Result{Removed: set, Step: rotation.Step{Do: rotation.Wait, Why: rotation.WasRemoved(set)}},
	})
}

// Promise 7: a scrape does not show what a bug in a measure panics with.
func TestPromise7APanicIsNotShown(t *testing.T) {
	w := httptest.NewRecorder()
	metrics.New("v1", func() iter.Seq[live.Key] { panic(material) }).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "a bug in rotate") || strings.Contains(w.Body.String(), material) {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// full is a scrape of Metrics in which everything has happened once.
func full(t *testing.T) string {
	t.Helper()
	k := busy(t)
	m := metrics.New("v1", func() iter.Seq[live.Key] { return slices.Values([]live.Key{k, removed(t)}) })
	m.Event(engine.Event{Key: "k", Store: "m", Action: "promote", Kid: "kid-1", Reason: "due"})
	m.AuditFailed()
	m.ConnectionCut("idle")
	m.Notified("ops", "sent", 2)
	m.Reloaded(now, true)
	s, err := stores.Counted(func(context.Context) (providers.Store, error) { return memory.New(), nil }, m.Calls("m"))(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Read(t.Context(), "none")
	return scrape(t, m)
}

func TestKeys(t *testing.T) {
	text := full(t)
	for _, line := range []string{
		`rotate_build_info{version="v1"} 1`,
		`rotate_key_state{key="k",state="overdue",store="m"} 1`,
		`rotate_key_state{key="k",state="healthy",store="m"} 0`,
		`rotate_key_attention{key="k",store="m"} 1`,
		`rotate_key_state{key="old",state="removed",store="m"} 1`,
		`rotate_key_attention{key="old",store="m"} 0`,
		`rotate_key_erased_timestamp_seconds{key="old",removed_by="me",store="m"} ` + unix(now.Add(-24*time.Hour)),
		`rotate_key_paused_until_timestamp_seconds{key="k",reason="me: a \"release\"",store="m"} ` + unix(now.Add(24*time.Hour)),
		`rotate_key_live{key="k",status="current",store="m"} 1`,
		`rotate_key_live{key="k",status="previous",store="m"} 0`,
		`rotate_key_issued_timestamp_seconds{key="k",store="m"} ` + unix(now.Add(-100*24*time.Hour)),
		`rotate_key_last_success_timestamp_seconds{key="k",store="m"} ` + unix(now.Add(-time.Hour)),
		`rotate_key_superseded_revisions{key="k",store="m"} 2`,
		`rotate_key_erasure_failed{key="k",store="m"} 1`,
		`rotate_key_failures{key="k",store="m"} 2`,
		`rotate_key_clock_difference_seconds{key="k",store="m"} 3`,
		`rotate_output_lag_seconds{key="k",output="env",store="m"} 1200`,
		`rotate_output_lag_seconds{key="k",output="vault",store="m"} 0`,
		`rotate_key_events_total{action="promote",key="k",store="m"} 1`,
		`rotate_store_calls_total{operation="open",result="ok",store="m"} 1`,
		`rotate_store_calls_total{operation="read",result="not_found",store="m"} 1`,
		`rotate_audit_failures_total 1`,
		`rotate_notifications_total{receiver="ops",result="sent"} 2`,
		`rotate_config_last_reload_successful 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, "rotate_key_overdue_seconds{key=\"k\",store=\"m\"} 0\n") {
		t.Error("a key that was due 97 days ago is not overdue")
	}
	if strings.Contains(text, material) || strings.Contains(text, "kid-1") {
		t.Error("a kid or its material is a label")
	}
}

// A scraper refuses a scrape that has a series or a family twice. The keys' own
// are not registered, so no registry looks.
func TestNoSeriesTwice(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(full(t)) {
		series := line[:strings.LastIndexByte(line, ' ')]
		if strings.HasPrefix(line, "# ") {
			series = strings.Join(strings.Fields(line)[:3], " ")
		}
		if seen[series] {
			t.Errorf("twice: %s", series)
		}
		seen[series] = true
	}
}

func unix(t time.Time) string { return fmt.Sprintf("%g", float64(t.Unix())) }

// TestLabelsAreBounded: whatever a store answers, and however it names what it
// answers about, there is one series for each kind of end.
func TestLabelsAreBounded(t *testing.T) {
	m := metrics.New("v1", func() iter.Seq[live.Key] { return slices.Values([]live.Key(nil)) })
	for i := range 50 {
		err := error(&providers.Error{Op: "open", Name: fmt.Sprint("secret-", i), Kind: providers.ErrDenied, Err: fmt.Errorf("trace %d", i)})
		if i%2 == 0 {
			err = fmt.Errorf("of no kind: %d", i)
		}
		_, _ = stores.Counted(func(context.Context) (providers.Store, error) { return nil, err }, m.Calls("m"))(t.Context())
	}
	series := 0
	for line := range strings.Lines(scrape(t, m)) {
		if strings.HasPrefix(line, "rotate_store_calls_total{") {
			series++
		}
	}
	if series != 2 {
		t.Errorf("%d series, want denied and other", series)
	}
}

// A counted store is the store that it counts.
func TestCountedStore(t *testing.T) {
	m := metrics.New("v1", func() iter.Seq[live.Key] { return slices.Values([]live.Key(nil)) })
	inner := memory.New()
	s, err := stores.Counted(func(context.Context) (providers.Store, error) { return inner, nil }, m.Calls("m"))(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Write(t.Context(), "n", secret.New([]byte("one")), "", providers.Note{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), "n", secret.New([]byte("two")), "", providers.Note{}); !errors.Is(err, providers.ErrConflict) {
		t.Error(err)
	}
	second, err := s.Write(t.Context(), "n", secret.New([]byte("two")), first.ID, providers.Note{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(t.Context(), "n", first.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if revs, err := s.History(t.Context(), "n"); err != nil || len(revs) != 1 || s.Traits().Type != inner.Traits().Type {
		t.Error(revs, err)
	}
	if rev, err := s.Read(t.Context(), "n"); err != nil || rev.ID != second.ID {
		t.Error(rev.ID, err)
	}
	text := scrape(t, m)
	for _, line := range []string{
		`{operation="write",result="ok",store="m"} 2`, `{operation="write",result="conflict",store="m"} 1`,
		`{operation="erase",result="ok",store="m"} 1`, `{operation="history",result="ok",store="m"} 1`, `{operation="read",result="ok",store="m"} 1`,
	} {
		if !strings.Contains(text, "rotate_store_calls_total"+line) {
			t.Errorf("missing: %s", line)
		}
	}
}

// exposed is the name of every metric of rotate's own.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (rotate_\w+) `).FindAllStringSubmatch(full(t), -1) {
		names[m[1]] = true
	}
	return names
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumented: the table of docs/metrics.md is the metrics that there are.
func TestDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(rotate_\\w+)`").FindAllStringSubmatch(file(t, "../../docs/metrics.md"), -1) {
		documented[m[1]] = true
	}
	if want := exposed(t); !maps.Equal(documented, want) {
		t.Errorf("documented %v\nexposed %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(want)))
	}
}

// TestRulesUseWhatIsExposed, and each alert is tested to fire and to be quiet.
func TestRulesUseWhatIsExposed(t *testing.T) {
	text := file(t, "../../deploy/prometheus/rules.yaml")
	names := exposed(t)
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	var tests struct {
		Tests []struct {
			Cases []struct {
				Alert    string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	for path, into := range map[string]any{text: &rules, file(t, "../../deploy/prometheus/rules_test.yaml"): &tests} {
		if err := yaml.Load([]byte(path), into); err != nil {
			t.Fatal(err)
		}
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, one := range tests.Tests {
		for _, c := range one.Cases {
			fires[c.Alert] = fires[c.Alert] || len(c.Expected) > 0
			quiet[c.Alert] = quiet[c.Alert] || len(c.Expected) == 0
		}
	}
	metric := regexp.MustCompile(`\brotate_\w+`)
	for _, r := range rules.Groups[0].Rules {
		for _, name := range metric.FindAllString(r.Expr, -1) {
			if !names[name] {
				t.Errorf("%s uses %s, which the daemon does not expose", r.Alert, name)
			}
		}
		if !fires[r.Alert] || !quiet[r.Alert] {
			t.Errorf("%s: tested to fire %v, to be quiet %v", r.Alert, fires[r.Alert], quiet[r.Alert])
		}
	}
	if len(rules.Groups[0].Rules) < 10 {
		t.Errorf("only %d alerts", len(rules.Groups[0].Rules))
	}
}
