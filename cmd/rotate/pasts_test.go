package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// once is what an output in a manager was at one time.
type once struct {
	text string // as applications read it
	id   string // of the version
	raw  any    // all that the manager had of it
}

// A past is one output in a manager: what applications read there now, and the
// ways in which the manager lets a person put something older back.
type past struct {
	output string
	now    func() once
	ways   []way // the first is also how the newest is put back by hand
	seen   []once
}

// A way puts something back. What rotate can tell for a version of its own it
// writes the newest over; anything else is a stranger's and left alone.
type way struct {
	name string
	put  func(once)
	ours func(once) bool
	can  func(once) bool // nil for always
}

func always(once) bool { return true }
func never(once) bool  { return false }

// taken tells of variables in a Secret whether they are taken for an application's own:
// the current key in JWT_SECRET, and live keys in the others.
func (e *everywhere) taken(data map[string][]byte) bool {
	rev, err := e.key.Store.Read(e.t.Context(), e.key.Secret)
	if err != nil {
		e.t.Fatal(err)
	}
	set, err := keyset.Parse(rev.Value.Reveal())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, v := range data {
		if !slices.ContainsFunc(set.Keys, func(k keyset.Key) bool { return string(k.Text().Reveal()) == string(v) }) {
			return false
		}
	}
	return string(data["JWT_SECRET"]) == string(set.Signing().Text().Reveal())
}

func (p *past) carriesNext() bool { return !strings.Contains(p.output, "jwt") }

func (p *past) newest() once { return p.seen[len(p.seen)-1] }

// look keeps what stands there, if it is new.
func (p *past) look() {
	if now := p.now(); len(p.seen) == 0 || p.seen[len(p.seen)-1].text != now.text {
		p.seen = append(p.seen, now)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (e *everywhere) pasts() []*past {
	all := []*past{e.inAWS("app/jwt")}
	for _, secret := range []string{"copy", "app/jwt"} {
		all = append(all, e.inVault(secret))
	}
	for _, secret := range []string{"app-list", "app-jwt"} {
		all = append(all, e.inAzure(secret))
	}
	for _, secret := range []string{"copy", "app-jwt"} {
		all = append(all, e.inGoogle(secret))
	}
	for _, secret := range []string{"app-env", "app-jwt", "app-jwt.previous"} {
		all = append(all, e.inCluster(secret))
	}
	return all
}

var awsPerson = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "test"}, nil
})

func (e *everywhere) inAWS(secret string) *past {
	api := secretsmanager.NewFromConfig(aws.Config{Region: "eu-west-1", HTTPClient: e.aws, Credentials: awsPerson})
	const current = "AWSCURRENT"
	now := func() once {
		out := must[*secretsmanager.GetSecretValueOutput](e.t)(api.GetSecretValue(e.t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret}))
		return once{text: *out.SecretString, id: *out.VersionId, raw: out.VersionStages}
	}
	return &past{output: "awssm " + secret, now: now, ways: []way{
		{name: "put anew", ours: never, put: func(o once) {
			must[*secretsmanager.PutSecretValueOutput](e.t)(api.PutSecretValue(e.t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &secret, SecretString: &o.text}))
		}},
		{name: "AWSCURRENT moved back", ours: always, put: func(o once) {
			must[*secretsmanager.UpdateSecretVersionStageOutput](e.t)(api.UpdateSecretVersionStage(e.t.Context(), &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &secret, VersionStage: aws.String(current), MoveToVersionId: &o.id, RemoveFromVersionId: aws.String(now().id),
			}))
		}},
	}}
}

func (e *everywhere) inVault(secret string) *past {
	mount := e.vault.Mounts["|secret"]
	write := func(fields map[string]any) {
		e.vault.Mu.Lock()
		defer e.vault.Mu.Unlock()
		mount.Write(secret, map[string]any{"data": fields})
	}
	fields := func(o once) map[string]any {
		var all map[string]any
		if err := json.Unmarshal(o.raw.(json.RawMessage), &all); err != nil {
			e.t.Fatal(err)
		}
		return all
	}
	now := func() once {
		e.vault.Mu.Lock()
		defer e.vault.Mu.Unlock()
		k := mount.Keys[secret]
		o := once{id: fmt.Sprint(k.Current), raw: k.Versions[k.Current].Data}
		all := fields(o)
		delete(all, "_rotate")
		o.text = fmt.Sprint(all)
		return o
	}
	return &past{output: "vaultkv " + secret, now: now, ways: []way{
		{name: "rolled back", ours: never, put: func(o once) { write(fields(o)) }},
		{name: "put anew", ours: never, put: func(o once) {
			all := fields(o)
			delete(all, "_rotate")
			write(all)
		}},
	}}
}

type azureToken struct{}

func (azureToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: azurefake.Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func (e *everywhere) inAzure(secret string) *past {
	api := must[*azsecrets.Client](e.t)(azsecrets.NewClient("https://rotate-test.vault.azure.net", azureToken{}, &azsecrets.ClientOptions{ClientOptions: policy.ClientOptions{Transport: e.azure}}))
	set := func(o once, tags map[string]*string) {
		must[azsecrets.SetSecretResponse](e.t)(api.SetSecret(e.t.Context(), secret, azsecrets.SetSecretParameters{Value: &o.text, Tags: tags}, nil))
	}
	now := func() once {
		out := must[azsecrets.GetSecretResponse](e.t)(api.GetSecret(e.t.Context(), secret, "", nil))
		return once{text: *out.Value, id: out.ID.Version(), raw: out.Tags}
	}
	return &past{output: "azurekv " + secret, now: now, ways: []way{
		{name: "set without tags", ours: never, put: func(o once) { set(o, nil) }},
		{name: "set with rotate's tags", ours: always, put: func(o once) { set(o, o.raw.(map[string]*string)) }},
	}}
}

func (e *everywhere) inGoogle(secret string) *past {
	conn, stop := e.google.Direct(nil)
	e.t.Cleanup(stop)
	api := must[*secretmanager.Client](e.t)(secretmanager.NewClient(e.t.Context(), option.WithGRPCConn(conn)))
	name := gcpfake.Project + "/secrets/" + secret
	point := func(version int64) {
		must[*secretmanagerpb.Secret](e.t)(api.UpdateSecret(e.t.Context(), &secretmanagerpb.UpdateSecretRequest{
			Secret: &secretmanagerpb.Secret{Name: name, VersionAliases: map[string]int64{"rotate": version}}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}},
		}))
	}
	add := func(o once) {
		must[*secretmanagerpb.SecretVersion](e.t)(api.AddSecretVersion(e.t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: name, Payload: &secretmanagerpb.SecretPayload{Data: []byte(o.text)}}))
	}
	newest := func() int64 { return slices.Max(slices.Collect(maps.Keys(e.google.Held(secret)))) }
	now := func() once {
		n := e.google.Aliases(secret)["rotate"]
		return once{text: e.google.Held(secret)[n], raw: n}
	}
	return &past{output: "gcpsm " + secret, now: now, ways: []way{
		{name: "added anew, and the alias moved to it", ours: never, put: func(o once) { add(o); point(newest()) }},
		{name: "alias moved back", ours: always, put: func(o once) { point(o.raw.(int64)) }, can: func(o once) bool { return e.google.Held(secret)[o.raw.(int64)] != "" }},
	}}
}

func (e *everywhere) inCluster(secret string) *past {
	e.cluster.Mu.Lock()
	e.cluster.Rules["person"] = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"update"}}}
	e.cluster.Mu.Unlock()
	get := func() *corev1.Secret {
		e.cluster.Mu.Lock()
		defer e.cluster.Mu.Unlock()
		return e.cluster.Secrets["shop/"+secret].DeepCopy()
	}
	replace := func(change func(*corev1.Secret)) {
		object := get()
		change(object)
		text := must[[]byte](e.t)(json.Marshal(object))
		r := must[*http.Request](e.t)(http.NewRequestWithContext(e.t.Context(), http.MethodPut, "https://kubernetes.example.com/api/v1/namespaces/shop/secrets/"+secret, bytes.NewReader(text)))
		r.Header.Set("Authorization", "Bearer person")
		r.Header.Set("Content-Type", "application/json")
		res := must[*http.Response](e.t)(e.cluster.RoundTrip(r))
		if res.StatusCode != http.StatusOK {
			e.t.Fatal(res.Status)
		}
	}
	now := func() once {
		object, text := get(), ""
		for _, key := range slices.Sorted(maps.Keys(object.Data)) {
			text += fmt.Sprintf("%s=%s\n", key, object.Data[key])
		}
		return once{text: text, raw: object}
	}
	return &past{output: "kubernetes " + secret, now: now, ways: []way{
		{name: "data and annotations", ours: always, put: func(o once) {
			replace(func(s *corev1.Secret) {
				s.Data, s.Annotations = o.raw.(*corev1.Secret).Data, o.raw.(*corev1.Secret).Annotations
			})
		}},
		{name: "data alone", ours: always, put: func(o once) { replace(func(s *corev1.Secret) { s.Data = o.raw.(*corev1.Secret).Data }) }},
		{name: "data, and no annotations", ours: func(o once) bool { return e.taken(o.raw.(*corev1.Secret).Data) }, put: func(o once) {
			replace(func(s *corev1.Secret) { s.Data, s.Annotations = o.raw.(*corev1.Secret).Data, nil })
		}},
	}}
}
