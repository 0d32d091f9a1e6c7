package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// A series of a scrape: its name, its labels without their values.
var seriesLine = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? `)

// labels are those of each metric that a daemon exposes, those of Go and of the
// process among them.
func labels(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, m := range seriesLine.FindAllStringSubmatch(full(t), -1) {
		found[m[1]] = []string{}
		for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(m[2], -1) {
			found[m[1]] = append(found[m[1]], l[1])
		}
	}
	return found
}

// target are the labels that Prometheus itself puts on every series.
var target = []string{"instance", "job"}

var (
	metricInExpr = regexp.MustCompile(`\b(?:rotate|process|go)_\w+`)
	selector     = regexp.MustCompile(`\b((?:rotate|process|go)_\w+)\{([^}]*)\}`)
	matcher      = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping     = regexp.MustCompile(`\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	inLegend     = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

// faults checks one expression, and the labels that its texts show: each metric
// is one that the daemon exposes, and each label one that the metric has.
func faults(exposed map[string][]string, expr string, texts ...string) (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)+": "+expr) }
	known := slices.Clone(target)
	names := metricInExpr.FindAllString(expr, -1)
	if len(names) == 0 {
		fault("it asks for no metric")
	}
	for _, name := range names {
		if _, ok := exposed[name]; !ok {
			fault("the daemon does not expose %s", name)
		}
		known = append(known, exposed[name]...)
	}
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(exposed[m[1]], l[1]) {
				fault("%s has no label %s", m[1], l[1])
			}
		}
	}
	var shown []string
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		for one := range strings.SplitSeq(m[1], ",") {
			shown = append(shown, strings.TrimSpace(one))
		}
	}
	for _, text := range texts {
		for _, m := range inLegend.FindAllStringSubmatch(text, -1) {
			shown = append(shown, m[1])
		}
	}
	for _, label := range shown {
		if !slices.Contains(known, label) {
			fault("no metric of it has the label %s", label)
		}
	}
	return found
}

// A checker that lets everything pass would be worth nothing.
func TestFaultsAreFound(t *testing.T) {
	exposed := labels(t)
	for _, wrong := range [][]string{
		{"1"},
		{"rotate_key_stat"},
		{`rotate_key_state{colour="red"}`},
		{`sum by (pod) (rotate_key_state)`},
		{"rotate_key_state", "{{output}}"},
	} {
		if faults(exposed, wrong[0], wrong[1:]...) == nil {
			t.Errorf("%q passes", wrong)
		}
	}
}

// use reports the faults of one expression.
func use(t *testing.T, exposed map[string][]string, where, expr string, texts ...string) {
	t.Helper()
	for _, fault := range faults(exposed, expr, texts...) {
		t.Errorf("%s: %s", where, fault)
	}
}

const runbook = "https://github.com/keyrotate/rotate/blob/main/"

// TestRulesHaveLabelsAndRunbooks: the labels of each alert exist, and its
// runbook is a section of a page in docs/runbooks.
func TestRulesHaveLabelsAndRunbooks(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Load([]byte(file(t, "../../deploy/prometheus/rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	exposed := labels(t)
	for _, r := range rules.Groups[0].Rules {
		use(t, exposed, r.Alert, r.Expr, r.Annotations["summary"], r.Annotations["description"])
		url, ok := strings.CutPrefix(r.Annotations["runbook_url"], runbook)
		page, section, _ := strings.Cut(url, "#")
		if !ok || !strings.HasPrefix(page, "docs/runbooks/") {
			t.Errorf("%s: its runbook_url is no page of docs/runbooks: %s", r.Alert, r.Annotations["runbook_url"])
			continue
		}
		text, err := os.ReadFile("../../" + page)
		if err != nil || section != strings.ToLower(r.Alert) || !strings.Contains(string(text), "\n## "+r.Alert+"\n") {
			t.Errorf("%s: %s has no section for it: %v", r.Alert, page, err)
		}
	}
}

// A dashboardPanel is what is read of a panel of Grafana's.
type dashboardPanel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ Expr, LegendFormat string }
}

// TestDashboardUsesWhatIsExposed: each query of the dashboard asks for metrics
// and labels that there are, and each metric of rotate's own is on it.
func TestDashboardUsesWhatIsExposed(t *testing.T) {
	text := file(t, "../../deploy/grafana/dashboard.json")
	var board struct {
		UID, Title string
		Panels     []dashboardPanel
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
		Annotations struct {
			List []struct{ Name, Expr, TitleFormat string }
		}
		Links []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		t.Fatal(err)
	}
	exposed := labels(t)
	variables := []string{"__rate_interval", "__all"}
	for _, v := range board.Templating.List {
		variables = append(variables, v.Name)
		if v.Type != "query" {
			continue
		}
		query := strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")")
		at := strings.LastIndex(query, ",")
		use(t, exposed, "variable "+v.Name, query[:at], "{{"+strings.TrimSpace(query[at+1:])+"}}")
	}
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(variables, m[1]) {
			t.Errorf("$%s is no variable of the dashboard", m[1])
		}
	}
	for _, a := range board.Annotations.List {
		use(t, exposed, "annotation "+a.Name, a.Expr, a.TitleFormat)
	}
	for _, l := range board.Links {
		if page, ok := strings.CutPrefix(l.URL, runbook); !ok {
			t.Errorf("a link leads elsewhere: %s", l.URL)
		} else if _, err := os.Stat("../../" + page); err != nil {
			t.Error(err)
		}
	}
	checkPanels(t, exposed, board.Panels)
	for name := range exposed {
		if strings.HasPrefix(name, "rotate_") && !strings.Contains(text, name) && !slices.Contains(notShown, name) {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// notShown is left out of the dashboard: it is a part of an alert, or moves with
// another metric that is shown.
var notShown = []string{
	"rotate_key_propagation_seconds", "rotate_key_last_pass_timestamp_seconds", "rotate_config_last_reload_success_timestamp_seconds",
	"rotate_store_call_duration_seconds_sum", "rotate_store_call_duration_seconds_count",
}

// checkPanels: each has a number of its own, words, queries that work and a
// place where no other panel is.
func checkPanels(t *testing.T, exposed map[string][]string, panels []dashboardPanel) {
	t.Helper()
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range panels {
		if ids[p.ID] {
			t.Errorf("%s: its id is another panel's, too", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %s, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d has no title, description or query", p.ID)
		}
		for _, q := range p.Targets {
			use(t, exposed, p.Title, q.Expr, q.LegendFormat)
		}
	}
	if len(ids) < 20 {
		t.Errorf("only %d panels", len(ids))
	}
}
