// Package imports keeps the rules of docs/design.md about who may import whom.
package imports

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/keyrotate/rotate/"

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// packages lists the module's packages as they are built, without tests.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// rules: what each package may import of this module, and of others. "std" is
// the standard library; an adapter's SDK is named here when it comes.
var rules = map[string][]string{
	"secret":                 {"std"},
	"internal/bug":           {"std"},
	"internal/program":       {"std"},
	"internal/after":         {"std", "internal/program", "providers", "github.com/coreos/go-systemd/v22/dbus", "github.com/godbus/dbus/v5"},
	"internal/lazy":          {"std"},
	"internal/ical":          {"std"},
	"rotation/keyset":        {"std", "secret"},
	"rotation":               {"std", "secret", "rotation/keyset"},
	"providers":              {"std", "secret"},
	"providers/memory":       {"std", "providers"},
	"providers/file":         {"std", "providers", "internal/dotenv", "internal/git", "internal/lazy", "internal/trust", "golang.org/x/sys/unix"},
	"providers/providertest": {"std", "providers"},
	"providers/vaultkv": {"std", "providers", "internal/lazy", "github.com/hashicorp/hcl", "github.com/hashicorp/hcl/hcl/ast", "github.com/hashicorp/vault/api",
		"cloud.google.com/go/auth/credentials", "cloud.google.com/go/compute/metadata", // logins by the clouds
		"github.com/Azure/azure-sdk-for-go/sdk/azcore", "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy", "github.com/Azure/azure-sdk-for-go/sdk/azidentity",
		"github.com/aws/aws-sdk-go-v2/aws/signer/v4", "github.com/aws/aws-sdk-go-v2/config",
	},
	"internal/git":             {"std"},
	"internal/traces":          {"std", "internal/lazy", "rotation/keyset", "github.com/coregx/ahocorasick"},
	"internal/gitscan":         {"std", "internal/git", "internal/traces"},
	"rotation/engine":          {"std", "internal/bug", "secret", "providers", "rotation", "rotation/keyset"},
	"rotation/scheduler":       {"std", "internal/bug", "providers", "rotation", "rotation/engine", "rotation/keyset", "github.com/robfig/cron/v3"},
	"internal/judge":           {"std", "internal/judge/rice", "internal/lazy"},
	"internal/judge/rice":      {"std"},
	"internal/judge/around":    {"std", "internal/judge"},
	"internal/judge/report":    {"std", "internal/judge", "internal/say"},
	"internal/judge/gen":       {"std", "internal/judge", "internal/judge/rice"},
	"internal/keygen":          {"std", "internal/lazy", "secret", "rotation/keyset"},
	"internal/format":          {"std", "internal/dotenv", "internal/lazy", "secret", "rotation/keyset"},
	"internal/intake":          {"std", "internal/keygen", "internal/lazy", "secret", "rotation/keyset", "github.com/go-jose/go-jose/v4", "github.com/youmark/pkcs8", "golang.org/x/crypto/ssh"},
	"internal/endpoint":        {"std"},
	"internal/usage":           {"std", "internal/lazy"},
	"internal/trust":           {"std", "golang.org/x/sys/unix"},
	"internal/stores":          {"std", "internal/lazy", "providers"},
	"internal/stores/builtin":  {"providers", "providers/awssm", "providers/azurekv", "providers/file", "providers/gcpsm", "providers/kubernetes", "providers/vaultkv"},
	"internal/fleet":           {"std", "internal/after", "internal/say", "rotation", "internal/config", "internal/dotenv", "internal/format", "internal/keygen", "internal/stores", "internal/strictyaml", "internal/trust", "internal/usage", "providers", "providers/file", "rotation/engine", "rotation/keyset", "rotation/scheduler", "secret"},
	"internal/ops":             {"std", "github.com/golang-jwt/jwt/v5", "internal/audit", "internal/bug", "internal/dotenv", "internal/fleet", "internal/format", "internal/gitscan", "internal/intake", "internal/judge", "internal/judge/around", "internal/judge/report", "internal/keygen", "internal/say", "internal/status", "internal/stores", "internal/traces", "internal/usage", "providers", "providers/file", "rotation", "rotation/engine", "rotation/keyset", "secret"},
	"internal/policy":          {"std", "internal/config", "internal/format", "providers"},
	"internal/form":            {"std", "internal/status", "rotation"},
	"internal/say/answer":      {"std", "internal/audit", "internal/config", "internal/dotenv", "internal/fleet", "internal/form", "internal/format", "internal/ical", "internal/intake", "internal/judge", "internal/judge/report", "internal/ops", "internal/say", "internal/status", "internal/strictyaml", "internal/usage", "internal/version", "providers/file", "rotation", "rotation/engine", "rotation/keyset", "secret", "go.yaml.in/yaml/v4"},
	"internal/console":         {"std", "internal/bug", "internal/fleet", "internal/form", "internal/journal", "internal/ops", "internal/say", "internal/say/answer", "internal/usage", "rotation"},
	"internal/process":         {"std", "internal/journal", "golang.org/x/sys/unix", "golang.org/x/term"},
	"internal/version":         {"std"},
	"internal/cli":             {"std", "internal/audit", "internal/bug", "internal/config", "internal/console", "internal/daemon", "internal/dotenv", "internal/fleet", "internal/form", "internal/format", "internal/intake", "internal/judge", "internal/judge/report", "internal/keygen", "internal/ops", "internal/policy", "internal/process", "internal/say", "internal/say/answer", "internal/status", "internal/stores", "internal/strictyaml", "internal/usage", "internal/version", "providers", "rotation", "rotation/engine", "rotation/keyset", "secret", "github.com/spf13/cobra", "github.com/spf13/pflag"},
	"command":                  {"std", "internal/cli", "internal/stores", "internal/stores/builtin", "internal/version", "providers"},
	"internal/daemon":          {"std", "internal/endpoint", "internal/say", "internal/bug", "internal/config", "internal/fleet", "internal/live", "internal/metrics", "internal/notify", "internal/ops", "internal/serve", "internal/stores", "internal/usage", "providers", "rotation/engine", "rotation/keyset", "rotation/scheduler", "github.com/coreos/go-systemd/v22/daemon", "golang.org/x/sys/unix"},
	"internal/strictyaml":      {"std", "internal/lazy", "go.yaml.in/yaml/v4"},
	"internal/config":          {"std", "internal/after", "internal/endpoint", "internal/format", "internal/keygen", "internal/lazy", "internal/notify", "internal/stores", "internal/strictyaml", "internal/trust", "providers", "rotation", "rotation/keyset", "rotation/scheduler", "go.yaml.in/yaml/v4"},
	"internal/dotenv":          {"std", "internal/lazy", "secret"},
	"internal/journal":         {"std", "github.com/coreos/go-systemd/v22/journal"},
	"internal/say":             {"std", "internal/bug", "internal/journal", "internal/judge", "internal/status", "providers", "rotation", "rotation/engine", "rotation/keyset", "rotation/scheduler"},
	"internal/status":          {"std", "providers", "rotation", "rotation/engine", "rotation/keyset"},
	"internal/live":            {"std", "internal/status", "rotation", "rotation/scheduler"},
	"internal/metrics":         {"std", "internal/live", "internal/status", "providers", "rotation", "rotation/engine", "rotation/keyset", "github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_golang/prometheus/collectors", "github.com/prometheus/client_golang/prometheus/promhttp", "github.com/prometheus/client_model/go"},
	"internal/page":            {"std", "internal/live", "internal/say", "internal/status", "rotation"},
	"internal/serve":           {"std", "internal/bug", "internal/endpoint", "internal/live", "internal/page", "internal/say", "internal/status", "rotation/keyset"},
	"internal/notify":          {"std", "internal/bug", "internal/live", "internal/program", "internal/say", "internal/status", "rotation", "rotation/keyset"},
	"internal/audit":           {"std", "internal/bug", "internal/lazy", "internal/say", "internal/trust", "golang.org/x/sys/unix", "rotation", "rotation/engine", "rotation/keyset"},
	"internal/test/sim":        {"std", "secret", "providers", "providers/memory", "rotation", "rotation/engine", "rotation/keyset", "rotation/scheduler"},
	"internal/test/bench":      {"std", "internal/test/bench/cost", "internal/test/bench/pair", "secret", "rotation/keyset"},
	"internal/test/bench/bare": {"any"}, // what its program is compared with
	"internal/test/bench/cost": {"std", "secret", "providers", "providers/providertest", "rotation", "rotation/engine", "rotation/keyset"},
	"internal/test/bench/pair": {"std"},
	"internal/test/fakes":      {"std"},
	"internal/test/life": {
		"std", "internal/say", "internal/test/fakes", "secret", "providers", "providers/providertest", "rotation", "rotation/engine", "rotation/keyset",
	},
	"internal/test/imports": {}, // tests only
	"internal/test/docs":    {}, // tests only
	"internal/test/guards":  {}, // tests only
	"internal/test/mutants": {"std", "internal/test/overlay"},
	"internal/test/overlay": {"std"},
	"internal/test/tiers":   {}, // tests only
	"e2e/door/golang":       {"std", "github.com/golang-jwt/jwt/v5"},
	"e2e/vaultfake":         {"std", "internal/test/vaultfake"},
	"internal/tools/man":    {"std", "github.com/spf13/cobra", "github.com/spf13/pflag"},
	"cmd/rotate":            {"command"},
	"examples":              {}, // tests only
	"examples/go":           {"std", "rotation/keyset", "github.com/golang-jwt/jwt/v5"},

	"providers/awssm": {
		"std", "internal/lazy", "providers", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/arn", "github.com/aws/aws-sdk-go-v2/aws/middleware", "github.com/aws/aws-sdk-go-v2/aws/transport/http",
		"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/credentials/stscreds", "github.com/aws/aws-sdk-go-v2/service/secretsmanager",
		"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types", "github.com/aws/aws-sdk-go-v2/service/sts",
		"github.com/aws/smithy-go", "github.com/aws/smithy-go/logging", "github.com/aws/smithy-go/middleware", "github.com/aws/smithy-go/transport/http",
	},
	"internal/test/awsfake":   {"std", "internal/test/fakes"},                                                                                   // tests only
	"internal/test/vaultfake": {"std", "internal/test/fakes", "github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4"}, // tests only
	"internal/test/kubefake": { // tests only
		"std", "internal/test/fakes", "k8s.io/api/authorization/v1", "k8s.io/api/core/v1", "k8s.io/api/rbac/v1", "k8s.io/apimachinery/pkg/api/errors", "k8s.io/apimachinery/pkg/apis/meta/v1",
		"k8s.io/apimachinery/pkg/runtime/schema", "k8s.io/apimachinery/pkg/types", "k8s.io/apimachinery/pkg/util/validation", "k8s.io/apimachinery/pkg/util/validation/field",
		"k8s.io/apimachinery/pkg/util/yaml",
	},

	"providers/kubernetes": {
		"std", "internal/lazy", "providers",
		"k8s.io/apimachinery/pkg/api/errors", "k8s.io/apimachinery/pkg/apis/meta/v1", "k8s.io/apimachinery/pkg/runtime", "k8s.io/apimachinery/pkg/runtime/schema",
		"k8s.io/apimachinery/pkg/runtime/serializer", "k8s.io/apimachinery/pkg/types", "k8s.io/apimachinery/pkg/util/validation", "k8s.io/client-go/rest", "k8s.io/client-go/tools/clientcmd",
	},
	"providers/azurekv": {
		"std", "internal/lazy", "providers", "github.com/Azure/azure-sdk-for-go/sdk/azcore", "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud",
		"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy", "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime",
		"github.com/Azure/azure-sdk-for-go/sdk/azidentity", "github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets",
	},
	"internal/test/azurefake": {"std", "internal/test/fakes"}, // tests only

	"providers/gcpsm": {
		"std", "internal/lazy", "providers", "cloud.google.com/go/secretmanager/apiv1", "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb", "cloud.google.com/go/iam/apiv1/iampb",
		"github.com/googleapis/gax-go/v2", "google.golang.org/api/iterator", "google.golang.org/api/option", "google.golang.org/genproto/googleapis/rpc/errdetails",
		"google.golang.org/grpc", "google.golang.org/grpc/codes", "google.golang.org/grpc/status",
		"google.golang.org/protobuf/types/known/fieldmaskpb", "google.golang.org/protobuf/types/known/timestamppb",
	},
	"internal/test/gcpfake": { // tests only
		"std", "internal/test/fakes", "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb", "cloud.google.com/go/iam/apiv1/iampb", "google.golang.org/genproto/googleapis/rpc/errdetails",
		"google.golang.org/grpc", "google.golang.org/grpc/codes", "google.golang.org/grpc/status", "google.golang.org/grpc/credentials/insecure", "google.golang.org/grpc/test/bufconn",
		"google.golang.org/protobuf/proto", "google.golang.org/protobuf/protoadapt", "google.golang.org/protobuf/types/known/durationpb",
		"google.golang.org/protobuf/types/known/emptypb", "google.golang.org/protobuf/types/known/timestamppb",
	},
}

func TestWhoMayImportWhom(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ruled := rules[name]
		if !ruled {
			t.Errorf("%s has no rule: say in internal/test/imports what it may import", name)
			continue
		}
		if slices.Contains(allowed, "any") {
			continue
		}
		for _, imp := range p.Imports {
			standard := !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			imp = strings.TrimPrefix(imp, module)
			if !slices.Contains(allowed, imp) && (!standard || !slices.Contains(allowed, "std")) {
				t.Errorf("%s imports %s", name, imp)
			}
		}
	}
}

// The rules and the document use no clock, no randomness, no file and no
// network: what they do depends on their arguments alone.
func TestRulesArePure(t *testing.T) {
	impure := []string{"os", "os/exec", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "io/ioutil", "syscall", "sync", "context", "log", "log/slog"}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name != "rotation" && name != "rotation/keyset" {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(impure, imp) {
				t.Errorf("%s imports %s", name, imp)
			}
		}
	}
}
