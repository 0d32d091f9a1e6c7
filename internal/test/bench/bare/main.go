// Command bare is what rotate's size, start-up and memory are held against: a
// program that does nothing, with the services' own SDKs in it, of which it can
// make one client each. `make bench` builds it as a release is built.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/hashicorp/vault/api"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	do := map[string]func(context.Context) error{
		"": func(context.Context) error { return nil }, // start-up alone
		"wait": func(context.Context) error { // for its memory to be read
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		},
		"aws": aws, "azure": azure, "google": google, "kubernetes": kubernetes, "vault": vault,
	}
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	f, ok := do[name]
	if !ok {
		os.Exit(2)
	}
	if err := f(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func aws(ctx context.Context) error {
	conf, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	conf.Credentials = stscreds.NewAssumeRoleProvider(sts.NewFromConfig(conf), "role")
	_, err = secretsmanager.NewFromConfig(conf).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{})
	return err
}

func azure(ctx context.Context) error {
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return err
	}
	client, err := azsecrets.NewClient("https://vault.example.com", cred, nil)
	if err != nil {
		return err
	}
	_, err = client.GetSecret(ctx, "name", "", nil)
	return err
}

func google(ctx context.Context) error {
	client, err := secretmanager.NewClient(ctx)
	if err != nil {
		return err
	}
	_, err = client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{})
	return err
}

func kubernetes(ctx context.Context) error {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	conf, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), authorizationv1.AddToScheme(scheme)); err != nil {
		return err
	}
	conf.GroupVersion, conf.APIPath = &corev1.SchemeGroupVersion, "/api"
	conf.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(conf)
	if err != nil {
		return err
	}
	return client.Get().Resource("secrets").Name("name").Do(ctx).Error()
}

func vault(ctx context.Context) error {
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return err
	}
	_, err = client.Logical().ReadWithContext(ctx, "secret/data/name")
	return err
}
