package vaultkv

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/auth/credentials"
	google "cloud.google.com/go/compute/metadata"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azure "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// awsProof is a call of sts:GetCallerIdentity that this host has signed, and that
// Vault makes: STS tells it who signed.
// https://developer.hashicorp.com/vault/docs/auth/aws#iam-auth-method
func awsProof(ctx context.Context, s *session) (map[string]string, error) {
	const body, hint = "Action=GetCallerIdentity&Version=2011-06-15", "aws sts get-caller-identity tells whether there are credentials, and whose"
	conf, err := config.LoadDefaultConfig(ctx, config.WithRegion(s.auth.Region))
	if err != nil {
		return nil, surroundings("AWS", err, hint)
	}
	creds, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, surroundings("AWS", err, hint)
	}
	// Vault asks the STS of the world unless its own config names a region's.
	region, host := cmp.Or(s.auth.Region, "us-east-1"), "sts.amazonaws.com"
	if s.auth.Region != "" {
		host = "sts." + s.auth.Region + ".amazonaws.com"
		if strings.HasPrefix(s.auth.Region, "cn-") {
			host += ".cn"
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/", strings.NewReader(body))
	if err != nil {
		return nil, surroundings("AWS", err, "")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if s.auth.ServerID != "" {
		req.Header.Set("X-Vault-AWS-IAM-Server-ID", s.auth.ServerID)
	}
	sum := sha256.Sum256([]byte(body))
	if err := signer.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "sts", region, time.Now()); err != nil {
		return nil, surroundings("AWS", err, hint)
	}
	headers := req.Header.Clone()
	headers.Set("Host", host) // net/http keeps it elsewhere, and it is signed
	text, err := json.Marshal(headers)
	if err != nil {
		return nil, surroundings("AWS", err, "")
	}
	b64 := base64.StdEncoding.EncodeToString
	return map[string]string{
		"role": s.auth.Role, "iam_http_request_method": http.MethodPost,
		"iam_request_url": b64([]byte(req.URL.String())), "iam_request_body": b64([]byte(body)), "iam_request_headers": b64(text),
	}, nil
}

// gcpProof is a JWT that Google signed: of this machine (roles of the type gce), or of
// a service account (iam).
// https://developer.hashicorp.com/vault/docs/auth/gcp
func gcpProof(ctx context.Context, s *session) (map[string]string, error) {
	jwt, err := "", error(nil)
	audience := "http://vault/" + s.auth.Role
	if s.auth.ServiceAccount == "" {
		jwt, err = google.NewClient(s.cloud()).GetWithContext(ctx, "instance/service-accounts/default/identity?format=full&audience="+url.QueryEscape(audience))
	} else {
		jwt, err = s.signed(ctx, audience)
	}
	if err != nil {
		return nil, surroundings("Google", err, "without auth.service_account the metadata server of a machine or pod is asked; with it the identity needs iam.serviceAccounts.signJwt on that account")
	}
	return map[string]string{"role": s.auth.Role, "jwt": strings.TrimSpace(jwt)}, nil
}

// signed has Google sign a JWT as the service account. Vault takes none that is good
// for more than 15 minutes.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signJwt
func (s *session) signed(ctx context.Context, audience string) (string, error) {
	creds, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}, Client: s.cloud()})
	if err != nil {
		return "", err
	}
	token, err := creds.Token(ctx)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"sub": s.auth.ServiceAccount, "aud": audience, "exp": time.Now().Add(10 * time.Minute).Unix()})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"payload": string(claims)})
	if err != nil {
		return "", err
	}
	var out struct {
		JWT string `json:"signedJwt"`
	}
	err = s.ask(ctx, http.MethodPost, "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"+url.PathEscape(s.auth.ServiceAccount)+":signJwt",
		http.Header{"Authorization": {"Bearer " + token.Value}, "Content-Type": {"application/json"}}, body, &out)
	return out.JWT, err
}

// azureProof is a token of this host's identity, and where the host is: roles are
// bound to subscriptions, groups and machines, and a pod is none.
// https://developer.hashicorp.com/vault/api-docs/auth/azure#login
func azureProof(ctx context.Context, s *session) (map[string]string, error) {
	const hint = "the pod or machine needs a workload or managed identity; auth.resource has to be what Vault's auth/azure/config names"
	options := azcore.ClientOptions{}
	if s.via != nil {
		options.Transport = s.cloud()
	}
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
	if err != nil {
		return nil, surroundings("Azure", err, hint)
	}
	scope := strings.TrimSuffix(cmp.Or(s.auth.Resource, "https://management.azure.com/"), "/") + "/.default"
	token, err := cred.GetToken(ctx, azure.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return nil, surroundings("Azure", err, hint)
	}
	proof := map[string]string{"role": s.auth.Role, "jwt": token.Token}
	var machine struct {
		Compute struct {
			Subscription string `json:"subscriptionId"`
			Group        string `json:"resourceGroupName"`
			VM           string `json:"name"`
			Set          string `json:"vmScaleSetName"`
		} `json:"compute"`
	}
	within, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if s.ask(within, http.MethodGet, "http://169.254.169.254/metadata/instance?api-version=2021-02-01", http.Header{"Metadata": {"true"}}, nil, &machine) != nil {
		return proof, nil // no machine of Azure's: the role must not be bound to one
	}
	for key, value := range map[string]string{"subscription_id": machine.Compute.Subscription, "resource_group_name": machine.Compute.Group, "vm_name": machine.Compute.VM, "vmss_name": machine.Compute.Set} {
		if value != "" && (key != "vm_name" || machine.Compute.Set == "") { // Vault takes one of the two
			proof[key] = value
		}
	}
	return proof, nil
}

// ask makes one call of a cloud and decodes the reply. Its error repeats neither.
func (s *session) ask(ctx context.Context, method, address string, headers http.Header, body []byte, reply any) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = headers
	resp, err := s.cloud().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answers HTTP %d", req.URL.Host, resp.StatusCode)
	case json.Unmarshal(text, reply) != nil:
		return fmt.Errorf("the reply of %s is not JSON", req.URL.Host)
	}
	return nil
}
