package kubernetes

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/providers"
)

// scenarios are what people and controllers do to Secrets. The fake and the real
// API server have to agree on each.
var scenarios = map[string]func(*testing.T, server, *store){
	"a stranger's Secret":               strangers,
	"a stranger's data keys":            dataKeys,
	"a Secret that is handed over":      handedOver,
	"an immutable Secret":               immutable,
	"a Secret that is being deleted":    deleting,
	"a deleted Secret":                  deleted,
	"what others put there stays":       keepsOthers,
	"an edit of anything is a revision": edits,
	"layouts follow each other":         layouts,
	"a backup of the whole object":      backup,
	"options":                           options,
	"a namespace that is not there":     noNamespace,
	"a namespace that is ending":        endingNamespace,
	"a quota":                           quota,
	"no room beside others":             noRoom,
	"a policy that quotes":              quoting,
	"rights":                            rights,
	"rights too many":                   excess,
	"nobody's token":                    nobody,
}

func TestScenarios(t *testing.T) {
	for what, play := range scenarios {
		t.Run(what, func(t *testing.T) {
			_, v := fakeServer()
			play(t, v, v.open(t, Config{}, "admin"))
		})
	}
}

// fails checks the kind of an error, and words that it has to have.
func fails(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("the error is %v, want %v", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(say.Error(err).String(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func write(t *testing.T, s *store, text string, after providers.RevisionID) error {
	_, err := s.Write(t.Context(), name, providers.NewSecret([]byte(text)), after, noteOf(1))
	return err
}

func strangers(t *testing.T, v server, s *store) {
	for data, want := range map[*map[string]string]string{
		{"JWT_SECRET": "hunter2"}:               "hunter2",
		{"JWT_SECRET": "hunter2", "OTHER": "x"}: `{"JWT_SECRET":"hunter2","OTHER":"x"}`,
	} {
		v.stranger(t, s, name, *data)
		before := v.object(t, s, name)
		rev, err := s.Read(t.Context(), name)
		must(t, err)
		if string(rev.Value.Reveal()) != want || rev.Note != (providers.Note{}) {
			t.Errorf("reads with note %v, and %d bytes, not %d", rev.Note, rev.Value.Len(), len(want))
		}
		fails(t, write(t, s, "mine", rev.ID), providers.ErrUnsafe, "was not made by rotate", "kubectl label -n "+s.Namespace+" secret "+name+" app.kubernetes.io/managed-by=rotate")
		fails(t, write(t, s, "mine", ""), providers.ErrConflict)
		if after := v.object(t, s, name); after.ResourceVersion != before.ResourceVersion {
			t.Errorf("it was changed")
		}
		v.admin(t, "DELETE", at(s.Namespace, name), nil)
	}
	v.stranger(t, s, name, nil)
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrUnreadable, "no data") // not: there never was one
}

// A Secret that a person made reads by its data keys.
func dataKeys(t *testing.T, v server, s *store) {
	v.stranger(t, s, "shop", map[string]string{"JWT_SECRET": "a text", "tls.key": "another"})
	fields, err := s.ReadFields(t.Context(), "shop")
	if err != nil || len(fields) != 2 || string(fields["JWT_SECRET"].Reveal()) != "a text" || string(fields["tls.key"].Reveal()) != "another" {
		t.Errorf("%d fields, %v", len(fields), err)
	}
	if _, err := s.ReadFields(t.Context(), "not"); !errors.Is(err, providers.ErrNotFound) {
		t.Error(err)
	}
}

func handedOver(t *testing.T, v server, s *store) {
	v.stranger(t, s, name, map[string]string{"JWT_SECRET": "hunter2", "OTHER": "x"})
	v.edit(t, s, name, func(o *corev1.Secret) { o.Labels = map[string]string{managedBy: manager, "team": "shop"} })
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	put(t, s, documentText, rev.ID, 1)
	object := v.object(t, s, name)
	if got := slices.Sorted(maps.Keys(object.Data)); !slices.Equal(got, []string{"current", "keyset", "next", "previous"}) || object.Labels["team"] != "shop" {
		t.Errorf("it holds %v, labels %v", got, object.Labels)
	}
}

func immutable(t *testing.T, v server, s *store) {
	rev := put(t, s, "a", "", 1)
	yes := true
	v.edit(t, s, name, func(o *corev1.Secret) { o.Immutable = &yes })
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	fails(t, write(t, s, "b", rev.ID), providers.ErrUnsafe, "immutable")
	// And if it is made so between the look and the update.
	object, _, err := s.get(t.Context(), name)
	must(t, err)
	object.Data[textKey] = []byte("b")
	_, err = s.update(t.Context(), object)
	fails(t, err, providers.ErrUnsafe, "immutable")
}

func deleting(t *testing.T, v server, s *store) {
	rev := put(t, s, "a", "", 1)
	v.edit(t, s, name, func(o *corev1.Secret) { o.Finalizers = []string{"example.com/wait"} })
	v.admin(t, "DELETE", at(s.Namespace, name), nil)
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrUnreadable, "being deleted, with the time stamp", "example.com/wait")
	_, err = s.History(t.Context(), name)
	fails(t, err, providers.ErrUnreadable)
	_, err = s.Erase(t.Context(), name, "1", rev.ID)
	fails(t, err, providers.ErrUnreadable)
	for _, after := range []providers.RevisionID{"", rev.ID, providers.RevisionID(v.object(t, s, name).ResourceVersion)} {
		fails(t, write(t, s, "b", after), providers.ErrConflict)
	}
	v.edit(t, s, name, func(o *corev1.Secret) { o.Finalizers = nil })
}

func deleted(t *testing.T, v server, s *store) {
	rev := put(t, s, "a", "", 1)
	v.admin(t, "DELETE", at(s.Namespace, name), nil)
	_, err := s.Read(t.Context(), name) // Traits.Notes says so
	fails(t, err, providers.ErrNotFound)
	fails(t, write(t, s, "b", rev.ID), providers.ErrConflict, "not there any more")
	if again := put(t, s, "a", "", 1); again.ID == rev.ID {
		t.Errorf("the new Secret has the old one's id")
	}
	fails(t, write(t, s, "b", rev.ID), providers.ErrConflict)
}

func keepsOthers(t *testing.T, v server, s *store) {
	put(t, s, documentText, "", 1)
	v.edit(t, s, name, func(o *corev1.Secret) {
		o.Data["DB_PASSWORD"] = []byte("x")
		o.Labels["team"], o.Annotations["example.com/a"] = "shop", "b"
		o.Finalizers = []string{"example.com/wait"}
	})
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	if string(rev.Value.Reveal()) != documentText || rev.Note != noteOf(1) {
		t.Errorf("reads other than the document, note %v", rev.Note)
	}
	put(t, s, "b", rev.ID, 2)
	o := v.object(t, s, name)
	if string(o.Data["DB_PASSWORD"]) != "x" || len(o.Data) != 2 || o.Labels["team"] != "shop" || o.Annotations["example.com/a"] != "b" || len(o.Finalizers) != 1 {
		t.Errorf("data keys %v, labels %v, annotations %v, finalizers %v", slices.Sorted(maps.Keys(o.Data)), o.Labels, o.Annotations, o.Finalizers)
	}
	v.edit(t, s, name, func(o *corev1.Secret) { o.Finalizers = nil })
}

func edits(t *testing.T, v server, s *store) {
	rev := put(t, s, documentText, "", 1)
	v.edit(t, s, name, func(o *corev1.Secret) { o.Annotations["example.com/a"] = "b" })
	fails(t, write(t, s, "b", rev.ID), providers.ErrConflict)
	same, err := s.Read(t.Context(), name)
	must(t, err)
	if !same.Value.Equal(rev.Value) || same.ID == rev.ID {
		t.Errorf("the same value has the id %q, as before %q", same.ID, rev.ID)
	}
	v.edit(t, s, name, func(o *corev1.Secret) { o.Data["current"] = []byte("by hand") })
	got, err := s.Read(t.Context(), name)
	must(t, err)
	if got.Value.Equal(rev.Value) || got.Witness != noteOf(1) {
		t.Errorf("an edit of current alone does not show; witness %v", got.Witness)
	}
}

func layouts(t *testing.T, v server, s *store) {
	var after providers.RevisionID
	for _, c := range []struct{ value, keys string }{
		{documentText, "current keyset next previous"},
		{"JWT_SECRET=x\nJWT_SECRET_NEXT=y\n", "JWT_SECRET JWT_SECRET_NEXT"},
		{"OTHER=x\n", "OTHER"},
		{"text", "value"},
		{documentText, "current keyset next previous"},
	} {
		after = put(t, s, c.value, after, 1).ID
		o := v.object(t, s, name)
		if got := strings.Join(slices.Sorted(maps.Keys(o.Data)), " "); got != c.keys {
			t.Errorf("%q is in %q, want %q", c.value, got, c.keys)
		}
		rev, err := s.Read(t.Context(), name)
		must(t, err)
		if string(rev.Value.Reveal()) != c.value {
			t.Errorf("%q comes back as %q", c.value, rev.Value.Reveal())
		}
	}
}

func backup(t *testing.T, v server, s *store) {
	first := put(t, s, "a", "", 1)
	saved := v.object(t, s, name)
	put(t, s, "b", first.ID, 2)
	v.admin(t, "DELETE", at(s.Namespace, name), nil)
	saved.ResourceVersion, saved.UID, saved.ManagedFields = "", "", nil
	v.admin(t, "POST", strings.TrimSuffix(at(s.Namespace, ""), "/"), saved)
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	if rev.Note != noteOf(1) || rev.Witness != noteOf(1) || rev.ID == first.ID { // Traits.Notes says that nothing here can tell
		t.Errorf("note %v, witness %v, id %q as before %q", rev.Note, rev.Witness, rev.ID, first.ID)
	}
}

func options(t *testing.T, v server, s *store) {
	s = v.open(t, Config{Namespace: s.Namespace, SecretType: "example.com/keyset", Labels: map[string]string{"team": "shop"},
		Annotations: map[string]string{"reloader.stakater.com/match": "true"}, Owner: Owner{"apps/v1", "Deployment", "shop", "5c0b0b9e-0000-4000-8000-000000000001"}}, "admin")
	rev := put(t, s, "a", "", 1)
	put(t, s, "b", rev.ID, 2)
	o := v.object(t, s, name)
	if o.Type != "example.com/keyset" || o.Labels["team"] != "shop" || o.Labels[managedBy] != manager || o.Annotations["reloader.stakater.com/match"] != "true" ||
		len(o.OwnerReferences) != 1 || o.OwnerReferences[0].Kind != "Deployment" {
		t.Errorf("type %q, labels %v, annotations %v, owners %v", o.Type, o.Labels, o.Annotations, o.OwnerReferences)
	}
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	plain := v.open(t, Config{Namespace: s.Namespace}, "admin") // another type in the config: the Secret keeps its own
	put(t, plain, "c", rev.ID, 3)
	if o := v.object(t, s, name); o.Type != "example.com/keyset" {
		t.Errorf("the type became %q", o.Type)
	}
}

func noNamespace(t *testing.T, v server, _ *store) {
	s := v.open(t, Config{Namespace: "not-there"}, "admin")
	fails(t, write(t, s, "a", ""), providers.ErrUnavailable, `namespaces "not-there" not found`, "check the store's namespace")
}

func endingNamespace(t *testing.T, v server, s *store) {
	v.ending(t, s.Namespace)
	fails(t, write(t, s, "a", ""), providers.ErrDenied, "is being terminated")
}

func quota(t *testing.T, v server, s *store) {
	v.limit(t, s.Namespace)
	fails(t, write(t, s, "a", ""), providers.ErrDenied, "exceeded quota", "kubectl describe quota")
	fails(t, s.Probe(t.Context()), providers.ErrDenied, "exceeded quota")
}

func quoting(t *testing.T, v server, s *store) {
	v.deny(t, s.Namespace)
	err := write(t, s, "canary-text", "")
	fails(t, err, providers.ErrDenied, "withheld", "admission policy")
	for _, form := range []string{"canary-text", base64.StdEncoding.EncodeToString([]byte("canary-text"))} {
		if strings.Contains(err.Error(), form) {
			t.Errorf("the error quotes the value")
		}
	}
}

func noRoom(t *testing.T, v server, s *store) {
	put(t, s, "a", "", 1)
	v.edit(t, s, name, func(o *corev1.Secret) { o.Data["others"] = make([]byte, corev1.MaxSecretSize-10) })
	rev, err := s.Read(t.Context(), name)
	must(t, err)
	fails(t, write(t, s, strings.Repeat("canary", 10), rev.ID), providers.ErrTooLarge)
	if got, err := s.Read(t.Context(), name); err != nil || got.ID != rev.ID {
		t.Errorf("the head is %q (%v), want %q", got.ID, err, rev.ID)
	}
}

// rights takes each right of the documented Role away, in turn.
func rights(t *testing.T, v server, s *store) {
	rev := put(t, s, "a", "", 1)
	limited := v.open(t, Config{Namespace: s.Namespace}, "rotate")
	v.grant(t, s.Namespace, leastRules)
	must(t, limited.Probe(t.Context()))
	if more, err := limited.ProbeSecret(t.Context(), name); err != nil || len(more) > 0 {
		t.Errorf("the least Role: %v, and %v is said to be too much", err, more)
	}
	rev, err := limited.Write(t.Context(), name, providers.NewSecret([]byte("b")), rev.ID, noteOf(2))
	must(t, err)
	for verb, call := range map[string]func() error{
		"get":    func() error { _, err := limited.Read(t.Context(), name); return err },
		"create": func() error { return write(t, limited, "c", "") },
		"update": func() error { return write(t, limited, "c", rev.ID) },
	} {
		v.grant(t, s.Namespace, without(leastRules, verb))
		fails(t, call(), providers.ErrDenied, `User "rotate" cannot `+verb+` resource "secrets"`, `in the namespace "`+s.Namespace+`"`, "rotate validate --probe")
		_, err := limited.ProbeSecret(t.Context(), name)
		fails(t, err, providers.ErrDenied, "may not "+verb+" secrets")
		fails(t, limited.Probe(t.Context()), providers.ErrDenied, "may not "+verb+" secrets in namespace "+s.Namespace, `{apiGroups: [""], resources: [secrets], verbs: [`+verb+`]}`)
	}
	v.grant(t, s.Namespace, leastRules)
	if got, err := limited.Read(t.Context(), name); err != nil || got.ID != rev.ID {
		t.Errorf("the head is %q (%v), want %q", got.ID, err, rev.ID)
	}
	_, err = limited.Read(t.Context(), "another")
	fails(t, err, providers.ErrDenied)
	_, err = limited.ProbeSecret(t.Context(), "another")
	fails(t, err, providers.ErrDenied, "may not get, update secrets")
}

// without is rules that grant all but one verb.
func without(rules []rbacv1.PolicyRule, verb string) []rbacv1.PolicyRule {
	var left []rbacv1.PolicyRule
	for _, r := range rules {
		r.Verbs = slices.DeleteFunc(slices.Clone(r.Verbs), func(v string) bool { return v == verb })
		if len(r.Verbs) > 0 {
			left = append(left, r)
		}
	}
	return left
}

func excess(t *testing.T, v server, s *store) {
	limited := v.open(t, Config{Namespace: s.Namespace}, "rotate")
	v.grant(t, s.Namespace, allSecrets)
	must(t, limited.Probe(t.Context()))
	if more, err := limited.ProbeSecret(t.Context(), name); err != nil || len(more) != 1 || !strings.Contains(more[0], "verbs: [list, watch, patch, delete, deletecollection]") {
		t.Errorf("too much: %v (%v)", more, err)
	}
}

func nobody(t *testing.T, v server, s *store) {
	s = v.open(t, Config{Namespace: s.Namespace}, "canary-nobody")
	_, err := s.Read(t.Context(), name)
	fails(t, err, providers.ErrDenied, "does not know this token")
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("an error holds the token")
	}
}
