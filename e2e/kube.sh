#!/usr/bin/env bash
# The kubernetes adapter, the manifests and the command against the real API
# server: etcd 3.7.3 and kube-apiserver 1.37.2, without kubelets or controllers.
# The first call builds them, and kubectl, into a cache outside the checkout: six
# minutes on two cores. They listen on loopback, and everything is gone at the
# end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
version=1.37.2
bin=$cache/kubernetes-$version
for tool in go.etcd.io/etcd/server/v3:etcd k8s.io/kubernetes/cmd/{kube-apiserver:kube-apiserver,kubectl:kubectl}; do
	if ! test -x "$bin/${tool#*:}"; then
		build kubernetes "$bin/${tool#*:}" "${tool%:*}" \
			-ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${version:2:2}"
	fi
done

read -r client peer port < <(ports 3)
start etcd "$bin/etcd" --data-dir="$work/etcd" --unsafe-no-fsync --log-level=warn \
	--listen-client-urls="http://127.0.0.1:$client" --advertise-client-urls="http://127.0.0.1:$client" \
	--listen-peer-urls="http://127.0.0.1:$peer" --initial-advertise-peer-urls="http://127.0.0.1:$peer" --initial-cluster="default=http://127.0.0.1:$peer"
ready etcd open "$client"

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/accounts.key" 2>/dev/null
cat >"$work/tokens" <<-'END'
	admin,admin,1,"system:masters"
	rotate,rotate,2
END
start kube-apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 --secure-port="$port" \
	--advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.0.0.0/24 --cert-dir="$work/certs" \
	--authorization-mode=RBAC --token-auth-file="$work/tokens" --service-account-issuer=https://kubernetes.default.svc \
	--service-account-key-file="$work/accounts.key" --service-account-signing-key-file="$work/accounts.key"

kubectl() { HOME=$work "$bin/kubectl" --server="https://127.0.0.1:$port" --certificate-authority="$work/certs/apiserver.crt" --token=admin "$@"; }
ready kube-apiserver kubectl get --raw /readyz

run env ROTATE_KUBERNETES="https://127.0.0.1:$port" ROTATE_KUBERNETES_CA="$work/certs/apiserver.crt" \
	go test -count=1 -timeout 5m -run "${RUN:-^TestReal$}" "$@" ./providers/kubernetes

# Every manifest, as kubectl renders it, into a namespace that enforces Pod
# Security restricted; a warning is an error, and each pod is tried by itself,
# since only pods are refused.
kubectl create namespace rotate >/dev/null
kubectl label namespace rotate pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted >/dev/null
pods() { # the pods that rendered manifests on stdin make; with an argument, as root
	python3 -c '
import json, sys
found, read = 0, json.load(sys.stdin)
for object in read.get("items", [read]):
	spec = object.get("spec", {})
	template = spec.get("jobTemplate", object)["spec"].get("template") if spec else None
	if template:
		found += 1
		if sys.argv[1:]: template["spec"]["containers"][0]["securityContext"]["runAsUser"] = 0
		meta = {"name": "try", "namespace": "rotate", "labels": template["metadata"].get("labels")}
		print(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}))
if found != 1: sys.exit("%d pods are made, want one" % found)' "$@"
}
for dir in deploy/kubernetes/{base,once,overlays/*,base,now}; do
	kubectl apply --server-side --warnings-as-errors -k "$dir" >"$work/applied" 2>&1 || { cat "$work/applied" >&2; exit 1; }
	kubectl get -k "$dir" -o json >"$work/objects"
	pods <"$work/objects" | kubectl create --dry-run=server --warnings-as-errors -f - >/dev/null
	if pods root <"$work/objects" | kubectl create --dry-run=server -f - >"$work/refused" 2>&1 || ! grep -q 'violates PodSecurity "restricted' "$work/refused"; then
		die "$dir as root is not refused"
	fi
	echo "ok  	$dir	$(wc -l <"$work/applied") objects, restricted"
	test "$dir" = deploy/kubernetes/base || kubectl delete -k "$dir" --wait=false >/dev/null
done

# The command itself, with the shipped Role and no other right.
kubectl apply --server-side -k deploy/kubernetes/base >/dev/null
cat >"$work/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	clusters: [{name: e2e, cluster: {server: "https://127.0.0.1:$port", certificate-authority: $work/certs/apiserver.crt}}]
	users: [{name: rotate, user: {token: $(kubectl -n rotate create token rotate)}}]
	contexts: [{name: e2e, context: {cluster: e2e, user: rotate}}]
END
cat >"$work/rotate.yaml" <<-END
	environment: production
	stores: {cluster: {type: kubernetes, kubeconfig: $work/kubeconfig, context: e2e, namespace: rotate}}
	keys: {auth-jwt: {store: cluster}}
END
go build -o "$work/rotate" ./cmd/rotate
export ROTATE_CONFIG=$work/rotate.yaml
"$work/rotate" validate --probe
"$work/rotate" now
for key in current next previous; do
	test "$(kubectl -n rotate get secret production-auth-jwt -o "jsonpath={.data.$key}" | base64 -d)" = "$("$work/rotate" get auth-jwt --format value)"
done
"$work/rotate" status

# The shipped Role is the least: each of its verbs, taken away, is missed by name.
without='import json, sys
role = json.load(sys.stdin)
for rule in role["rules"]: rule["verbs"] = [v for v in rule["verbs"] if v != sys.argv[1]]
role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
print(json.dumps(role))'
denied() { ! "$work/rotate" validate --probe >"$work/denied" 2>&1 && grep "may not $1 secrets in namespace rotate" "$work/denied"; }
for verb in $(kubectl -n rotate get role rotate -o jsonpath='{.rules[*].verbs[*]}'); do
	kubectl -n rotate get role rotate -o json | python3 -c "$without" "$verb" | kubectl replace -f - >/dev/null
	ready kube-apiserver denied "$verb" # it learns of a Role a little later
	echo "ok  	without the right to $verb: $(grep "may not $verb" "$work/denied")"
	kubectl apply --server-side --force-conflicts -k deploy/kubernetes/base >/dev/null
done
ready kube-apiserver "$work/rotate" validate --probe

# The daemon with the Deployment's own arguments, on another port; its probes.
deployment() { kubectl -n rotate get deployment rotate -o jsonpath="{.spec.template$1}"; }
args=$(deployment .spec.containers[0].args[*])
test "$args" = "run --listen=:$(deployment .spec.containers[0].ports[0].containerPort)" || die "the Deployment's port is not where the daemon listens: $args"
test "$args" = "run --listen=:$(deployment '.metadata.annotations.prometheus\.io/port')" || die "Prometheus is told another port: $args"
listen=$(ports 1)
start daemon "$work/rotate" ${args/=:*/=127.0.0.1:$listen}
for probe in liveness readiness; do ready daemon fetch "$listen" "$(deployment ".spec.containers[0].${probe}Probe.httpGet.path")"; done
fetch "$listen" /metrics | grep -q '^rotate_key_state{key="auth-jwt",state="healthy",store="cluster"} 1' || die "the key is not healthy"
ends daemon
echo "ok  	the daemon as the Deployment starts it"
