package kubernetes

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// TestReal runs the suite, the scenarios and whole lives on the API server that
// e2e/kube.sh starts.
func TestReal(t *testing.T) {
	host := os.Getenv("ROTATE_KUBERNETES")
	if host == "" {
		t.Skip("e2e/kube.sh starts an API server for it")
	}
	authorities := x509.NewCertPool()
	text, err := os.ReadFile(os.Getenv("ROTATE_KUBERNETES_CA"))
	if err != nil || !authorities.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate authority: %v", err)
	}
	via := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, MaxIdleConnsPerHost: 32}
	t.Cleanup(via.CloseIdleConnections)
	v := server{conf: rest.Config{Host: host, Transport: via}}
	v.fresh = func(t testing.TB) string {
		ns := "n-" + strings.ToLower(rand.Text())
		v.admin(t, "POST", "/api/v1/namespaces", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
		return ns
	}
	v.ending = func(t testing.TB, ns string) { v.admin(t, "DELETE", "/api/v1/namespaces/"+ns, nil) }
	v.grant, v.limit, v.deny = v.realGrant, v.realLimit, v.realDeny

	t.Run("contract", func(t *testing.T) { providertest.Run(t, v.harness()) })
	t.Run("contract of a part", func(t *testing.T) { providertest.Run(t, v.partHarness()) })
	for what, play := range partScenarios {
		t.Run(what, func(t *testing.T) { play(t, v) })
	}
	for what, play := range scenarios {
		t.Run(what, func(t *testing.T) { play(t, v, v.open(t, Config{}, "admin")) })
	}
	t.Run("life", func(t *testing.T) { realLife(t, v) })
	t.Run("policy", func(t *testing.T) { policyScenario(t, v) })
}

// realGrant makes a Role and its binding, and waits until the authorizer has
// heard of them.
func (v server) realGrant(t testing.TB, ns string, rules []rbacv1.PolicyRule) {
	t.Helper()
	base := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + ns
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "rotate"}, Rules: rules}
	v.admin(t, "PUT", base+"/roles/rotate", role) // RBAC takes an update for a create
	v.admin(t, "PUT", base+"/rolebindings/rotate", &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "rotate"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "rotate"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "rotate"}}})
	s := v.open(t, Config{Namespace: ns}, "rotate")
	var has []rbacv1.PolicyRule
	for range 200 {
		review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: ns}}
		_, err := do(t.Context(), s.authorization.Post().Resource("selfsubjectrulesreviews").Body(review), review, false)
		must(t, err)
		has = nil
		for _, r := range review.Status.ResourceRules {
			if len(r.Resources) == 1 && (r.Resources[0] == "secrets" || r.Resources[0] == "configmaps") {
				has = append(has, rbacv1.PolicyRule{Verbs: r.Verbs, APIGroups: r.APIGroups, Resources: r.Resources, ResourceNames: r.ResourceNames})
			}
		}
		if reflect.DeepEqual(has, rules) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("the Role has not come into force: %v", has)
}

// realLimit makes a quota, and its status as the controller would, which does
// not run here.
func (v server) realLimit(t testing.TB, ns string) {
	t.Helper()
	none := corev1.ResourceList{"count/secrets": resource.MustParse("0")}
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}
	base := "/api/v1/namespaces/" + ns + "/resourcequotas"
	must(t, json.Unmarshal(v.admin(t, "POST", base, q), q))
	q.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	v.admin(t, "PUT", base+"/q/status", q)
	v.refuses(t, ns)
}

// refuses waits until admission, which hears of things by a watch, lets no Secret
// into a namespace.
func (v server) refuses(t testing.TB, ns string) {
	t.Helper()
	probe := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "probe"}, Data: bytesOf(map[string]string{textKey: "x"})}
	for range 400 {
		if status, _ := v.try(t, "POST", strings.TrimSuffix(at(ns, ""), "/")+"?dryRun=All", probe); status >= 400 {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("admission goes on")
}

// realDeny makes a policy that refuses Secrets and quotes them.
func (v server) realDeny(t testing.TB, ns string) {
	t.Helper()
	base := "/apis/admissionregistration.k8s.io/v1/"
	rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create}, Rule: admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}}}}
	v.admin(t, "POST", base+"validatingadmissionpolicies", &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: ns}, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}},
		Validations:      []admissionv1.Validation{{Expression: "false", MessageExpression: "'no ' + string(object.data['value'])"}},
	}})
	v.admin(t, "POST", base+"validatingadmissionpolicybindings", &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: ns}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: ns, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		MatchResources: &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": ns}}},
	}})
	v.refuses(t, ns)
}

// lossy is a transport that remembers what calls were made, and loses replies.
type lossy struct {
	http.RoundTripper
	mu    sync.Mutex
	calls []string
	lose  func(method string) bool
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls = append(l.calls, r.Method)
	lose := l.lose(r.Method)
	l.mu.Unlock()
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil && lose {
		resp.Body.Close()
		return nil, errors.New("the reply is lost")
	}
	return resp, err
}

// realLife is one creation and one rotation within seconds, on a real clock and
// with the documented Role. Once with every third reply of a change lost.
func realLife(t *testing.T, v server) {
	for _, losing := range []bool{false, true} {
		t.Run(fmt.Sprintf("lossy %v", losing), func(t *testing.T) {
			changes := 0
			via := &lossy{RoundTripper: v.conf.Transport, lose: func(method string) bool {
				if method == "GET" {
					return false
				}
				changes++
				return losing && changes%3 == 1
			}}
			mine := v
			mine.conf.Transport = via
			l := life.New(t, life.World{})
			ns := v.fresh(t)
			v.grant(t, ns, leastRules)
			s := mine.open(t, Config{Namespace: ns}, "rotate")
			e := &engine.Engine{Clock: new(engine.SystemClock).Now, NewID: rand.Text, Actor: "test", Audit: func(engine.Event) {}}
			target := engine.Target{
				Name: "auth-jwt", Environment: "test", StoreName: "kubernetes", Store: s, Secret: name, Generate: l.Generate,
				Policy: rotation.Policy{Schedule: rotation.Every(4 * time.Second), Grace: 2 * time.Second},
			}
			var set *keyset.Set
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && (set == nil || set.Generation < 4); time.Sleep(200 * time.Millisecond) {
				res, err := e.Pass(context.Background(), target, engine.Ask{})
				if err != nil && !losing {
					t.Fatal(err)
				}
				if res.Step.Do == rotation.Halt {
					t.Fatal(res.Step.Why)
				}
				if res.Set != nil {
					set = res.Set
				}
			}
			if set == nil || set.Generation != 4 || len(set.Keys) != 1 || len(set.Gone) != 1 {
				t.Fatalf("ends with %+v", set)
			}
			via.mu.Lock()
			t.Log(life.Counts(via.calls))
			via.mu.Unlock()
			if changes < 6 {
				t.Errorf("only %d changes", changes)
			}
			// Promise 4: the API has no way to what was replaced.
			if text := string(v.admin(t, "GET", at(ns, name), nil)); strings.Contains(text, l.Made()[0]) {
				t.Errorf("the Secret still holds the old key")
			}
			object := v.object(t, s, name)
			for _, key := range append([]string{documentKey}, copies...) {
				if strings.Contains(string(object.Data[key]), l.Made()[0]) || !strings.Contains(string(object.Data[key]), l.Made()[1]) {
					t.Errorf("%s holds the old key, or not the new one", key)
				}
			}
		})
	}
}
