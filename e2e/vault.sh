#!/usr/bin/env bash
# The suite, one life, logins, and readers of a value while a daemon rotates, on the real
# Vault 1.21.0 (BUSL 1.1: for tests only, never shipped). The first call builds it
# into a cache outside the checkout: ten to twenty minutes on two cores. It listens
# on loopback, keeps everything in memory, and is gone at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/lib.vault.sh
vault_server

read -r port tls < <(ports 2)
listener "$tls"
start vault "$vault" server -dev -dev-no-store-token -dev-root-token-id=root -dev-listen-address="127.0.0.1:$port" -config="$work/tls.hcl"
ready vault grep -q 'Development mode should NOT' "$work/vault.log"
ready vault open "$port"
tests "$port" "$tls" "$@"
