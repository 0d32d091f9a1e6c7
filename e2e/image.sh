#!/usr/bin/env bash
# Builds the Dockerfile and runs the image as Kubernetes would: as user 65532,
# without capabilities, on a read-only root. Nothing is pulled: the image with Go
# that the Dockerfile begins with is made of this machine's own Go, and modules
# come from its module cache. Needs buildah, a static busybox, and root.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in buildah busybox; do command -v "$tool" >/dev/null || die "$tool is missing: apt-get install buildah busybox-static"; done

buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay)
trap '"${buildah[@]}" rm --all >/dev/null 2>&1 || true; stop' EXIT

go mod download
go -C packaging build -o /dev/null ./licences # its modules, too
base=$("${buildah[@]}" from scratch)
"${buildah[@]}" copy -q "$base" "$(command -v busybox)" /bin/busybox
"${buildah[@]}" copy -q "$base" "$(go env GOROOT)" /usr/local/go
"${buildah[@]}" copy -q "$base" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
"${buildah[@]}" run --isolation chroot "$base" /bin/busybox sh -c '/bin/busybox mkdir -p /tmp && for tool in sh mkdir chmod; do /bin/busybox ln -s busybox /bin/$tool; done'
"${buildah[@]}" config --env PATH=/usr/local/go/bin:/bin --env HOME=/root --env GOTOOLCHAIN=local --env GOPROXY=file:///modules "$base"
"${buildah[@]}" commit -q "$base" localhost/go >/dev/null

run "${buildah[@]}" build -q --isolation chroot --pull-never -v "$(go env GOMODCACHE)/cache/download:/modules:ro" \
	--build-arg GO_IMAGE=localhost/go --build-arg VERSION=v0.0.0-e2e -t localhost/rotate . >/dev/null

container=$("${buildah[@]}" from localhost/rotate)
root=$("${buildah[@]}" mount "$container")
got=$(cd "$root" && find . -type f | sort | tr '\n' ' ')
want='./etc/ssl/certs/ca-certificates.crt ./usr/local/bin/rotate ./usr/share/licenses/rotate/LICENSE ./usr/share/licenses/rotate/NOTICE ./usr/share/licenses/rotate/THIRD_PARTY_LICENSES '
test "$got" = "$want" || die "the image holds $got, want $want"

mkdir -p "$work/config" "$work/data"
chown 65532:65532 "$work/data" && chmod 700 "$work/data"
cat >"$work/config/rotate.yaml" <<'YAML'
environment: test
stores: {disk: {type: file, dir: /data/keys}}
keys: {auth-jwt: {store: disk, propagation: 0s}}
YAML
mkdir -p "$root/etc/rotate"

# What the image's entry point says to arguments, without a network.
contained='
	mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
	mount --bind "$2/data" "$1/data"
	mount --bind "$2/config" "$1/etc/rotate" && mount -o remount,bind,ro "$1/etc/rotate"
	cd "$1" && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin ROTATE_CONFIG=/etc/rotate/rotate.yaml setpriv --no-new-privs --bounding-set=-all,+setuid,+setgid,+sys_chroot \
		chroot --userspec=65532:65532 "$1" /usr/local/bin/rotate "${@:3}"
'
in_container() { unshare --mount --ipc --net bash -euc "$contained" - "$root" "$work" "$@"; }
in_container version | grep -q '^rotate v0.0.0-e2e '
in_container now >"$work/said"
in_container run --once
in_container status

# The daemon, as the image starts it but with endpoints: without them CMD has no port.
test "$("${buildah[@]}" inspect --type image --format '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}' localhost/rotate)" = '[/usr/local/bin/rotate] [run]'
listen=$(ports 1)
start daemon unshare --mount --ipc bash -euc "$contained" - "$root" "$work" run --listen="127.0.0.1:$listen"
for path in /healthz /readyz; do ready daemon fetch "$listen" "$path"; done
fetch "$listen" /metrics | grep -q '^rotate_key_state{key="auth-jwt",state="healthy",store="disk"} 1' || die "the key is not healthy"
ends daemon
grep -q 'nothing is left half done' "$work/daemon.log"

grep -q 'created; there was no key before' "$work/said"
test "$(stat -c %u:%a "$work/data/keys/test-auth-jwt.json")" = 65532:600
echo "the image: $(du -k "$root/usr/local/bin/rotate" | cut -f1) KiB, user $("${buildah[@]}" inspect --type image --format '{{.OCIv1.Config.User}}' localhost/rotate); it made and read a key on a read-only root"
