package ops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/audit"
	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/intake"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A door is a host with keys in a store, and a store of others beside it.
type door struct {
	t      *testing.T
	host   *Host
	ours   *memory.Store
	theirs *fielded
	stores fleet.Stores
}

// A fielded store has secrets of several fields, as Vault and Kubernetes do.
type fielded struct {
	*memory.Store
	fields map[string]map[string]string
}

func (f *fielded) Read(ctx context.Context, name string) (providers.Revision, error) {
	if fields, ok := f.fields[name]; ok {
		doc, err := json.Marshal(fields)
		return providers.Revision{ID: "1", Value: providers.NewSecret(doc)}, err
	}
	return f.Store.Read(ctx, name)
}

func (f *fielded) ReadFields(_ context.Context, name string) (map[string]providers.Secret, error) {
	all := map[string]providers.Secret{}
	for field, text := range f.fields[name] {
		all[field] = providers.NewSecret([]byte(text))
	}
	return all, nil
}

func newDoor(t *testing.T) *door {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := &door{t: t, ours: memory.New(), theirs: &fielded{Store: memory.New(), fields: map[string]map[string]string{}}}
	d.host = &Host{
		Now: func() time.Time { return now }, Clock: func() rotation.Clock { return rotation.Clock{Wall: now} }, NewID: keygen.RandomKid,
		Actor: "a test", Trail: &audit.File{}, Log: slog.New(slog.DiscardHandler), Lost: func(err error) { t.Error(err) },
	}
	d.stores = fleet.Stores{
		"ours":   stores.NewLazy("memory", func(context.Context) (providers.Store, error) { return d.ours, nil }),
		"theirs": stores.NewLazy("memory", func(context.Context) (providers.Store, error) { return d.theirs, nil }),
	}
	return d
}

func (d *door) key(name string, spec keygen.Spec) *fleet.Key {
	return &fleet.Key{
		Target: engine.Target{
			Name: name, Environment: "test", StoreName: "ours", Store: d.stores["ours"], Secret: "test-" + name,
			Policy:   rotation.Policy{Schedule: rotation.Every(90 * 24 * time.Hour), Grace: 48 * time.Hour},
			Generate: spec.New,
		},
		Spec: spec, Chosen: spec.Algorithm != "", Stores: d.stores,
	}
}

// set is the keyset of a key, nil if nothing was written.
func (d *door) set(k *fleet.Key) *keyset.Set {
	rev, err := d.ours.Read(d.t.Context(), k.Secret)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	set, err2 := keyset.Parse(rev.Value.Reveal())
	if err != nil || err2 != nil {
		d.t.Fatal(err, err2)
	}
	return set
}

// refusal checks that an error is a refusal with a cure, and returns its code.
func (d *door) refusal(k *fleet.Key, err error) intake.Code {
	d.t.Helper()
	var wrong *usage.Error
	var r *intake.Refusal
	if !errors.As(err, &wrong) || !errors.As(err, &r) {
		d.t.Fatalf("no refusal: %v", err)
	}
	if wrong.Hint == "" || !strings.HasSuffix(wrong.Msg, "; nothing was changed") || d.set(k) != nil {
		d.t.Errorf("%q, hint %q, written: %v", wrong.Msg, wrong.Hint, d.set(k) != nil)
	}
	return r.Code
}

// Each source of the corpus is adopted as what it is, or refused with nothing
// written. TestCorpus of package intake knows what is right.
func TestAdoptTheCorpus(t *testing.T) {
	var corpus []struct {
		Origin, Field, Signs, Kid string
		Text                      []byte
		Fields                    map[string][]byte
		AsIs                      bool
		Algorithm                 keyset.Algorithm
		Bytes                     keyset.Encoding
		Passphrase                *string
		Refused                   intake.Code
		Keys                      []struct{ ID string }
	}
	data, err := os.ReadFile("../intake/testdata/corpus.json")
	if err == nil {
		err = json.Unmarshal(data, &corpus)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, adopted, refused := newDoor(t), 0, 0
	for i, c := range corpus {
		if c.Passphrase != nil || c.Refused == intake.KidTaken { // slow as they are meant to be; another test's
			continue
		}
		k := d.key("key-"+string(rune('a'+i/26))+string(rune('a'+i%26)), keygen.Spec{Algorithm: c.Algorithm, Encoding: c.Bytes, AsBytes: c.Bytes != ""})
		src := Source{Read: intake.Source{Text: c.Text, Fields: c.Fields}, Field: c.Field, Where: "the source"}
		a, err := d.host.Adopt(t.Context(), k, nil, src, AdoptOptions{Signs: c.Signs, Kid: c.Kid, AsIs: c.AsIs})
		if c.Refused != "" {
			refused++
			if code := d.refusal(k, err); code != c.Refused {
				t.Errorf("%s: %s, want %s", c.Origin, code, c.Refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Origin, err)
			continue
		}
		adopted++
		set := d.set(k)
		if len(set.Keys) != len(c.Keys) || len(a.Verdicts) != len(c.Keys) || idOf(set.Signing()) != c.Keys[0].ID {
			t.Errorf("%s: %d keys and %d verdicts, want %d", c.Origin, len(set.Keys), len(a.Verdicts), len(c.Keys))
		}
		if a.Weak() != (len(set.Requests) > 0) {
			t.Errorf("%s: weak is %v, but %d requests stand in the document", c.Origin, a.Weak(), len(set.Requests))
		}
	}
	if adopted < 40 || refused < 60 {
		t.Errorf("%d adopted, %d refused", adopted, refused)
	}
}

func idOf(k keyset.Key) string {
	material := k.PublicPEM()
	if k.Alg.Symmetric() {
		material = k.Text().Reveal()
	}
	sum := sha256.Sum256(material)
	return hex.EncodeToString(sum[:])
}

const drawn = "q0Tq1cJ4Wv7Z-1kGkYcS3n8l5b9mXeR2aUuDfHiOpAs"

// A secret of one field is that field; of several one is named.
func TestAdoptFields(t *testing.T) {
	d := newDoor(t)
	d.theirs.fields["one"] = map[string]string{"jwt": drawn}
	d.theirs.fields["two"] = map[string]string{"jwt": drawn, "db": "x"}
	k := d.key("k", keygen.Spec{})
	adopt := func(from string) (*Adopted, error) {
		src, err := From(t.Context(), k, from)
		if err != nil {
			t.Fatal(err)
		}
		return d.host.Adopt(t.Context(), k, nil, src, AdoptOptions{DryRun: true})
	}
	if _, err := adopt("theirs:two"); d.refusal(k, err) != intake.SeveralFields {
		t.Error(err)
	}
	if _, err := adopt("theirs:two#nope"); d.refusal(k, err) != intake.NoSuchMember {
		t.Error(err)
	}
	for _, from := range []string{"theirs:one", "theirs:one#jwt", "theirs:two#jwt"} {
		a, err := adopt(from)
		if err != nil || string(a.Signs().Text().Reveal()) != drawn || d.set(k) != nil {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// No two key pairs of a config have one kid; a key that cannot be read is told.
func TestAdoptOneKidTwice(t *testing.T) {
	d := newDoor(t)
	spec := keygen.Spec{Algorithm: keyset.ES256}
	first, second, lost := d.key("first", spec), d.key("second", spec), d.key("lost", spec)
	pem := func() Source {
		text, err := spec.Text()
		if err != nil {
			t.Fatal(err)
		}
		return FromInput(text.Reveal(), "")
	}
	asked := AdoptOptions{Kid: "2024-01"}
	if _, err := d.host.Adopt(t.Context(), first, []*fleet.Key{second}, pem(), asked); err != nil {
		t.Fatal(err)
	}
	if _, err := d.host.Adopt(t.Context(), second, []*fleet.Key{first}, pem(), asked); d.refusal(second, err) != intake.KidTaken {
		t.Error(err)
	}
	d.ours.Tamper(lost.Secret, []byte("not a keyset"))
	a, err := d.host.Adopt(t.Context(), second, []*fleet.Key{first, lost}, pem(), AdoptOptions{Kid: "2024-02"})
	if err != nil || len(a.Unread) != 1 || a.Unread[0].Key != lost {
		t.Errorf("%v, %+v", err, a)
	}
}

// What another text in an output's format would be is known before it is written.
func TestAdoptTriesOutputs(t *testing.T) {
	d := newDoor(t)
	k := d.key("k", keygen.Spec{})
	k.Outputs = []engine.Output{{Name: "narrow", Render: func(s *keyset.Set) (providers.Secret, error) {
		if s.Signing().Text().Len() > 43 {
			return providers.Secret{}, errors.New("too wide")
		}
		return s.Signing().Text(), nil
	}}}
	for text, want := range map[string]int{drawn: 0, drawn + "x": 1} {
		a, err := d.host.Adopt(t.Context(), k, nil, FromInput([]byte(text), ""), AdoptOptions{DryRun: true})
		if err != nil || len(a.Outputs) != want || d.set(k) != nil {
			t.Errorf("%d outputs cannot hold it, want %d: %v", len(a.Outputs), want, err)
		}
	}
}

// Where --from points: a store of the config first, then a file that exists or has
// a slash in its name.
func TestFrom(t *testing.T) {
	d := newDoor(t)
	k := d.key("k", keygen.Spec{})
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"plain": "1", "with#hash": "2", "theirs:both": "3", "odd:name": "4", "dir/doc.json": "5"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.theirs.fields["both"] = map[string]string{"a": "6"}
	for from, want := range map[string]string{
		"plain": "1 ", "plain#a.b": "1 a.b", "with#hash": "2 ", "with#hash#x": "2 x", "./theirs:both": "3 ", "odd:name": "4 ",
		"dir/doc.json#x": "5 x", "theirs:both": "6 ", "theirs:both#a": "6 a",
		"nope": "usage", "nope:x": "usage", "nope:x/y": "usage", "theirs:": "usage", "./nope": "file", "dir/nope:x": "file", "theirs:nope": "store", "ours:test-k": "usage",
	} {
		src, err := From(t.Context(), k, from)
		var wrong *usage.Error
		got := string(src.Read.Text) + string(src.Read.Fields["a"]) + " " + src.Field
		switch {
		case errors.As(err, &wrong):
			got = "usage"
		case errors.Is(err, os.ErrNotExist):
			got = "file"
		case errors.Is(err, providers.ErrNotFound):
			got = "store"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
}
