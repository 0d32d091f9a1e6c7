package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/stores/builtin"
)

// chart is the Helm chart's folder, and files are what it has from elsewhere: a
// chart takes nothing from outside its folder.
const chart = "../../deploy/helm/rotate"

var files = map[string]string{
	"files/rules.yaml":     "../../deploy/prometheus/rules.yaml",
	"files/dashboard.json": "../../deploy/grafana/dashboard.json",
}

// TestChartIsCurrent: the chart's schema of values has what `rotate schema`
// prints, and its rules and dashboard are the shipped ones. With -update they
// are written anew.
func TestChartIsCurrent(t *testing.T) {
	want := map[string][]byte{"values.schema.json": valuesSchema(t)}
	for name, source := range files {
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = data
	}
	for name, data := range want {
		path := filepath.Join(chart, name)
		if *update {
			if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // a file of the repository
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s is not current: run make chart (%v)", path, err)
		}
	}
}

// valuesSchema is deploy/helm/values.schema.in.json with the config in it. A
// config in values is a whole one, so it needs its three sections.
func valuesSchema(t *testing.T) []byte {
	t.Helper()
	form, err := os.ReadFile("../../deploy/helm/values.schema.in.json")
	if err != nil {
		t.Fatal(err)
	}
	types := builtin.Types()
	registry, err := stores.NewRegistry(types...)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := config.Schema(registry)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(printed, &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema, "$schema")
	schema["title"], schema["type"] = "rotate.yaml", "object"
	schema["required"] = []string{"environment", "stores", "keys"}
	sections := schema["properties"].(map[string]any)
	sections["keys"].(map[string]any)["minProperties"] = 1
	section := sections["stores"].(map[string]any)
	section["additionalProperties"] = byType(t, len(types), section["additionalProperties"].(map[string]any)["anyOf"].([]any))
	data, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	const hole = `"config": {}`
	if strings.Count(string(form), hole) != 1 {
		t.Fatalf("no place for the config: want %s once", hole)
	}
	whole := strings.Replace(string(form), hole, `"config": `+string(data), 1)
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(whole), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// byType says the same as anyOf, so that a mistake is told of the store's own
// type and not once for each type.
func byType(t *testing.T, types int, alternatives []any) map[string]any {
	t.Helper()
	var names, conditions []any
	for _, one := range alternatives {
		one := one.(map[string]any)
		typ := one["properties"].(map[string]any)["type"].(map[string]any)["const"]
		names = append(names, typ)
		conditions = append(conditions, map[string]any{
			"if":   map[string]any{"required": []string{"type"}, "properties": map[string]any{"type": map[string]any{"const": typ}}},
			"then": one,
		})
	}
	if len(names) != types {
		t.Fatalf("the schema has %d types of stores, want %d", len(names), types)
	}
	return map[string]any{
		"type": "object", "required": []string{"type"}, "properties": map[string]any{"type": map[string]any{"enum": names}}, "allOf": conditions,
	}
}
