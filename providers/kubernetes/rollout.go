package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/keyrotate/rotate/providers"
)

// workloads are the kinds that roll out when their pods' template changes, as
// `kubectl rollout restart` has it, with the names of their resources.
var workloads = map[string]string{"deployment": "deployments", "statefulset": "statefulsets", "daemonset": "daemonsets"}

// TakesWorkload takes KIND/NAME of the kinds that roll out.
func (*Config) TakesWorkload(workload string) bool {
	kind, name, _ := strings.Cut(workload, "/")
	return workloads[kind] != "" && len(validation.IsDNS1123Subdomain(name)) == 0
}

// Rollout puts the revision into an annotation of the pods' template, as `kubectl
// rollout restart` puts the time there. So it is one call, a merge patch (RFC 7386),
// and begins no rollout if the annotation is there already. Each output has an
// annotation of its own: several may wake one workload.
func (c *Config) Rollout(ctx context.Context, workload, output, revision string) error {
	return c.rollout(ctx, workload, output, revision, false)
}

// ProbeRollout has the API server check such a patch without making it, so that it says
// whether there is the right, the workload, and no admission policy against it:
// https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
func (c *Config) ProbeRollout(ctx context.Context, workload string) error {
	return c.rollout(ctx, workload, "", "a dry run", true)
}

func (c *Config) rollout(ctx context.Context, workload, output, revision string, dry bool) (err error) {
	kind, name, _ := strings.Cut(workload, "/")
	s, err := c.open()
	if err != nil {
		return &providers.Error{Op: "patch", Name: workload, Kind: providers.ErrUnsafe, Err: err}
	}
	sum := sha256.Sum256([]byte(output))
	patch, err := json.Marshal(under([]string{"spec", "template", "metadata", "annotations"},
		map[string]any{readAnnotation + hex.EncodeToString(sum[:6]): revision}))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	call := s.core.Patch(types.MergePatchType).AbsPath("/apis/apps/v1").Namespace(s.Namespace).Resource(workloads[kind]).Name(name).
		Param("fieldManager", manager).Body(patch).MaxRetries(0)
	if dry {
		call = call.Param("dryRun", "All")
	}
	if err = call.Do(ctx).Error(); err != nil {
		err = refusedRollout(ctx, err, workloads[kind], name)
		providers.Dress(&err, "patch", workload+" in namespace "+s.Namespace)
	}
	return err
}

// readAnnotation begins the name of an annotation that tells which revision of an
// output the pods have read.
const readAnnotation = "keyrotate.github.io/read-"

// under nests a value.
func under(path []string, v map[string]any) map[string]any {
	for i := len(path) - 1; i >= 0; i-- {
		v = map[string]any{path[i]: v}
	}
	return v
}

// refusedRollout is what refused makes of a failed patch, with hints for a workload
// in place of those for a Secret.
func refusedRollout(ctx context.Context, failed error, resource, name string) error {
	if apierrors.IsNotFound(failed) {
		return &providers.Error{Kind: providers.ErrUnavailable, Err: failed, Hint: "there is no such workload in the store's namespace: check kubernetes:"}
	}
	err := refused(ctx, failed, true, nil)
	if e, ok := errors.AsType[*providers.Error](err); ok && errors.Is(err, providers.ErrDenied) {
		e.Hint = `the Role needs: {apiGroups: [apps], resources: [` + resource + `], verbs: [patch], resourceNames: [` + name + `]}`
	}
	return err
}
