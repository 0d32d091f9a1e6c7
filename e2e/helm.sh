#!/usr/bin/env bash
# The Helm chart against the real API server, by Helm 3.22.0: lint, what bad
# values are told, each set of values in deploy/helm/rotate/ci applied under Pod
# Security restricted, then a release's life: install, test, upgrade, uninstall.
# There is no kubelet: kubelet.sh runs the pods. The first call builds Helm, two
# minutes on two cores, and what kube.sh builds.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/kube.lib.sh
kube_tools kube-apiserver kubectl
kube_helm
chart=deploy/helm/rotate
go build -o "$work/rotate" ./cmd/rotate

# The definitions of the Prometheus Operator, as it ships them.
operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
sum=h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=
definitions=$(cd "$work" && go mod download -json "$operator" | python3 -c 'import json, sys; m = json.load(sys.stdin); print(m["Dir"] if m["Sum"] == sys.argv[1] else sys.exit("another sum: " + m["Sum"]))' "$sum")
kube_api 127.0.0.1 "$(ports 1)" --authorization-mode=RBAC
for kind in podmonitors prometheusrules; do
	kubectl create -f "$definitions/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" >/dev/null
	kubectl wait --for=condition=Established "crd/$kind.monitoring.coreos.com" >/dev/null
done

# What bad values are told. Each line: what has to be said, and the values.
base='{image: {repository: r.example.com/rotate}, config: {environment: p, stores: {c: {type: kubernetes}}, keys: {a: {store: c}}}}'
try() { # VALUES [VALUES]
	printf '%s\n' "$1" >"$work/bad.yaml"
	printf '%s\n' "${2:-{\}}" >"$work/bad2.yaml"
	helm template rotate $chart -f "$work/bad.yaml" -f "$work/bad2.yaml" >"$work/said" 2>&1
}
refused() { # WORDS VALUES…
	if try "${@:2}"; then die "accepted: ${*:2}"; fi
	grep -qF -- "$1" "$work/said" || die "\"$1\" is not said of ${*:2}: $(cat "$work/said")"
	echo "ok  	refused: $1"
}
try "$base" || die "$(cat "$work/said")"
refused "missing properties 'environment', 'stores', 'keys'" '{image: {repository: r.example.com/rotate}}'
refused 'image.repository is not set' '{config: {environment: p, stores: {c: {type: kubernetes}}, keys: {a: {store: c}}}}'
refused "additional properties 'evry' not allowed" "$base" '{config: {keys: {a: {evry: 90d}}}}'
refused "additional properties 'regoin' not allowed" "$base" '{config: {stores: {c: {type: awssm, regoin: eu-west-1}}}}'
refused "value must be one of 'awssm', 'azurekv', 'file', 'gcpsm', 'kubernetes', 'vaultkv'" "$base" '{config: {stores: {c: {type: s3}}}}'
refused "additional properties 'replica' not allowed" "$base" '{replica: 3}'
refused "does not match pattern" "$base" '{image: {digest: "sha256:abc"}}'
refused 'config.keys.a: there is no store d; stores has: c' "$base" '{config: {keys: {a: {store: d}}}}'
refused 'config.keys.a has no store; add one of: c' "${base/{store: c\}/{\}}"
refused 'config.listen has no address at which the kubelet can probe' "$base" '{config: {listen: "127.0.0.1:9797"}}'
refused 'config.listen has no address at which Prometheus can read' "$base" '{podMonitor: {enabled: true}, config: {listen: {address: ":1", serve: [probes]}}}'
refused 'config.listen: /t/token is not in the pod' "$base" '{config: {listen: [{address: ":1", token_file: /t/token}]}}'
refused 'replicas is more than 1, and a store is in Azure Key Vault' "$base" '{replicas: 2, config: {stores: {c: {type: azurekv, vault: "https://v.vault.azure.net"}}}}'
refused 'config.audit.file writes a file' "$base" '{config: {audit: {file: /var/log/audit.jsonl}}}'
refused 'config.keys.a: the output ./.env writes a file' "$base" '{config: {keys: {a: {outputs: [{path: ./.env}]}}}}'
refused 'now.keys: there is no key b in config.keys' "$base" '{now: {keys: [b]}}'
refused 'rotate: 3 of the values cannot work' "$base" '{image: {repository: ""}, now: {keys: [b]}, config: {listen: "unix:/s"}}'

# object KIND FIELD [NAME]: of the objects that were applied last.
object() { python3 -c '
import json, sys
for o in json.load(open(sys.argv[1]))["items"]:
	if o["kind"] == sys.argv[2] and (len(sys.argv) < 5 or o["metadata"]["name"] == sys.argv[4]):
		v = o
		for part in sys.argv[3].split("."): v = v[int(part)] if part.isdigit() else v.get(part) if v is not None else None
		print(v if isinstance(v, str) else json.dumps(v))' "$work/objects" "$@"; }
is() { test "$2" = "$3" || die "$set: $1 is $2, want $3"; }

# Each set: lint, apply, try the pods by themselves. The probe, which is the test
# hook, runs as the service account and finds neither too few rights nor too many.
restricted shop
kubectl -n shop create deployment shop --image=registry.example.com/shop >/dev/null 2>&1 # an `after` of the set "outputs" rolls it out
for values in $chart/ci/*-values.yaml; do
	set=$(basename "$values" -values.yaml)
	helm lint --strict --quiet $chart -f "$values"
	restricted "$set"
	helm template rotate $chart -n "$set" -f "$values" >"$work/rendered.yaml"
	kubectl apply --server-side --warnings-as-errors -f "$work/rendered.yaml" >"$work/applied" 2>&1 || { cat "$work/applied" >&2; die "$set is not accepted"; }
	kubectl get -f "$work/rendered.yaml" -o json >"$work/objects"
	try_pods "$set" "$work/objects"
	is "the ServiceAccount's automount" "$(object ServiceAccount automountServiceAccountToken)" false
	account=$(object ServiceAccount metadata.name)
	cluster=false
	if grep -q 'type: kubernetes' "$values"; then cluster=true; fi
	is "the pod's automount" "$(object Pod spec.automountServiceAccountToken)" $cluster
	kubectl -n "$set" get configmap rotate -o jsonpath='{.data.rotate\.yaml}' >"$work/config.yaml"
	said='its stores are elsewhere'
	if $cluster && ! grep -q 'type: [^k]' "$values"; then
		is "the hook's command" "$(object Pod spec.containers.0.args)" '["validate", "--probe"]'
		eventually 30 as_pod "$set" "$account" "$work/config.yaml" validate --probe
		as_pod "$set" "$account" "$work/config.yaml" validate --probe >"$work/said" 2>&1 || die "$set: $(cat "$work/said")"
		said='its test passes, with no right too many'
	else
		"$work/rotate" validate -c "$work/config.yaml" >"$work/said" 2>&1 || die "$set: $(cat "$work/said")"
	fi
	echo "ok  	$set	$(wc -l <"$work/applied") objects, restricted; $said"
	cp "$work/objects" "$work/$set.json"
	test "$set" = outputs || kubectl delete --wait=false -f "$work/rendered.yaml" >/dev/null
done
of() { set=$1; cp "$work/$1.json" "$work/objects"; }
of aws-irsa; is 'the role' "$(object ServiceAccount metadata.annotations)" '{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/rotate"}'
is 'Roles' "$(object Role metadata.name)" ''
of google; is 'the account' "$(object ServiceAccount metadata.annotations)" '{"iam.gke.io/gcp-service-account": "rotate@my-project.iam.gserviceaccount.com"}'
of azure; is 'replicas' "$(object Deployment spec.replicas)" 1
is 'the strategy' "$(object Deployment spec.strategy.type)" Recreate
grep -q 'azure.workload.identity/use' "$work/objects" || die 'azure: no label'
of vault; is 'the token' "$(object Pod spec.volumes.1.projected.sources.0.serviceAccountToken)" '{"audience": "vault", "expirationSeconds": 3600, "path": "token"}'
grep -q 'jwt_file: /var/run/secrets/vault/token' "$work/objects" || die 'vault: the config does not name the token'
grep -q '"port": 8200' "$work/objects" || die 'vault: its port is not open'
of outputs; is 'the image' "$(object Deployment spec.template.spec.containers.0.image)" registry.example.com/rotate:v0.1.0@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
of once; is 'what runs' "$(object CronJob spec.jobTemplate.spec.template.spec.containers.0.args)" '["run", "--once"]'
is 'a Deployment' "$(object Deployment metadata.name)" ''
of monitoring; is 'the port' "$(object Deployment spec.template.spec.containers.0.args)" '["run", "--listen=:8080"]'
is 'the probes' "$(object Deployment spec.template.spec.containers.0.livenessProbe.httpGet.port)" http
of listeners; is 'the arguments' "$(object Deployment spec.template.spec.containers.0.args)" '["run"]'
is 'the probes' "$(object Deployment spec.template.spec.containers.0.livenessProbe.httpGet)" '{"path": "/healthz", "port": "http", "scheme": "HTTP"}'
is 'the ports' "$(object Deployment spec.template.spec.containers.0.ports | python3 -c 'import json, sys; print(*(p["containerPort"] for p in json.load(sys.stdin)))')" '9798 9797 9799'
is 'the Service' "$(object Service spec.ports.0.targetPort)" http-1
is 'the monitor' "$(object PodMonitor spec.podMetricsEndpoints.0.port)" http-2
is 'the policy' "$(object NetworkPolicy spec.ingress.0.ports | python3 -c 'import json, sys; print(*(p["port"] for p in json.load(sys.stdin)))')" '9797 9799'
of monitoring
test "$(object PrometheusRule spec.groups.0.rules | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" -ge 10 || die 'monitoring: rules are missing'
object ConfigMap data rotate-dashboard | python3 -c 'import json, sys; json.loads(json.load(sys.stdin)["rotate.json"])["panels"][0]' || die 'monitoring: the dashboard is no JSON'
echo "ok  	what each identity needs is in it"

# `create` is limited: the set "outputs" is still there, with its policy.
kubeconfig outputs "$(kubectl -n outputs create token rotate)"
makes() { printf '{apiVersion: v1, kind: Secret, metadata: {namespace: %s, %s}}' "$1" "$2" | "$bin/kubectl" --kubeconfig="$work/outputs.kubeconfig" create -f - >"$work/denied" 2>&1; }
may() { "$bin/kubectl" --kubeconfig="$work/outputs.kubeconfig" -n shop auth can-i "$@"; }
limited() { ! makes "$@" && grep -q 'and no others' "$work/denied"; }
eventually 30 limited outputs 'name: another'
limited shop 'name: another' && limited outputs 'generateName: production-auth-jwt-' && limited shop 'name: production-auth-jwt' || die "another Secret is not refused: $(cat "$work/denied")"
kubectl -n outputs get configmap rotate -o jsonpath='{.data.rotate\.yaml}' >"$work/config.yaml"
as_pod outputs rotate "$work/config.yaml" validate --probe >/dev/null
is 'the Deployment after a probe of its rollout' "$(kubectl -n shop get deployment shop -o jsonpath='{.metadata.generation}')" 1
sed 's|deployment/shop|deployment/other|' "$work/config.yaml" >"$work/other.yaml"
if as_pod outputs rotate "$work/other.yaml" validate --probe >"$work/said" 2>&1 || ! grep -q 'resources: \[deployments\], verbs: \[patch\], resourceNames: \[other\]' "$work/said"; then
	die "outputs: a probe of a Deployment without a right to it says: $(cat "$work/said")"
fi
as_pod outputs rotate "$work/config.yaml" now --all >/dev/null
for name in outputs/production-auth-jwt outputs/api-tokens outputs/api-value shop/auth-jwt shop/auth-jwt.previous shop/auth-jwt-env shop/api-jwks shop/production-webhook; do
	kubectl -n "${name%/*}" get secret "${name#*/}" >/dev/null || die "no $name"
done
is 'the data keys of two keys in one Secret' "$(kubectl -n shop get secret app -o jsonpath='{.metadata.labels.app} {.data}' | tr -c 'A-Za-z._\n' ' ' | grep -o 'shop\|JWT_SECRET[a-z.]*\|api\.pem' | LC_ALL=C sort | tr '\n' ' ')" 'JWT_SECRET JWT_SECRET.previous api.pem shop '
kubectl -n shop get configmap api-keys -o jsonpath='{.data.jwks\.json}' | grep -q '"kty":"EC"' || die 'no public keys in the ConfigMap'
test "$(may create configmaps || :)" = yes || die 'no right to ConfigMaps'
# after: the pods' template has the revision of the output, by the right to patch this one Deployment.
shop() { kubectl -n shop get deployment shop -o jsonpath="{.metadata.generation} {.spec.template.metadata.annotations['keyrotate\\.github\\.io/read-$1']}"; }
read=$(printf 'auth-jwt shop auth-jwt-env' | sha256sum | cut -c1-12)
rolled=$(shop "$read")
test -n "${rolled#* }" || die 'outputs: the Deployment does not tell what its pods have read'
as_pod outputs rotate "$work/config.yaml" run --once >/dev/null 2>&1
is 'the Deployment after another process' "$(shop "$read")" "$rolled"
test "$(may patch deployment/shop) $(may patch deployment/other || :) $(may get deployment/shop || :)" = 'yes no no' || die 'outputs: the right to the Deployment is not the least'
echo "ok  	a rollout is an annotation, begun once, by the right to patch one Deployment"
echo "ok  	create is limited: $(grep -o 'rotate may create.*others' "$work/denied"); the ten of the config are made"

# A release.
restricted rotate
printf '%s\n' "$base" | sed 's/environment: p/environment: production/' >"$work/values.yaml"
helm package $chart -d "$work" >/dev/null
helm install rotate "$work"/rotate-*.tgz -n rotate -f "$work/values.yaml" >"$work/notes"
grep -q 'exec deployment/rotate -- /usr/local/bin/rotate status' "$work/notes" || die "the notes: $(cat "$work/notes")"
sum() { kubectl -n rotate get deployment rotate -o jsonpath='{.spec.template.metadata.annotations.checksum/config}'; }
config() { kubectl -n rotate get configmap rotate -o jsonpath='{.data.rotate\.yaml}' >"$work/config.yaml"; }
config
eventually 30 as_pod rotate rotate "$work/config.yaml" validate --probe
as_pod rotate rotate "$work/config.yaml" now
before=$(sum) key=$(kubectl -n rotate get secret production-a -o jsonpath='{.data.keyset}')
helm upgrade rotate "$work"/rotate-*.tgz -n rotate -f "$work/values.yaml" >/dev/null
test "$(sum)" = "$before" || die 'an upgrade that changes nothing restarts the pods'
helm upgrade rotate "$work"/rotate-*.tgz -n rotate -f "$work/values.yaml" --set config.keys.b.store=c --set config.keys.a.every=30d >/dev/null
test "$(sum)" != "$before" || die 'a changed config does not restart the pods'
config
eventually 30 as_pod rotate rotate "$work/config.yaml" validate --probe # the Role has the new key's Secret
as_pod rotate rotate "$work/config.yaml" status a
test "$(kubectl -n rotate get secret production-a -o jsonpath='{.data.keyset}')" = "$key" || die 'the upgrade changed a key'
helm rollback rotate 1 -n rotate >/dev/null
test "$(sum)" = "$before" || die 'the rollback did not take the config back'
helm uninstall rotate -n rotate >/dev/null
test "$(kubectl -n rotate get secret production-a -o jsonpath='{.data.keyset}')" = "$key" || die 'uninstall took a key'
test -z "$(kubectl -n rotate get all,role,rolebinding,networkpolicy,pdb -l app.kubernetes.io/instance=rotate -o name)" || die 'uninstall left something'
helm install rotate "$work"/rotate-*.tgz -n rotate -f "$work/values.yaml" >/dev/null
config
eventually 30 as_pod rotate rotate "$work/config.yaml" status a
echo "ok  	install, upgrade, rollback, uninstall: the keys stay, and the next release goes on with them"
