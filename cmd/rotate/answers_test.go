package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"google.golang.org/api/option"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/keyrotate/rotate/internal/cli"
	"github.com/keyrotate/rotate/internal/config"
	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/azurefake"
	"github.com/keyrotate/rotate/internal/test/gcpfake"
	"github.com/keyrotate/rotate/internal/test/kubefake"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/memory"
)

// of is the fakes of some managers, for what people do in them.
func of(t *testing.T, all map[string]manager) *everywhere {
	return &everywhere{
		fan: &fan{t: t}, aws: all["awssm"].fake.(*awsfake.Fake), vault: all["vaultkv"].fake.(*vaultfake.Fake), google: all["gcpsm"].fake.(*gcpfake.Fake),
		azure: all["azurekv"].fake.(*azurefake.Fake), cluster: all["kubernetes"].fake.(*kubefake.Fake),
	}
}

// puts stores a text under a name that has none, as a person does.
func (e *everywhere) puts(manager, secret, text string) {
	ctx, t := e.t.Context(), e.t
	switch manager {
	case "awssm":
		api := secretsmanager.NewFromConfig(aws.Config{Region: "eu-west-1", HTTPClient: e.aws, Credentials: awsPerson})
		must[*secretsmanager.CreateSecretOutput](t)(api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &secret, SecretString: &text}))
	case "azurekv":
		api := must[*azsecrets.Client](t)(azsecrets.NewClient("https://rotate-test.vault.azure.net", azureToken{}, &azsecrets.ClientOptions{ClientOptions: policy.ClientOptions{Transport: e.azure}}))
		must[azsecrets.SetSecretResponse](t)(api.SetSecret(ctx, secret, azsecrets.SetSecretParameters{Value: &text}, nil))
	case "gcpsm":
		conn, stop := e.google.Direct(nil)
		t.Cleanup(stop)
		api := must[*secretmanager.Client](t)(secretmanager.NewClient(ctx, option.WithGRPCConn(conn)))
		replication := &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}
		must[*secretmanagerpb.Secret](t)(api.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{Parent: gcpfake.Project, SecretId: secret, Secret: &secretmanagerpb.Secret{Replication: replication}}))
		must[*secretmanagerpb.SecretVersion](t)(api.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{Parent: gcpfake.Project + "/secrets/" + secret, Payload: &secretmanagerpb.SecretPayload{Data: []byte(text)}}))
	case "kubernetes":
		e.cluster.Edit("shop/"+secret, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret, Namespace: "shop"}, Data: map[string][]byte{"value": []byte(text)}})
	case "vaultkv":
		e.vault.Mu.Lock()
		defer e.vault.Mu.Unlock()
		e.vault.Mounts["|secret"].Write(secret, map[string]any{"data": map[string]any{"value": text}})
	}
}

// A secret that held a value before rotate came is nothing to put a document back to,
// in any manager: the key is to get another secret.
func TestPromise6AValueFromBeforeRotateInEveryManager(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		e := of(t, f.managers)
		for _, name := range slices.Sorted(maps.Keys(f.managers)) {
			e.puts(name, "test-"+name, `{"JWT_SECRET":"hunter2 and more","DB_PASSWORD":"x"}`)
		}
		time.Sleep(11 * time.Minute) // what is older than the store may be is no stale read
		for _, name := range slices.Sorted(maps.Keys(f.managers)) {
			for _, args := range [][]string{{"status", name}, {"now", name}} {
				code, stdout, stderr := f.try("", args...)
				said := stdout + stderr
				if name == "gcpsm" && args[0] == "status" && code == cli.Attention && strings.Contains(said, "not clear") {
					continue // a status does not wait ten minutes; now does
				}
				if code == cli.Done || strings.Contains(said, "put back the document") || !strings.Contains(said, "another `secret:`") || strings.Contains(said, "hunter2") {
					t.Errorf("%s %s: %d, %s", name, args[0], code, said)
				}
			}
		}
	})
}

// While a manager may show an old document for a while, and an output remembers a newer
// one, no command says that all is well. The manager is one that was lost, or restored
// with all that it knew beside the values.
func TestPromise6NoAnswerIsNotTakenForAGoodOneInAnyManager(t *testing.T) {
	surroundings(t)
	for _, name := range []string{"awssm", "azurekv", "gcpsm", "kubernetes", "vaultkv"} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, lost %v", name, lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { noAnswerOf(t, name, lost) })
			})
		}
	}
}

func noAnswerOf(t *testing.T, name string, lost bool) {
	before, after := managers(t)[name], managers(t)[name] // after is as empty as a new one
	current, out := before, &blank{Store: memory.New()}
	c := newConsole(t, fmt.Sprintf(`
environment: test
stores: {m: {type: %s, %s}, o: {type: out}}
defaults: {store: m}
keys: {auth-jwt: {outputs: [{store: o, secret: all, format: keyset}]}}
`, name, before.options))
	credentials(c)
	c.stores = map[string]func() providers.Config{
		name:  func() providers.Config { return current.open(&wire{}) },
		"out": func() providers.Config { return out },
	}
	handle := func() providers.Store {
		t.Helper()
		conf, err := config.Load(filepath.Join(c.dir, "rotate.yaml"), c.stores)
		if err != nil {
			t.Fatal(err)
		}
		s, err := conf.Stores["m"].Config.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c.ends(cli.Done, "now")
	first, err := handle().Read(t.Context(), "test-auth-jwt")
	if err != nil {
		t.Fatal(err)
	}
	leaked, _ := c.ends(cli.Done, "get")
	c.try("", "now", "--compromised", "auth-jwt", "--yes") // how gone it is differs
	current = after
	s := handle()
	if !lost {
		if _, err := s.Write(t.Context(), "test-auth-jwt", first.Value, "", first.Note); err != nil {
			t.Fatal(err)
		}
	}
	c.cannotTell(s.Traits().Stale > time.Minute, leaked)
}

// back moves the head to the value before it, as a person does.
func (e *everywhere) back(manager, secret string) {
	var p *past
	var o once
	n := 0 // of the ways
	switch manager {
	case "awssm":
		p = e.inAWS(secret)
		for id, labels := range e.aws.Stages(secret) {
			if slices.Contains(labels, "AWSPREVIOUS") {
				o.id = id
			}
		}
		n = 1
	case "azurekv":
		p = e.inAzure(secret)
		all := e.azure.Versions(secret)
		o.text = all[len(all)-2].Value
	case "gcpsm":
		p = e.inGoogle(secret)
		o.raw = e.google.Aliases(secret)["rotate"] - 1
		n = 1
	case "vaultkv":
		p = e.inVault(secret)
		e.vault.Mu.Lock()
		k := e.vault.Mounts["|secret"].Keys[secret]
		o.raw = k.Versions[k.Current-1].Data
		e.vault.Mu.Unlock()
	}
	p.ways[n].put(o)
}

// AWSCURRENT moved back, an alias, a rollback: where only a note is missing since, it is
// called that in each manager that keeps the value before. Kubernetes keeps none.
func TestAnEarlierNoteInEveryManager(t *testing.T) {
	surroundings(t)
	for _, name := range []string{"awssm", "azurekv", "gcpsm", "vaultkv"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := managers(t)
				options := all[name].options
				if name == "gcpsm" {
					options += ", stale: 1s"
				}
				c := newConsole(t, fmt.Sprintf("environment: test\nstores: {m: {type: %s, %s}}\ndefaults: {store: m}\nkeys: {auth-jwt: {}}\n", name, options))
				credentials(c)
				c.stores = map[string]func() providers.Config{name: func() providers.Config { return all[name].open(&wire{}) }}
				for range 2 { // create; publish, and the note that next was seen
					if code, _, stderr := c.try("", "now"); code != cli.Done {
						t.Fatal(stderr)
					}
					time.Sleep(time.Minute)
				}
				of(t, all).back(name, "test-auth-jwt")
				time.Sleep(time.Minute)
				code, stdout, _ := c.try("", "status")
				if code != cli.Attention || !strings.Contains(stdout, "what is lost is a note of what was seen everywhere") || strings.Contains(stdout, "generation 2 and is not among its ancestors") {
					t.Errorf("%d, %s", code, stdout)
				}
				code, stdout, stderr := c.try("", "accept", "auth-jwt", "--generation", "2", "--yes")
				if code != cli.Done || !strings.Contains(stderr, "nobody is logged out") || strings.Contains(stderr, "whoever has") {
					t.Errorf("%d, %s%s", code, stdout, stderr)
				}
			})
		})
	}
}

// A version that a person adds at Google halts the key, is told by its number, and is
// there until that person destroys it. Then the key goes on.
func TestAVersionAddedByHandAtGoogleIsTold(t *testing.T) {
	surroundings(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		e := of(t, f.managers)
		secret := "test-gcpsm"
		if code, _, stderr := f.try("", "now", "gcpsm"); code != cli.Done {
			t.Fatal(stderr)
		}
		conn, stop := e.google.Direct(nil)
		t.Cleanup(stop)
		api := must[*secretmanager.Client](t)(secretmanager.NewClient(t.Context(), option.WithGRPCConn(conn)))
		must[*secretmanagerpb.SecretVersion](t)(api.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: gcpfake.Project + "/secrets/" + secret, Payload: &secretmanagerpb.SecretPayload{Data: []byte("somebody's")}}))
		time.Sleep(11 * time.Minute)
		told := func(args ...string) {
			t.Helper()
			code, stdout, stderr := f.try("", args...)
			if said := stdout + stderr; code == cli.Done || !strings.Contains(said, "was not added by rotate") || !strings.Contains(said, "gcloud secrets versions destroy") {
				t.Errorf("rotate %s: %d, %s", strings.Join(args, " "), code, said)
			}
		}
		told("status", "gcpsm")
		told("now", "gcpsm")
		f.daemon(20 * 24 * time.Hour)
		if !slices.Contains(slices.Collect(maps.Values(e.google.Held(secret))), "somebody's") {
			t.Error("it was destroyed")
		}
		told("status", "gcpsm")
		must[*secretmanagerpb.SecretVersion](t)(api.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: gcpfake.Project + "/secrets/" + secret + "/versions/2"}))
		if code, stdout, stderr := f.try("", "now", "gcpsm"); code != cli.Done {
			t.Errorf("once it is destroyed: %d, %s%s", code, stdout, stderr)
		}
	})
}
