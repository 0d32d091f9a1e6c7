# shellcheck shell=bash disable=SC2154 # cache, work and begun are of lib.sh
# Kubernetes for tests: what kube.sh, helm.sh and kubelet.sh have in common. They
# source it after lib.sh. Each program is built once, from the pinned modules in
# e2e/kubernetes and e2e/helm, into the cache outside the checkout.
kubernetes=1.37.2
helm_version=3.22.0
bin=$cache/kubernetes-$kubernetes

# eventually SECONDS COMMAND…: repeats the command until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	until "${@:2}" >/dev/null 2>&1; do
		test $SECONDS -lt $end || die "not within $1 s: ${*:2}"
		sleep 0.2
	done
}

# kube_tools NAME…: builds etcd and each of these programs of Kubernetes, if the cache lacks it.
kube_tools() {
	local tool package
	for tool in etcd "$@"; do
		if test -x "$bin/$tool"; then continue; fi
		package=k8s.io/kubernetes/cmd/$tool
		if test "$tool" = etcd; then package=go.etcd.io/etcd/server/v3; fi
		build kubernetes "$bin/$tool" "$package" \
			-ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${kubernetes:2:2}"
	done
}

# kube_helm: builds Helm, if the cache lacks it. `helm` talks to the server that kube_api began.
kube_helm() {
	helm=$cache/helm-$helm_version
	local set package minor=${kubernetes#*.}
	if ! test -x "$helm"; then
		set="-X helm.sh/helm/v3/internal/version.version=v$helm_version"
		for package in lint/rules chartutil; do # the version of Kubernetes that `helm template` and `helm lint` believe in
			set+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=${kubernetes%%.*} -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=${minor%.*}"
		done
		build helm "$helm" helm.sh/helm/v3/cmd/helm -ldflags="-s -w $set"
	fi
}
helm() { HOME=$work KUBECONFIG=$work/admin.kubeconfig "$helm" "$@"; }

# kube_api HOST PORT FLAG…: begins etcd and kube-apiserver there. `kubectl` is its administrator.
kube_api() {
	local client peer
	read -r client peer < <(ports 2)
	server=https://$1:$2
	start etcd "$bin/etcd" --data-dir="$work/etcd" --unsafe-no-fsync --log-level=warn \
		--listen-client-urls="http://127.0.0.1:$client" --advertise-client-urls="http://127.0.0.1:$client" \
		--listen-peer-urls="http://127.0.0.1:$peer" --initial-advertise-peer-urls="http://127.0.0.1:$peer" --initial-cluster="default=http://127.0.0.1:$peer"
	ready etcd open "$client"
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/accounts.key" 2>/dev/null
	printf '%s\n' 'admin,admin,1,"system:masters"' 'rotate,rotate,2' 'node,system:node:e2e,3,"system:nodes"' >"$work/tokens"
	start kube-apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$client" --bind-address="$1" --secure-port="$2" --advertise-address="$1" \
		--endpoint-reconciler-type=none --service-cluster-ip-range=10.0.0.0/24 --cert-dir="$work/certs" --token-auth-file="$work/tokens" \
		--service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$work/accounts.key" \
		--service-account-signing-key-file="$work/accounts.key" "${@:3}"
	kubeconfig admin admin
	ready kube-apiserver kubectl get --raw /readyz
}
kubectl() { HOME=$work "$bin/kubectl" --kubeconfig="$work/admin.kubeconfig" "$@"; }

# kubeconfig NAME TOKEN: writes $work/NAME.kubeconfig, whose one context is e2e.
kubeconfig() {
	cat >"$work/$1.kubeconfig" <<-YAML
		apiVersion: v1
		kind: Config
		clusters: [{name: e2e, cluster: {server: "$server", certificate-authority: $work/certs/apiserver.crt}}]
		users: [{name: $1, user: {token: $2}}]
		contexts: [{name: e2e, context: {cluster: e2e, user: $1}}]
		current-context: e2e
	YAML
}

# restricted NAMESPACE: makes it, with Pod Security restricted.
restricted() {
	kubectl create namespace "$1" >/dev/null
	kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted >/dev/null
}

# pods NAMESPACE [root]: the pods that objects on stdin (JSON) make, so that each
# can be tried by itself: only pods are refused. With root, as the user 0.
pods() {
	python3 -c '
import json, sys
found, read = 0, json.load(sys.stdin)
for object in read.get("items", [read]):
	spec = object.get("spec", {})
	template = object if object["kind"] == "Pod" else spec.get("jobTemplate", object).get("spec", {}).get("template")
	if template and "containers" in template.get("spec", {}):
		found += 1
		if sys.argv[2:]: template["spec"]["containers"][0]["securityContext"]["runAsUser"] = 0
		meta = {"name": "try-%d" % found, "namespace": sys.argv[1], "labels": template["metadata"].get("labels")}
		print(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}))
if not found: sys.exit("no pods are made")' "$@"
}

# try_pods NAMESPACE FILE: the pods of the objects in FILE are accepted there, and refused as root.
try_pods() {
	pods "$1" <"$2" | kubectl create --dry-run=server --warnings-as-errors -f - >/dev/null
	if pods "$1" root <"$2" | kubectl create --dry-run=server -f - >"$work/refused" 2>&1 || ! grep -q 'violates PodSecurity "restricted' "$work/refused"; then
		die "a pod as root is not refused: $(cat "$work/refused")"
	fi
}

# as_pod NAMESPACE ACCOUNT CONFIG ARG…: rotate as a pod of that service account
# runs it, with a token of its own and in no folder that it could write to.
as_pod() {
	mkdir -p "$work/pod"
	kubectl -n "$1" create token "$2" >"$work/pod/token"
	cp "$work/certs/apiserver.crt" "$work/pod/ca.crt"
	printf %s "$1" >"$work/pod/namespace"
	local address=${server#https://}
	unshare --mount bash -euc '
		mount --make-rprivate /
		mount -t tmpfs run /run
		mkdir -p /run/secrets/kubernetes.io
		cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
		cd / && exec env -i PATH=/usr/bin:/bin KUBERNETES_SERVICE_HOST="$2" KUBERNETES_SERVICE_PORT="$3" ROTATE_CONFIG="$4" "${@:5}"
	' - "$work/pod" "${address%:*}" "${address#*:}" "$3" "$work/rotate" "${@:4}"
}
