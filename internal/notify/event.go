package notify

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
	"github.com/keyrotate/rotate/rotation"
)

// Schema names the form of an event's data. Members may be added to it; a change of
// one that exists gets a new name.
const Schema = "rotate/notify/v1"

// types begins the type of each event: a reverse DNS name, as CloudEvents 1.0
// advises, and the kind.
const types = "com.github.keyrotate.rotate.key."

// An Event is one thing that happened to one key. It is not to be changed.
type Event struct {
	ID   string
	Kind Kind
	At   time.Time // when it was noticed
	Data Data
}

// Data is what an event says of its key, as the last pass saw it.
type Data struct {
	Schema      string          `json:"schema"`
	Key         string          `json:"key"`
	Environment string          `json:"environment"`
	Store       string          `json:"store"`
	Secret      string          `json:"secret"`
	State       status.State    `json:"state"` // as `rotate status` has it
	Text        string          `json:"text"`  // for people
	Codes       []rotation.Code `json:"codes,omitempty"`
	Lineage     string          `json:"lineage,omitempty"`
	Generation  uint64          `json:"generation,omitempty"`
	Current     string          `json:"current,omitempty"` // the kid that signs
	Next        string          `json:"next,omitempty"`
	Previous    []string        `json:"previous,omitempty"`
	Due         *time.Time      `json:"due,omitempty"`
	Changes     []status.Change `json:"changes,omitempty"` // of a transition: since the look before; absent if there was none
}

// id is the same for an event in every replica and at each retry: a hash of whose
// it is, its generation and kind, and what tells it from another of that kind in
// the same generation. It has no full stop, which Standard Webhooks forbids there.
func id(k Kind, lineage string, generation uint64, also ...string) string {
	return digest(append([]string{string(k), lineage, strconv.FormatUint(generation, 10)}, also...))
}

func digest(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// A message is one or more events as they are sent, the same at each retry.
type message struct {
	id   string
	text string // for people
	body []byte // a CloudEvent in JSON
}

// A cloudEvent is the JSON form of CloudEvents 1.0 (structured mode).
type cloudEvent struct {
	Version string    `json:"specversion"`
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Type    string    `json:"type"`
	Subject string    `json:"subject,omitempty"`
	Time    time.Time `json:"time"`
	Content string    `json:"datacontenttype"`
	Data    any       `json:"data"`
}

func (e Event) cloud() cloudEvent {
	return cloudEvent{
		Version: "1.0", ID: e.ID, Source: "rotate:" + e.Data.Environment, Type: types + string(e.Kind), Subject: e.Data.Key,
		Time: e.At.UTC(), Content: "application/json", Data: e.Data,
	}
}

// messageOf puts events into one message: a single one as it is, more of them as a
// digest, whose id is a hash of theirs.
func messageOf(events []Event) message {
	e := events[0]
	whole, text := e.cloud(), e.Data.Text
	if len(events) > 1 {
		var ids, texts []string
		var parts []cloudEvent
		for _, e := range events {
			ids, texts, parts = append(ids, e.ID), append(texts, e.Data.Text), append(parts, e.cloud())
		}
		text = say.Digest(texts)
		whole.ID, whole.Type, whole.Subject = digest(slices.Sorted(slices.Values(ids))), types+"digest", ""
		whole.Data = struct {
			Schema string       `json:"schema"`
			Text   string       `json:"text"`
			Events []cloudEvent `json:"events"`
		}{Schema, text, parts}
	}
	body, _ := json.Marshal(whole) // texts, times and numbers: there is no error
	return message{whole.ID, text, body}
}
