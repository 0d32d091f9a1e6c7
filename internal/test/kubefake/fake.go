// Package kubefake is the part of a Kubernetes API server that the store
// kubernetes calls, in this process, for tests. A script makes calls fail, before
// or after they are applied, or takes its time over them. All calls are listed.
package kubefake

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/keyrotate/rotate/internal/test/fakes"
)

// A Fake is an API server in this process, as far as Secrets go: an http.Handler,
// and an http.RoundTripper without a network, fast and at home in a synctest
// bubble. Its rules are
// those of Kubernetes 1.37: [k8s] is k8s.io/kubernetes v1.37.2, [apiserver]
// k8s.io/apiserver v0.37.2. The scenarios of scenarios_test.go hold it against
// the real one.
type Fake struct {
	fakes.Script // of what goes wrong, and of the calls so far: their Kind is the method, and what is no Secret

	Mu         sync.Mutex
	revision   int                       // etcd's, one for all objects
	Secrets    map[string]*corev1.Secret // by namespace/name
	maps       map[string]*corev1.Secret // ConfigMaps, likewise; see handleMap
	Namespaces map[string]bool           // true while it is being deleted
	Quota      map[string]int            // count/secrets, by namespace
	Rules      map[string][]rbacv1.PolicyRule
	rbac       []object // what Apply was given
	Incomplete bool     // as behind an authorizer that cannot list its rules
	Deny       string   // what an admission policy says to each create, before it quotes the data
}

// SecretResource is what errors are about.
var SecretResource = schema.GroupResource{Resource: "secrets"}

// New returns a fake with one namespace and what its users may do.
func New(namespace string, rules map[string][]rbacv1.PolicyRule) *Fake {
	return &Fake{
		revision: 100, Secrets: map[string]*corev1.Secret{}, Namespaces: map[string]bool{namespace: false}, Quota: map[string]int{}, Rules: rules,
	}
}

// ServeHTTP makes one call, and what is to go wrong with it.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	var status int
	reply, err := fakes.Make(r.Context(), f.Enter(kind(r), path.Base(r.URL.Path)), func() (reply any, _ error) {
		f.Mu.Lock()
		defer f.Mu.Unlock()
		status, reply = f.handle(r, body)
		return reply, nil
	})
	if err != nil {
		answer(w, err, body)
		return
	}
	send(w, status, reply)
}

// kind is a call in short: "GET", "POST dry", "POST selfsubjectrulesreviews".
func kind(r *http.Request) string {
	kind := r.Method
	if !strings.Contains(r.URL.Path, "/secrets") {
		kind += " " + path.Base(r.URL.Path)
	}
	if r.URL.Query().Get("dryRun") != "" {
		kind += " dry"
	}
	return kind
}

func send(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat)) // net/http's server does it; a recorder does not
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply)
}

// Failures are what an API server says with a status of its own accord.
var Failures = map[int]*apierrors.StatusError{
	401: apierrors.NewUnauthorized("Unauthorized"),
	403: apierrors.NewForbidden(SecretResource, "", fmt.Errorf("an authorizer that is not well")),
	409: apierrors.NewConflict(schema.GroupResource{Resource: "resourcequotas"}, "q", fmt.Errorf("the object has been modified")),
	429: apierrors.NewTooManyRequests("too many requests, please try again later", 7), // [apiserver] server/filters/priority-and-fairness.go
	500: apierrors.NewInternalError(fmt.Errorf("etcdserver: leader changed")),
	503: apierrors.NewServiceUnavailable("etcdserver: no leader"),
	504: apierrors.NewTimeoutError("request did not complete within requested timeout", 0),
}

// answer answers with what the script says.
func answer(w http.ResponseWriter, err error, sent []byte) {
	var refused fakes.Status
	switch {
	case !errors.As(err, &refused):
		panic(http.ErrAbortHandler)
	case refused.Echo:
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(refused.Code)
		_, _ = w.Write(sent)
	default:
		w.Header().Set("Retry-After", "7") // [apiserver] client-go would repeat the call for it
		send(w, refused.Code, Failures[refused.Code].Status())
	}
}

// handle is the API server. It is called with the lock held.
func (f *Fake) handle(r *http.Request, body []byte) (int, any) {
	user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, known := f.Rules[user]; !known {
		return fail(apierrors.NewUnauthorized("Unauthorized"))
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/apis/authorization.k8s.io/v1/"); ok {
		return f.review(user, rest, body)
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/apis/"); ok {
		return f.handleGroup(user, r.Method, strings.Split(rest, "/"))
	}
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/")
	ns, object := part[0], ""
	kind := "secrets"
	if len(part) > 1 {
		kind = part[1]
	}
	if len(part) == 3 {
		object = part[2]
	}
	verb := map[string]string{"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}[r.Method]
	if !f.allowed(user, ns, "", kind, verb, object) { // [apiserver] authorization comes before all that follows
		//lint:ignore ST1005 the API server's own words
		return fail(apierrors.NewForbidden(SecretResource, object, fmt.Errorf("User %q cannot %s resource %q in API group %q in the namespace %q", user, verb, kind, "", ns)))
	}
	if kind == configMaps {
		return f.handleMap(r, ns, object, body)
	}
	var in corev1.Secret
	if r.Method == "POST" || r.Method == "PUT" {
		if err := json.Unmarshal(body, &in); err != nil {
			return fail(apierrors.NewBadRequest("Secret in version \"v1\" cannot be handled as a Secret"))
		}
	}
	return f.serve(r, ns, object, &in)
}

// serve is what follows authorization.
func (f *Fake) serve(r *http.Request, ns, object string, in *corev1.Secret) (int, any) {
	key := ns + "/" + object
	old := f.Secrets[key]
	switch {
	case r.Method == "POST":
		return f.create(ns, in, r.URL.Query().Get("dryRun") == "All")
	case old == nil:
		return fail(apierrors.NewNotFound(SecretResource, object)) // [k8s] secret strategy: no create on update
	case r.Method == "GET":
		return 200, old
	case r.Method == "PUT":
		return f.update(key, old, in)
	case len(old.Finalizers) > 0: // [apiserver] registry/rest/delete.go: it stays until the last finalizer is gone
		now := metav1.Now()
		next := old.DeepCopy()
		next.DeletionTimestamp = &now
		return 200, f.keep(key, next)
	default:
		delete(f.Secrets, key)
		return 200, metav1.Status{Status: metav1.StatusSuccess}
	}
}

func fail(err *apierrors.StatusError) (int, any) {
	st := err.Status()
	st.Kind, st.APIVersion = "Status", "v1"
	return int(st.Code), st
}

// create is [apiserver] registry/generic/registry/store.go Create, after
// admission by NamespaceLifecycle and ResourceQuota.
func (f *Fake) create(ns string, in *corev1.Secret, dry bool) (int, any) {
	ending, known := f.Namespaces[ns]
	if !known {
		return fail(apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, ns))
	}
	if ending {
		return fail(apierrors.NewForbidden(SecretResource, in.Name, fmt.Errorf("unable to create new content in namespace %s because it is being terminated", ns)))
	}
	if f.Deny != "" { // [apiserver] admission/plugin/webhook/errors ToStatusErr
		return fail(&apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: 400, Message: f.Deny + base64.StdEncoding.EncodeToString(in.Data["value"])}})
	}
	used := 0
	for key := range f.Secrets {
		if strings.HasPrefix(key, ns+"/") {
			used++
		}
	}
	if most, ok := f.Quota[ns]; ok && used >= most {
		return fail(apierrors.NewForbidden(SecretResource, in.Name, fmt.Errorf("exceeded quota: q, requested: count/secrets=1, used: count/secrets=%d, limited: count/secrets=%d", used, most)))
	}
	if in.Type == "" {
		in.Type = corev1.SecretTypeOpaque // [k8s] SetDefaults_Secret
	}
	if words := invalid(in); len(words) > 0 {
		return fail(apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, in.Name, words))
	}
	if f.Secrets[ns+"/"+in.Name] != nil {
		return fail(apierrors.NewAlreadyExists(SecretResource, in.Name))
	}
	in.Namespace, in.UID, in.CreationTimestamp = ns, types.UID(fmt.Sprint("uid-", f.revision)), metav1.Now()
	if dry { // everything but the storage
		return 201, in
	}
	return 201, f.keep(ns+"/"+in.Name, in)
}

// update is [apiserver] store.go Update.
func (f *Fake) update(key string, old, in *corev1.Secret) (int, any) {
	const modified = "the object has been modified; please apply your changes to the latest version and try again" // OptimisticLockErrorMsg
	if in.ResourceVersion != "" && in.ResourceVersion != old.ResourceVersion {                                     // none is an unconditional update
		return fail(apierrors.NewConflict(SecretResource, old.Name, errors.New(modified)))
	}
	if in.UID != "" && in.UID != old.UID {
		//lint:ignore ST1005 the API server's own words
		return fail(apierrors.NewConflict(SecretResource, old.Name, fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", in.UID, old.UID)))
	}
	if in.Type == "" {
		in.Type = old.Type
	}
	words := invalid(in)
	if in.Type != old.Type { // [k8s] ValidateSecretUpdate, with what follows
		words = append(words, field.Invalid(field.NewPath("type"), in.Type, "field is immutable"))
	}
	if old.Immutable != nil && *old.Immutable && !reflect.DeepEqual(in.Data, old.Data) {
		words = append(words, field.Forbidden(field.NewPath("data"), "field is immutable when `immutable` is set"))
	}
	if len(words) > 0 {
		return fail(apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, in.Name, words))
	}
	in.Namespace, in.Name, in.UID, in.CreationTimestamp, in.DeletionTimestamp = old.Namespace, old.Name, old.UID, old.CreationTimestamp, old.DeletionTimestamp
	in.ResourceVersion = old.ResourceVersion
	if reflect.DeepEqual(in, old) { // [apiserver] storage/etcd3 GuaranteedUpdate: nothing changes, so no revision is made
		return 200, old
	}
	return 200, f.keep(key, in)
}

func (f *Fake) keep(key string, object *corev1.Secret) *corev1.Secret {
	f.revision++
	object.ResourceVersion = strconv.Itoa(f.revision)
	f.Secrets[key] = object.DeepCopy()
	return object
}

// Edit puts an object as a person would, whatever their rights. Mu is held.
func (f *Fake) Edit(key string, object *corev1.Secret) { f.keep(key, object) }

// invalid is [k8s] ValidateSecret, without the types of Kubernetes itself.
func invalid(s *corev1.Secret) (words field.ErrorList) {
	for _, w := range validation.IsDNS1123Subdomain(s.Name) {
		words = append(words, field.Invalid(field.NewPath("metadata", "name"), s.Name, w))
	}
	size := 0
	for key, v := range s.Data {
		for _, w := range validation.IsConfigMapKey(key) {
			words = append(words, field.Invalid(field.NewPath("data").Key(key), key, w))
		}
		size += len(v)
	}
	if size > corev1.MaxSecretSize {
		words = append(words, field.TooLong(field.NewPath("data"), "", corev1.MaxSecretSize))
	}
	for key, v := range s.Labels {
		for _, w := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(v)...) {
			words = append(words, field.Invalid(field.NewPath("metadata", "labels"), v, w))
		}
	}
	size = 0
	for key, v := range s.Annotations { // apimachinery ValidateAnnotations: 256 KiB in all
		for _, w := range validation.IsQualifiedName(strings.ToLower(key)) {
			words = append(words, field.Invalid(field.NewPath("metadata", "annotations"), key, w))
		}
		size += len(key) + len(v)
	}
	if size > 256<<10 {
		words = append(words, field.TooLong(field.NewPath("metadata", "annotations"), "", 256<<10))
	}
	return words
}

// allowed is RBAC ([k8s] plugin/pkg/auth/authorizer/rbac): the name of what is
// to be created is in the body, which an authorizer never sees.
func (f *Fake) allowed(user, ns, group, kind, verb, object string) bool {
	return slices.ContainsFunc(f.granted(user, ns), func(r rbacv1.PolicyRule) bool {
		has := func(list []string, want string) bool {
			return slices.Contains(list, want) || slices.Contains(list, "*")
		}
		return has(r.APIGroups, group) && has(r.Resources, kind) && has(r.Verbs, verb) && (len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, object))
	})
}

func (f *Fake) granted(user, ns string) []rbacv1.PolicyRule {
	if rules, ok := f.Rules[user+"@"+ns]; ok {
		return rules
	}
	return f.Rules[user]
}

// review answers for oneself, which every account may ask ([k8s] system:basic-user).
func (f *Fake) review(user, kind string, body []byte) (int, any) {
	if kind == "selfsubjectaccessreviews" {
		var in authorizationv1.SelfSubjectAccessReview
		if err := json.Unmarshal(body, &in); err != nil {
			return fail(apierrors.NewBadRequest(err.Error()))
		}
		in.Status.Allowed = f.allowed(user, in.Spec.ResourceAttributes.Namespace, in.Spec.ResourceAttributes.Group, in.Spec.ResourceAttributes.Resource, in.Spec.ResourceAttributes.Verb, in.Spec.ResourceAttributes.Name)
		return 201, in
	}
	var in authorizationv1.SelfSubjectRulesReview
	if err := json.Unmarshal(body, &in); err != nil {
		return fail(apierrors.NewBadRequest(err.Error()))
	}
	out := authorizationv1.SelfSubjectRulesReview{TypeMeta: metav1.TypeMeta{Kind: "SelfSubjectRulesReview", APIVersion: "authorization.k8s.io/v1"}}
	out.Status.Incomplete = f.Incomplete
	for _, r := range f.granted(user, in.Spec.Namespace) {
		if !f.Incomplete {
			out.Status.ResourceRules = append(out.Status.ResourceRules, authorizationv1.ResourceRule{Verbs: r.Verbs, APIGroups: r.APIGroups, Resources: r.Resources, ResourceNames: r.ResourceNames})
		}
	}
	return 201, out
}

// Readable tells whether a text can still be read.
func (f *Fake) Readable(text string) bool {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, object := range f.Secrets {
		for _, v := range object.Data {
			if bytes.Contains(v, []byte(text)) {
				return true
			}
		}
	}
	return false
}

// RoundTrip makes a call without a network. A caller that gives up does not stop
// it.
func (f *Fake) RoundTrip(r *http.Request) (*http.Response, error) { return fakes.RoundTrip(f, r) }
