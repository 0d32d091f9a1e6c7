#!/usr/bin/env bash
# The commands of docs/install-kubernetes.md as they stand, and the pods that they
# make, on real parts: etcd, kube-apiserver, controller manager, scheduler and
# kubelet 1.37.2, with Debian's containerd and runc. Then the pods are treated as
# a cluster treats pods: configs change, versions roll out while keys rotate, a
# node is drained, a process hangs, a pod is deleted.
#
# All of it runs in namespaces of its own (network, mounts, processes), so nothing
# is left. It needs root, and containerd, runc, containernetworking-plugins,
# buildah and git. Not there: DNS, kube-proxy, a network plug-in with policies.
# The first call builds what the cache lacks: eight minutes on two cores, and ten more for Vault.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/kube.lib.sh
lap() { printf 'ok  	%3ds  %s\n' "$SECONDS" "$*"; }

# ---- outside: programs and images ----

# rotate_image VERSION: the binary as the Dockerfile packs it, but of this machine's build.
rotate_image() {
	CGO_ENABLED=0 nice go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=$1" -o "$work/rotate" ./cmd/rotate
	local container
	container=$("${buildah[@]}" from scratch)
	"${buildah[@]}" copy -q "$container" "$work/rotate" /usr/local/bin/rotate >/dev/null
	"${buildah[@]}" copy -q "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ >/dev/null
	"${buildah[@]}" config --user 65532:65532 --env ROTATE_CONFIG=/etc/rotate/rotate.yaml --env GOTRACEBACK=none --entrypoint '["/usr/local/bin/rotate"]' --cmd run "$container"
	save "$container" registry.example.com/rotate:"$1" "rotate-$1"
}

# pause_image: what holds a pod's namespaces.
pause_image() {
	mkdir "$work/pause.src"
	cat >"$work/pause.src/main.go" <<-'GO'
		package main

		import (
			"os"
			"os/signal"
			"syscall"
		)

		func main() { // the kubelet ends it; it has no children
			end := make(chan os.Signal, 1)
			signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
			<-end
		}
	GO
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$work/pause" "$work/pause.src/main.go"
	local container
	container=$("${buildah[@]}" from scratch)
	"${buildah[@]}" copy -q "$container" "$work/pause" /pause >/dev/null
	"${buildah[@]}" config --user 65535:65535 --entrypoint '["/pause"]' "$container"
	save "$container" localhost/pause:e2e pause
}

save() { # CONTAINER NAME FILE
	"${buildah[@]}" commit -q "$1" "$2" >/dev/null
	"${buildah[@]}" push -q "$2" "docker-archive:$work/$3.tar:$2"
	"${buildah[@]}" rm "$1" >/dev/null
}

outside() {
	local tool code=0
	test "$(id -u)" = 0 || die "it makes namespaces: run it as root"
	for tool in containerd:containerd runc:runc ctr:containerd buildah:buildah git:git ip:iproute2; do
		command -v "${tool%:*}" >/dev/null || die "${tool%:*} is missing: apt-get install ${tool#*:}"
	done
	test -x /usr/lib/cni/bridge || die "the network plug-ins are missing: apt-get install containernetworking-plugins"
	kube_tools kube-apiserver kubectl kubelet kube-controller-manager kube-scheduler
	kube_helm
	vault_server
	lap "programs"
	buildah=(buildah --root "$work/storage" --runroot "$work/runroot" --storage-driver overlay)
	trap '"${buildah[@]}" rm --all >/dev/null 2>&1 || true; stop' EXIT
	pause_image
	rotate_image v0.1.0
	rotate_image v0.2.0
	lap "images"
	run unshare --net --mount --pid --uts --ipc --fork --kill-child env KUBELET_IMAGES="$work" SECONDS_BEFORE="$SECONDS" bash "$PWD/e2e/kubelet.sh" || code=$?
	for _ in $(seq 50); do # the kubelet's cgroups stay behind; no process is in them any more
		find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
		compgen -G '/sys/fs/cgroup/*/kubepods' >/dev/null || break
		sleep 0.1
	done
	exit "$code"
}
test -n "${KUBELET_IMAGES:-}" || outside
SECONDS=$SECONDS_BEFORE

# ---- inside: a node ----

mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs run /run
mkdir -p "$work"/{var,varwork,cni,page,bin} /run/lock
mount -t overlay -o "lowerdir=/var,upperdir=$work/var,workdir=$work/varwork" overlay /var
hostname e2e
ip link set lo up
ip addr add 10.0.0.1/32 dev lo # the Service kubernetes, as there is no kube-proxy
ip addr add 10.9.0.1/32 dev lo # the node
sysctl -qw net.ipv4.ip_forward=1
cat >"$work/cni/e2e.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "e2e", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "$work/ipam", "ranges": [[{"subnet": "10.88.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
# restrict_oom_score_adj: where CAP_SYS_RESOURCE is missing, runc would only say "can't get final child's PID from pipe: EOF".
cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:e2e"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$work/cni"
TOML
start containerd containerd --config "$work/containerd.toml"
ready containerd ctr version
for image in "$KUBELET_IMAGES"/{pause,rotate-v0.1.0,rotate-v0.2.0}.tar; do ctr -n k8s.io images import "$image" >/dev/null; done
digest=$(ctr -n k8s.io images list name==registry.example.com/rotate:v0.1.0 | awk 'NR == 2 {print $3}')
ctr -n k8s.io images tag registry.example.com/rotate:v0.1.0 "registry.example.com/rotate@$digest" >/dev/null

kube_api 10.0.0.1 443 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --kubelet-preferred-address-types=InternalIP
kubeconfig node node
start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$work/admin.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 \
	--service-account-private-key-file="$work/accounts.key" --root-ca-file="$work/certs/apiserver.crt"
start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$work/admin.kubeconfig" --leader-elect=false --bind-address=127.0.0.1
echo 'nameserver 10.0.0.10' >"$work/resolv.conf"
cat >"$work/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
address: 10.9.0.1
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: $work/resolv.conf
clusterDNS: [10.0.0.10]
clusterDomain: cluster.local
evictionHard: {memory.available: 1Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
YAML
start kubelet "$bin/kubelet" --config="$work/kubelet.yaml" --kubeconfig="$work/node.kubeconfig" --hostname-override=e2e --node-ip=10.9.0.1
node_ready() { kubectl get node e2e | grep ' Ready'; }
ready kubelet node_ready
lap "a node is ready"

# ---- what the page says ----

# The repository as it would be on the day of the release, for what the page fetches.
git init -q "$work/repository"
cp -r deploy docs "$work/repository/"
git -C "$work/repository" add -A
git -C "$work/repository" -c user.name=e2e -c user.email=e2e@example.com commit -qm v0.1.0
git -C "$work/repository" tag v0.1.0
git -C "$work/repository" config uploadpack.allowAnySHA1InWant true
# The commands that the page calls, as they find the cluster.
printf '#!/bin/sh\nexec "%s" --kubeconfig="%s" "$@"\n' "$bin/kubectl" "$work/admin.kubeconfig" >"$work/bin/kubectl"
printf '#!/bin/sh\nexport KUBECONFIG="%s"\nexec "%s" "$@"\n' "$work/admin.kubeconfig" "$cache/helm-$helm_version" >"$work/bin/helm"
chmod +x "$work"/bin/*

# page SECTION N FOLDER: the Nth block of commands of a section, run in that folder of $work/page.
page() {
	python3 -c '
import re, sys
text = open("docs/install-kubernetes.md").read()
section = re.search(r"(?ms)^## %s\n(.*?)(?=^## |\Z)" % re.escape(sys.argv[1]), text).group(1)
print(re.findall(r"(?ms)^```sh\n(.*?)^```", section)[int(sys.argv[2]) - 1])' "$1" "$2" >"$work/block.sh"
	in_page "$3" bash -euo pipefail "$work/block.sh" >"$work/said" 2>&1 || die "$1, block $2: $(cat "$work/block.sh" "$work/said")"
}
in_page() { # FOLDER COMMAND…: there, where what the page fetches is the repository above
	env -C "$work/page/$1" HOME="$work" PATH="$work/bin:$PATH" GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/repository.insteadOf" \
		GIT_CONFIG_VALUE_0=https://github.com/keyrotate/rotate "${@:2}"
}
said() { grep -qE -- "$1" "$work/said" || die "\"$1\" is not said: $(cat "$work/said")"; }

pods_of() { # the daemons that run and are not about to end
	kubectl -n rotate get pods -l app.kubernetes.io/component=daemon -o json | python3 -c '
import json, sys
for p in json.load(sys.stdin)["items"]:
	if p["status"]["phase"] == "Running" and "deletionTimestamp" not in p["metadata"]: print(p["metadata"]["name"])'
}
rotate() { kubectl -n rotate exec deployment/rotate -- /usr/local/bin/rotate "$@"; }
secret() { kubectl -n rotate get secret "production-$1" -o jsonpath='{.data.keyset}' | base64 -d | python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"; }
process_of() { # POD: the daemon's process
	local uid pid
	uid=$(kubectl -n rotate get pod "$1" -o jsonpath='{.metadata.uid}')
	for pid in $(pgrep -f '^/usr/local/bin/rotate run'); do
		if grep -q "pod$uid" "/proc/$pid/cgroup"; then echo "$pid"; fi
	done
}

page "With Helm" 1 .
e2e/readme.sh "on Kubernetes, with your values.yaml" >"$work/lines"
while read -r line; do grep -qxF -- "$line" "$work/block.sh" || die "README.md shows another line than the page: $line"; done <"$work/lines"
said 'STATUS: deployed'
said 'Phase: +Succeeded'
said '^auth-jwt  healthy'
lap "Helm, block 1: installed, tested, two replicas, healthy"
pid=$(process_of "$(pods_of | head -1)")
grep -q ' / / ro[ ,]' "/proc/$pid/mountinfo" || die "the root is not read-only"
grep -q '/run/secrets/kubernetes.io/serviceaccount ro[ ,]' "/proc/$pid/mountinfo" || die "the token is not mounted, or not read-only"
for line in 'Uid:	65532	65532	65532	65532' 'CapBnd:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do grep -q "^$line" "/proc/$pid/status" || die "not $line"; done
kubectl get --raw "/api/v1/namespaces/rotate/services/rotate:http/proxy/metrics" | grep '^rotate_key_state{key="auth-jwt",state="healthy",store="cluster"} 1' >/dev/null || die "no metrics"
kubectl -n rotate logs -l app.kubernetes.io/component=daemon --tail=-1 | grep '"msg":"audit".*"action":"create"' >/dev/null || die "no audit in the log: $(kubectl -n rotate logs -l app.kubernetes.io/component=daemon --tail=5)"
lap "read-only root, projected token, no rights, metrics, audit in the log"

# Everything that auth-jwt's Secret ever holds from here on is kept, to be judged at the end; likewise what becomes of pods.
start history "$bin/kubectl" --kubeconfig="$work/admin.kubeconfig" -n rotate get secret production-auth-jwt --watch -o json
start pods "$bin/kubectl" --kubeconfig="$work/admin.kubeconfig" -n rotate get pods --watch -o json

values() { # IMAGE OPTIONS-OF-AUTH-JWT
	cat >"$work/page/values.yaml" <<YAML
image: {repository: registry.example.com/rotate, $1}
config:
  environment: production
  stores: {cluster: {type: kubernetes}}
  defaults: {store: cluster}
  keys:
    auth-jwt: {propagation: 0s, $2}
    slow: {}
now: {keys: [auth-jwt, slow]}
YAML
}
before=$(pods_of | sort)
values "tag: v0.1.0, digest: '$digest'" "grace: 60s, grace_bounds: {min: 1s, max: 60s}"
page "With Helm" 2 .
test -z "$(comm -12 <(echo "$before") <(pods_of | sort))" || die "a changed config does not restart the pods"
eventually 30 rotate status slow
lap "Helm, block 2: a changed config restarts the pods; the image by its digest"

page "With Helm" 3 .
said '^auth-jwt: rotated away from kid'
said '"msg":"audit".*"action":"promote"'
kubectl -n rotate create job again --from=cronjob/rotate-now-auth-jwt >/dev/null
kubectl -n rotate wait --for=condition=Complete job/again --timeout=60s >/dev/null
kubectl -n rotate create job wrong --from=cronjob/rotate-now-auth-jwt --dry-run=client -o json | sed 's/"auth-jwt"/"none"/' | kubectl create -f - >/dev/null
kubectl -n rotate wait --for=condition=Failed job/wrong --timeout=60s >/dev/null
test "$(kubectl -n rotate get pods -l job-name=wrong -o name | wc -l)" = 1 || die "a Job that ended with 2 was tried again"
lap "Helm, block 3: a Job rotates, and a second one within the grace, too; one that cannot is not repeated"

# slow, whose propagation is 2 h: a Job begins to rotate it and waits. Its pod is lost, and the next one asks for the same.
kubectl -n rotate create job waits --from=cronjob/rotate-now-slow >/dev/null
slow_began() { test "$(secret slow 'len(d["keys"])')" = 2; }
eventually 60 slow_began
slow=$(secret slow 'd["generation"], [k["kid"] for k in d["keys"]]')
first=$(kubectl -n rotate get pods -l job-name=waits -o name)
kubectl -n rotate delete "$first" >/dev/null
waits_again() { kubectl -n rotate logs job/waits | grep waiting; }
eventually 60 waits_again
test "$(secret slow 'd["generation"], [k["kid"] for k in d["keys"]]')" = "$slow" || die "the second pod of the Job asked for another rotation"
kubectl -n rotate delete job waits >/dev/null
lap "a Job's second pod goes on with the first one's rotation"

# auth-jwt rotates every 6 s from here on, whatever happens.
values "tag: v0.1.0" "every: 6s, grace: 3s, sync: 1s, grace_bounds: {min: 1s, max: 10s}"
page "With Helm" 2 .
generation() { secret auth-jwt 'd["generation"]'; }
rotates() { test "$(generation)" -gt "$1"; }
eventually 60 rotates "$(($(generation) + 4))"

# A new version, in the middle of rotations of both.
sed -i 's/v0.1.0/v0.2.0/' "$work/page/values.yaml"
page "With Helm" 2 .
all_new() { for pod in $(pods_of); do kubectl -n rotate exec "$pod" -- /usr/local/bin/rotate version | grep 'v0.2.0' || return 1; done; }
eventually 30 all_new
eventually 60 rotates "$(($(generation) + 4))"
test "$(secret slow 'd["generation"], [k["kid"] for k in d["keys"]]')" = "$slow" || die "the new version does not go on with the rotation of slow: $slow"
lap "a new version rolled out in the middle of rotations, and goes on with them"

# SIGSTOP: the process hangs, and is restarted by its probe. Meanwhile the other replica works, and a CronJob runs.
restricted once
in_page . helm -n once install once "$PWD/deploy/helm/rotate" -f "$PWD/deploy/helm/rotate/ci/once-values.yaml" --set once.schedule='* * * * *' --set rbac.limitCreate=true >/dev/null
victim=$(pods_of | head -1)
kill -STOP "$(process_of "$victim")"
eventually 30 rotates "$(($(generation) + 4))"
restarted() { test "$(kubectl -n rotate get pod "$victim" -o jsonpath='{.status.containerStatuses[0].restartCount}/{.status.containerStatuses[0].ready}')" = 1/true; }
stopped=$SECONDS
eventually 180 restarted
lap "SIGSTOP: the other replica rotates on; the hung one is restarted after $((SECONDS - stopped)) s"
ran() { test -n "$(kubectl -n once get jobs -o jsonpath='{.items[?(@.status.succeeded==1)].metadata.name}')"; }
eventually 90 ran
kubectl -n once get secret production-auth-jwt >/dev/null
lap "the chart as a CronJob made its key, where a policy lets it create no other"

# A drain takes one pod, and not the second before the first is ready elsewhere.
before=$(pods_of | sort)
kubectl drain e2e --ignore-daemonsets --pod-selector=app.kubernetes.io/instance=rotate --timeout=120s >"$work/drain" 2>&1 & drain=$!
refused() { grep -q "violate the pod's disruption budget" "$work/drain"; }
eventually 60 refused
test "$(pods_of | wc -l)" = 1 || die "the drain took both pods: $(pods_of)"
eventually 30 rotates "$(($(generation) + 2))"
kubectl uncordon e2e >/dev/null
wait $drain || die "$(cat "$work/drain")"
kubectl -n rotate rollout status deployment/rotate --timeout=60s >/dev/null
test -z "$(comm -12 <(echo "$before") <(pods_of | sort))" || die "the drain left a pod"
lap "a drained node: one pod at a time, and rotation goes on"

# SIGTERM.
pod=$(pods_of | head -1)
kubectl -n rotate logs -f "$pod" >"$work/log" & follow=$!
from=$(date +%s%N)
kubectl -n rotate delete pod "$pod" >/dev/null
took=$((($(date +%s%N) - from) / 1000000))
wait $follow || true
grep -q 'nothing is left half done' "$work/log" || die "SIGTERM: $(tail -3 "$work/log")"
lap "SIGTERM: the pod is gone after $took ms"

# The rotations come to their end, then uninstall: the keys stay.
values "tag: v0.2.0" "grace: 3s, sync: 1s, grace_bounds: {min: 1s, max: 10s}"
page "With Helm" 2 .
alone() { test "$(secret auth-jwt 'len(d["keys"])')" = 1; }
eventually 60 alone
lineage=$(secret auth-jwt 'd["lineage"]')
in_page . helm -n rotate uninstall rotate --wait >/dev/null
test "$(secret auth-jwt 'd["lineage"]')" = "$lineage" || die "uninstall took a key"
lap "uninstalled: the keys stay"

page "With Kustomize" 1 .
said '^auth-jwt  healthy|^auth-jwt  rotating'
test "$(secret auth-jwt 'd["lineage"]')" = "$lineage" || die "Kustomize's installation began a new line"
lap "Kustomize, block 1: installed over the same keys"
sed -i 's/auth-jwt: {store: cluster}/auth-jwt: {store: cluster, propagation: 0s}/' "$work/page/shop-rotate/rotate.yaml"
before=$(pods_of | sort)
page "With Kustomize" 2 shop-rotate
test -z "$(comm -12 <(echo "$before") <(pods_of | sort))" || die "the pods are the old ones"
lap "Kustomize, block 2: a changed config"
page "With Kustomize" 3 shop-rotate
said '^auth-jwt: rotated away from kid'
lap "Kustomize, block 3: the Job"

# The CronJob in place of the daemon, then nothing: the keys stay again.
in_page shop-rotate kubectl delete --wait -k . >/dev/null
sed -i -e 's|/base?|/once?|' -e 's|^components: .*|components: [image, "https://github.com/keyrotate/rotate//deploy/kubernetes/components/limit-create?ref=v0.1.0"]|' "$work/page/shop-rotate/kustomization.yaml"
in_page shop-rotate kubectl apply --server-side -k . >/dev/null
kubectl -n rotate create job try --from=cronjob/rotate >/dev/null
kubectl -n rotate wait --for=condition=Complete job/try --timeout=60s >/dev/null
test -z "$(kubectl -n rotate get deployment,service,pdb -o name)" || die "beside the CronJob there is more"
in_page shop-rotate kubectl delete --wait -k . >/dev/null
test "$(secret auth-jwt 'd["lineage"]')" = "$lineage" || die "kubectl delete -k took a key"
lap "Kustomize: the CronJob; deleted, and the keys stay"

python3 e2e/kubelet/judge.py "$work/history.log" "$work/pods.log"

# shellcheck source=/dev/null
source e2e/kubelet/vault.sh
