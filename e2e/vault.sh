#!/usr/bin/env bash
# The suite and one life on the real Vault 1.21.0 (BUSL 1.1: for tests only,
# never shipped). The first call builds it into a cache outside the checkout:
# ten to twenty minutes on two cores. It listens on loopback, keeps everything
# in memory, and is gone at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.21.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e
vault=$cache/vault-$version
if ! test -x "$vault"; then
	mkdir -p "$cache"
	build=$(mktemp -d "$cache/vault-build.XXXXXX")
	trap 'rm -rf "$build"' EXIT
	cp e2e/vault/go.mod e2e/vault/go.sum "$build"
	(cd "$build" && CGO_ENABLED=0 nice -n 19 go build -mod=mod -ldflags='-s -w' -o vault github.com/hashicorp/vault)
	mv "$build/vault" "$vault"
	rm -rf "$build"
	trap - EXIT
fi
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME=$work "$vault" server -dev -dev-no-store-token -dev-root-token-id=root -dev-listen-address="127.0.0.1:$port" >"$work/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
	kill -0 $server 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && grep -q 'Development mode should NOT' "$work/log"; then break; fi
	sleep 0.1
done
env -u VAULT_TOKEN -u VAULT_NAMESPACE ROTATE_VAULT="http://127.0.0.1:$port" go test -count=1 -timeout 5m -run "${RUN:-^TestReal$}" "$@" ./providers/vaultkv
