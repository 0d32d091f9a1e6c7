// Package report writes what judge found in many places, for programs: as JSON,
// and as SARIF 2.1.0 (OASIS), which code hosts and scanners read. Nothing that it
// writes holds a part of a secret.
package report

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/say"
)

// A Finding is the answer about one secret.
type Finding struct {
	Name   string // of the variable, member or key; "" if there is none
	File   string // or the name of a store's secret; "" for standard input
	Line   int    // from 1; 0 if the place has no lines
	Result judge.Result
}

// A Tool is the program that writes.
type Tool struct {
	Name, Version, Home string
}

// Schema names the form of a Document. Members may be added to it.
const Schema = "rotate/check/v1"

// A Document is what is written as JSON.
type Document struct {
	Schema   string    `json:"schema"`   // rotate/check/v1
	At       time.Time `json:"at"`       // when the secrets were judged
	Version  string    `json:"version"`  // of the program that judged
	Findings []Entry   `json:"findings"` // fine ones included, in the order of the sources
}

// An Entry is the answer about one secret.
type Entry struct {
	Name    string         `json:"name,omitempty"` // of the variable, member or key
	File    string         `json:"file,omitempty"` // or STORE:NAME; absent for standard input
	Line    int            `json:"line,omitempty"` // from 1; absent where the place has no lines
	Verdict string         `json:"verdict"`        // guessable, below-advice or fine
	Bits    int            `json:"bits"`           // of strength, at most
	Reasons []judge.Reason `json:"reasons"`        // why, as data
	Text    []string       `json:"text"`           // why, for people
}

// JSON writes all findings, fine ones included, in their order.
func JSON(w io.Writer, t Tool, now time.Time, all []Finding) error {
	doc := Document{Schema: Schema, At: now.UTC().Truncate(time.Second), Version: t.Version, Findings: []Entry{}}
	for _, f := range all {
		doc.Findings = append(doc.Findings, Entry{
			Name: f.Name, File: f.File, Line: f.Line,
			Verdict: f.Result.Verdict.String(), Bits: f.Result.Bits,
			Reasons: append([]judge.Reason{}, f.Result.Reasons...),
			Text:    append([]string{}, say.Judged(f.Result)...),
		})
	}
	return encode(w, doc)
}

func encode(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// A Result is one finding of any kind, for SARIF.
type Result struct {
	Rule  string // a stable code
	Level string // error, warning or note
	Text  string // for people
	File  string // "" if it is in none
	Line  int    // from 1; 0 if the place has no lines
	Name  string // of what it is about; "" if it has none
}

// SARIF writes a result for each finding that is not fine: an error for a
// guessable secret, a note for one that is below the advice. Its rule is the
// first reason.
func SARIF(w io.Writer, t Tool, all []Finding) error {
	var results []Result
	for _, f := range all {
		if f.Result.Verdict != judge.Fine {
			results = append(results, Result{
				Rule: string(f.Result.Reasons[0].Code), Level: level(f.Result.Verdict), Text: strings.Join(say.Judged(f.Result), "; "),
				File: f.File, Line: f.Line, Name: f.Name,
			})
		}
	}
	return Results(w, t, results)
}

// Results writes SARIF.
func Results(w io.Writer, t Tool, all []Result) error {
	one := run{Results: []result{}}
	one.Tool.Driver = driver{Name: t.Name, Version: t.Version, InformationURI: t.Home, Rules: []rule{}}
	for _, r := range all {
		one.Results = append(one.Results, result{
			RuleID: r.Rule, RuleIndex: one.Tool.Driver.index(r.Rule), Level: r.Level,
			Message: message{r.Text}, Locations: locations(r),
		})
	}
	return encode(w, log{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []run{one},
	})
}

func level(v judge.Verdict) string {
	if v == judge.Guessable {
		return "error"
	}
	return "note"
}

// index is that of a rule, which is added if it is new.
func (d *driver) index(id string) int {
	for i, r := range d.Rules {
		if r.ID == id {
			return i
		}
	}
	d.Rules = append(d.Rules, rule{id})
	return len(d.Rules) - 1
}

func locations(f Result) []location {
	var l location
	if f.File != "" {
		l.Physical = &physical{Artifact: artifact{strings.ReplaceAll(f.File, `\`, "/")}}
		if f.Line > 0 {
			l.Physical.Region = &region{f.Line}
		}
	}
	if f.Name != "" {
		l.Logical = []logical{{f.Name}}
	}
	if l.Physical == nil && l.Logical == nil {
		return nil
	}
	return []location{l}
}

// The parts of SARIF that are written (§3.13 and what follows).
type (
	log struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool struct {
			Driver driver `json:"driver"`
		} `json:"tool"`
		Results []result `json:"results"`
	}
	driver struct {
		Name           string `json:"name"`
		Version        string `json:"version,omitempty"`
		InformationURI string `json:"informationUri,omitempty"`
		Rules          []rule `json:"rules"`
	}
	rule struct {
		ID string `json:"id"`
	}
	result struct {
		RuleID    string     `json:"ruleId"`
		RuleIndex int        `json:"ruleIndex"`
		Level     string     `json:"level"`
		Message   message    `json:"message"`
		Locations []location `json:"locations,omitempty"`
	}
	message struct {
		Text string `json:"text"`
	}
	location struct {
		Physical *physical `json:"physicalLocation,omitempty"`
		Logical  []logical `json:"logicalLocations,omitempty"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	artifact struct {
		URI string `json:"uri"`
	}
	region struct {
		StartLine int `json:"startLine"`
	}
	logical struct {
		Name string `json:"name"`
	}
)
