package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/keyrotate/rotate/providers"
)

// Config is the store's part of the config file. Credentials are never in it.
type Config struct {
	Namespace   string            `yaml:"namespace" doc:"Where the Secrets are. Within a pod its own by default."`
	Kubeconfig  string            `yaml:"kubeconfig" doc:"A kubeconfig, outside of a pod; without it $KUBECONFIG or ~/.kube/config counts, if context is set."`
	Context     string            `yaml:"context" doc:"Which of the kubeconfig's contexts. The current one is not taken: kubectl changes it."`
	Kind        string            `yaml:"kind" doc:"Secret, or ConfigMap for outputs of public keys (jwks, pem) with a data_key; Secret by default."`
	SecretType  string            `yaml:"secret_type" doc:"The type of new Secrets; Opaque by default. Existing ones keep theirs."`
	Labels      map[string]string `yaml:"labels" doc:"Put on each Secret at each write. An output can have labels of its own over these."`
	Annotations map[string]string `yaml:"annotations" doc:"Put on each Secret at each write, such as reloader.stakater.com/match: \"true\". An output can have annotations of its own over these."`
	Owner       Owner             `yaml:"owner"`

	// Transport carries the calls, if it is not nil: no option of the config, but
	// for programs and tests that have no network.
	Transport http.RoundTripper
}

// Owner is an object of the same namespace. Kubernetes deletes the Secrets when
// it is gone.
type Owner struct {
	APIVersion string `yaml:"api_version" doc:"Such as apps/v1. Kubernetes deletes the Secrets with their owner: for outputs, not for keysets."`
	Kind       string `yaml:"kind" doc:"Such as Deployment."`
	Name       string `yaml:"name" doc:"Its name, in the same namespace."`
	UID        string `yaml:"uid" doc:"Its metadata.uid: an object that is made anew is another owner."`
}

func (o Owner) uid() types.UID { return types.UID(o.UID) }

const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Relative takes paths of files from the config's folder.
func (c *Config) Relative(base string) {
	if c.Kubeconfig != "" && !filepath.IsAbs(c.Kubeconfig) {
		c.Kubeconfig = filepath.Join(base, c.Kubeconfig)
	}
}

// Validate refuses what cannot work.
func (c *Config) Validate() error {
	o := c.Owner
	switch {
	case c.Kind != "" && c.Kind != "Secret" && c.Kind != configMap:
		return errors.New("kind is not Secret or ConfigMap")
	case c.public() && c.SecretType != "":
		return errors.New("secret_type is set, and a ConfigMap has no type")
	case c.Namespace != "" && len(validation.IsDNS1123Label(c.Namespace)) > 0:
		return errors.New("namespace is not a name of one")
	case c.Context == "" && c.Kubeconfig != "":
		return errors.New("context is not set: the kubeconfig's current one is what kubectl was last pointed at")
	case c.Context != "" && c.Namespace == "":
		return errors.New("namespace is not set: outside of a pod there is no default")
	case strings.HasPrefix(c.SecretType, "kubernetes.io/"):
		return errors.New("secret_type is one of Kubernetes' own, which have other data: use Opaque, or one such as example.com/keyset")
	case o != (Owner{}) && (o.APIVersion == "" || o.Kind == "" || o.Name == "" || o.UID == ""):
		return errors.New("owner needs all of api_version, kind, name and uid")
	}
	return c.checkMarks()
}

// checkMarks refuses labels and annotations that Kubernetes does not take, and rotate's
// own.
func (c *Config) checkMarks() error {
	for key, v := range c.Labels {
		if words := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(v)...); len(words) > 0 || key == managedBy {
			return fmt.Errorf("labels: %q is not a label that can be set", key)
		}
	}
	for key := range c.Annotations {
		if len(validation.IsQualifiedName(strings.ToLower(key))) > 0 || strings.HasPrefix(key, "keyrotate.github.io/") {
			return fmt.Errorf("annotations: %q is not an annotation that can be set", key)
		}
	}
	return nil
}

// Where is a secret's place, for people.
func (c *Config) Where(secret string) string {
	return fmt.Sprintf("%s %s in namespace %s of %s", c.noun(), secret, cmp.Or(c.Namespace, "(the pod's)"), cmp.Or(c.Context, "this cluster"))
}

// Open finds the way to the API server. It makes no call.
func (c *Config) Open(context.Context) (providers.Store, error) {
	s, err := c.open()
	if err != nil {
		e := &providers.Error{Op: "open", Name: cmp.Or(c.Context, "kubernetes"), Kind: providers.ErrUnsafe, Err: err}
		return nil, e
	}
	return s, nil
}

func (c *Config) open() (*store, error) {
	resolved := *c
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Context != "" {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = c.Kubeconfig
		conf, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Context}).ClientConfig()
		if err != nil {
			return nil, err
		}
		if c.Transport != nil {
			conf.Transport = c.Transport
		}
		return resolved.connect(conf)
	}
	conf, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("this is no pod with a service account (%w): set context, and kubeconfig if need be", err)
	}
	if resolved.Namespace == "" {
		text, err := os.ReadFile(podNamespace)
		if err != nil {
			return nil, fmt.Errorf("namespace is not set, and the pod's is not known: %w", err)
		}
		resolved.Namespace = strings.TrimSpace(string(text))
	}
	return resolved.connect(conf)
}

// connect makes the clients. Of client-go only the REST client is used: the
// typed ones repeat writes on their own.
func (c *Config) connect(conf *rest.Config) (*store, error) {
	if _, err := providers.Address("the server of the kubeconfig", conf.Host); err != nil {
		return nil, err
	}
	if conf.Insecure {
		return nil, errors.New("the kubeconfig says insecure-skip-tls-verify: anyone could answer for the API server; give it certificate-authority")
	}
	conf = rest.CopyConfig(conf)
	conf.QPS = -1 // the engine makes few calls, and heeds Retry-After
	conf.UserAgent = "rotate"
	conf.WarningHandlerWithContext = rest.NoWarnings{}
	conf.Wrap(func(next http.RoundTripper) http.RoundTripper { return dated{next} })
	client, err := rest.HTTPClientFor(conf)
	if err != nil {
		return nil, err
	}
	known := scheme()
	group := func(path string, version schema.GroupVersion) (rest.Interface, error) {
		one := rest.CopyConfig(conf)
		one.APIPath, one.GroupVersion = path, &version
		one.NegotiatedSerializer = serializer.NewCodecFactory(known).WithoutConversion()
		return rest.RESTClientForConfigAndClient(one, client)
	}
	s := &store{Config: *c}
	s.SecretType = cmp.Or(s.SecretType, "Opaque")
	if s.core, err = group("/api", coreV1); err != nil {
		return nil, err
	}
	s.authorization, err = group("/apis", authorizationV1)
	return s, err
}

// OneValue tells that a Secret keeps nothing of the value that it had before.
func (c *Config) OneValue() bool { return true }
