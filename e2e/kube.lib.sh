# Kubernetes for tests: what kube.sh, helm.sh and kubelet.sh have in common. They
# source it after lib.sh. It builds each program once, from the pinned module in
# e2e/kubernetes, into the cache outside the checkout.
kubernetes=1.37.2
bin=$cache/kubernetes-$kubernetes

# kube_tools NAME…: builds each of these programs of Kubernetes that the cache lacks, and etcd.
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
