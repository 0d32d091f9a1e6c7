#!/usr/bin/env bash
# The kubernetes adapter, the manifests and the command against the real API
# server: etcd 3.7.3 and kube-apiserver 1.37.2, without kubelets or controllers.
# The first call builds them, and kubectl, into a cache outside the checkout: six
# minutes on two cores. They listen on loopback, and everything is gone at the
# end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.37.2
bin=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e/kubernetes-$version
if ! test -e "$bin/.complete"; then
	mkdir -p "$bin"
	build=$(mktemp -d "$bin/build.XXXXXX")
	trap 'rm -rf "$build"' EXIT
	cp e2e/kubernetes/go.mod e2e/kubernetes/go.sum "$build"
	make() { # package, one at a time: each link takes 2 GB
		(cd "$build" && CGO_ENABLED=0 nice -n 19 go build -mod=mod -trimpath -o "$2" \
			-ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${version:2:2}" "$1")
		mv "$build/$2" "$bin/$2"
	}
	make go.etcd.io/etcd/server/v3 etcd
	make k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver
	make k8s.io/kubernetes/cmd/kubectl kubectl
	rm -rf "$build"
	trap - EXIT
	touch "$bin/.complete"
fi

work=$(mktemp -d)
pids=()
stop() {
	# At once: an API server whose etcd has gone takes minutes to end in order.
	for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap stop EXIT

start() { # name, command...
	(cd "$work" && exec env HOME="$work" "${@:2}") >"$work/$1.log" 2>&1 &
	pids+=($!)
}
ready() { # name, command that succeeds when it is
	for _ in $(seq 300); do
		if "${@:2}" >/dev/null 2>&1; then return; fi
		if ! kill -0 "${pids[-1]}" 2>/dev/null; then break; fi
		sleep 0.1
	done
	echo "e2e/kube.sh: $1 does not start" >&2
	tail -20 "$work/$1.log" >&2
	exit 1
}

read -r client peer port < <(python3 -c ' # free ones, below those that the kernel gives to clients
import random, socket
found = []
while len(found) < 3:
	s = socket.socket()
	try:
		s.bind(("127.0.0.1", random.randrange(10000, 32000)))
		found.append(s)
	except OSError: pass
print(*(s.getsockname()[1] for s in found))')

start etcd "$bin/etcd" --data-dir="$work/etcd" --unsafe-no-fsync --log-level=warn \
	--listen-client-urls="http://127.0.0.1:$client" --advertise-client-urls="http://127.0.0.1:$client" \
	--listen-peer-urls="http://127.0.0.1:$peer" --initial-advertise-peer-urls="http://127.0.0.1:$peer" --initial-cluster="default=http://127.0.0.1:$peer"
ready etcd bash -c "exec 3<>/dev/tcp/127.0.0.1/$client"

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

ROTATE_KUBERNETES="https://127.0.0.1:$port" ROTATE_KUBERNETES_CA="$work/certs/apiserver.crt" \
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
		echo "e2e/kube.sh: $dir as root is not refused" >&2
		exit 1
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
"$work/rotate" validate --probe -c "$work/rotate.yaml"
"$work/rotate" now -c "$work/rotate.yaml"
for key in current next previous; do
	test "$(kubectl -n rotate get secret production-auth-jwt -o "jsonpath={.data.$key}" | base64 -d)" = "$("$work/rotate" get auth-jwt --format value -c "$work/rotate.yaml")"
done
"$work/rotate" status -c "$work/rotate.yaml"
