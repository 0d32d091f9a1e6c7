package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"go.yaml.in/yaml/v4"
)

// JSON writes a report for programs.
func JSON(w io.Writer, r any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// YAML writes the same members in the same order: JSON is YAML, so it is
// read as that and written in YAML's own style.
func YAML(w io.Writer, r any) error {
	var doc bytes.Buffer
	if err := JSON(&doc, r); err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(doc.Bytes(), &node); err != nil {
		return err
	}
	blockStyle(&node)
	d, err := yaml.NewDumper(w, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return err
	}
	return errors.Join(d.Dump(&node), d.Close())
}

// blockStyle drops the braces and quotes that JSON has.
func blockStyle(n *yaml.Node) {
	n.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle
	for _, c := range n.Content {
		blockStyle(c)
	}
}
