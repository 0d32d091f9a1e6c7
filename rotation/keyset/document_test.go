package keyset_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// docs/document.md has every member that rotate writes, for all whose versions
// meet. The standard members of a JWK are RFC 7517's and 7518's.
func TestEveryMemberIsOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/document.md")
	if err != nil {
		t.Fatal(err)
	}
	ok := must(t)
	adopted, err := keyset.AdoptSymmetric("a", keyset.HS256, madeKey(t, "a").Text(), "")
	if err != nil {
		t.Fatal(err)
	}
	s := ok(keyset.Create("k", "test", "l", adopted, t0))
	s = ok(s.Record(keyset.NamedRequest("id", "a", "me"), t0))
	s = ok(ok(ok(s.Publish(madeKey(t, "b"), t0)).MarkReady(t0, nil)).Promote(t0))
	s = ok(s.MarkSettled(t0, nil, time.Hour))
	s = ok(ok(s.Publish(madeKey(t, "c"), t0)).MarkReady(t0, nil))
	s = ok(s.Accept(20, []string{"x"}, nil, t0))
	s = ok(ok(s.MarkReady(t0, nil)).MarkSettled(t0, nil, time.Hour))
	fresh := madeKey(t, "d")
	s = ok(s.Revoke([]string{"c"}, &fresh, t0))
	s = ok(ok(s.Publish(madeKey(t, "e"), t0)).MarkReady(t0, nil))
	s = ok(s.Pause(keyset.Pause{Until: t0.Add(time.Hour), By: "me", Reason: "a release"}, t0))
	s = ok(s.WithOutputs([]keyset.Output{{Name: "o", Format: "env", Variables: []string{"V"}}}))
	_, doc, err := s.Observe("c", "disabled", t0, t0.Add(time.Hour)).Encode("parent", "write")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(doc.Reveal(), &tree); err != nil {
		t.Fatal(err)
	}
	stands := func(of, member string) bool {
		for line := range strings.SplitSeq(string(page), "\n") {
			cells := strings.Split(line, "|")
			if len(cells) > 6 && strings.Contains(cells[1], of) && strings.Contains(cells[1], "`"+member+"`") {
				return true
			}
		}
		return false
	}
	jwk := map[string]bool{"kty": true, "use": true, "k": true}
	members := 0
	for name, value := range tree {
		members++
		list, _ := value.([]any)
		if name != "keys" && name != "gone" && !stands("", name) {
			t.Errorf("docs/document.md has no row with `%s`", name)
		}
		for _, each := range list {
			object, _ := each.(map[string]any)
			for inner := range object {
				members++
				of := "`" + name + "[]"
				if (name == "keys" && !jwk[inner] || name == "gone") && !stands("", name+"[]."+inner) && !stands(of, inner) && !stands(of, "."+inner) {
					t.Errorf("docs/document.md has no row with `%s[].%s`", name, inner)
				}
			}
		}
	}
	if members < 50 {
		t.Errorf("only %d members: the document of this test lacks some", members)
	}
	for _, want := range []string{"ready", "settled", "accepted", "dropped", "revoked", "requests", "outputs", "gone", "history", "paused"} {
		if tree[want] == nil {
			t.Errorf("the document of this test has no %s", want)
		}
	}
}
