#!/usr/bin/env bash
# The kubernetes adapter, the Kustomize folders and the command against the real
# API server: etcd 3.7.3 and kube-apiserver 1.37.2, without kubelets or
# controllers. The first call builds them, and kubectl, into a cache outside the
# checkout: six minutes on two cores. They listen on loopback, and everything is
# gone at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/kube.lib.sh
kube_tools kube-apiserver kubectl
kube_api 127.0.0.1 "$(ports 1)" --authorization-mode=RBAC

run env ROTATE_KUBERNETES="$server" ROTATE_KUBERNETES_CA="$work/certs/apiserver.crt" \
	go test -count=1 -timeout 5m -run "${RUN:-^TestReal$}" "$@" ./providers/kubernetes

# Every folder, as kubectl renders it, into a namespace that enforces Pod
# Security restricted; a warning is an error.
kubectl apply --server-side --warnings-as-errors -k deploy/kubernetes/namespace >/dev/null
for dir in deploy/kubernetes/{base,once,overlays/*,base,now}; do
	kubectl apply --server-side --warnings-as-errors -k "$dir" >"$work/applied" 2>&1 || { cat "$work/applied" >&2; exit 1; }
	kubectl get -k "$dir" -o json >"$work/objects"
	try_pods rotate "$work/objects"
	token=$(kubectl -n rotate get serviceaccount rotate -o jsonpath='{.automountServiceAccountToken}')
	case $dir in
	*/base | */once | */now | */vault) test "$token" = true || die "$dir: the pods get no token" ;;
	*) test "$token" = false || die "$dir: the pods get a token that they do not need" ;;
	esac
	echo "ok  	$dir	$(wc -l <"$work/applied") objects, restricted, token: $token"
	test "$dir" = deploy/kubernetes/base || kubectl delete -k "$dir" --wait=false >/dev/null
done

# The command itself, with the shipped Role and no other right.
kubectl apply --server-side -k deploy/kubernetes/base >/dev/null
kubeconfig rotate "$(kubectl -n rotate create token rotate)"
cat >"$work/rotate.yaml" <<YAML
environment: production
stores: {cluster: {type: kubernetes, kubeconfig: $work/rotate.kubeconfig, context: e2e, namespace: rotate}}
keys: {auth-jwt: {store: cluster}}
YAML
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
	eventually 30 denied "$verb" # it learns of a Role a little later
	echo "ok  	without the right to $verb: $(grep "may not $verb" "$work/denied")"
	kubectl apply --server-side --force-conflicts -k deploy/kubernetes/base >/dev/null
done
eventually 30 "$work/rotate" validate --probe

# `create` limited: another name is refused, also one that the server makes up; rotate's own work goes on.
mkdir -p "$work/limited"
printf 'resources: [%s]\ncomponents: [%s]\n' "$(realpath --relative-to="$work/limited" deploy/kubernetes/base)" \
	"$(realpath --relative-to="$work/limited" deploy/kubernetes/components/limit-create)" >"$work/limited/kustomization.yaml"
kubectl apply --server-side --warnings-as-errors -k "$work/limited" >/dev/null
limited() { # by NAME: rotate may not create that Secret
	! printf '{apiVersion: v1, kind: Secret, metadata: {namespace: rotate, %s}}' "$1" |
		"$bin/kubectl" --kubeconfig="$work/rotate.kubeconfig" create -f - >"$work/denied" 2>&1 && grep -q 'and no others' "$work/denied"
}
eventually 30 limited 'name: another'
limited 'generateName: production-auth-jwt-' || die "a made-up name is not refused: $(cat "$work/denied")"
"$work/rotate" validate --probe >/dev/null
"$work/rotate" now --request limited >/dev/null
kubectl -n rotate delete secret production-auth-jwt >/dev/null
"$work/rotate" now >/dev/null
echo "ok  	create is limited to its own: $(grep -o 'rotate may.*' "$work/denied")"

# One Secret and one ConfigMap that several keys and a person share, with the rights of docs/providers/kubernetes.md.
run python3 e2e/kubernetes/shared.py docs/providers/kubernetes.md "$work" "$bin/kubectl"

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
