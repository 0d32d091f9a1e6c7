#!/usr/bin/env bash
# The awssm adapter against two servers that others wrote, moto and ministack:
# pinned, in a cache outside the checkout, on loopback, stopped at the end. Then
# readers of a value on moto, while a daemon rotates.
# Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh

install() { # folder, packages...
	if ! test -e "$cache/$1/.complete"; then
		rm -rf "${cache:?}/$1"
		python3 -m venv "$cache/$1"
		run "$cache/$1/bin/pip" install -q --disable-pip-version-check "${@:2}"
		touch "$cache/$1/.complete"
	fi
}
install moto-5.2.5 moto==5.2.5 flask==3.1.3 flask-cors==6.0.5
install ministack-1.5.33 ministack==1.5.33

read -r moto ministack < <(ports 2)
start moto "$cache/moto-5.2.5/bin/moto_server" -H 127.0.0.1 -p "$moto"
ready moto open "$moto"
start ministack env TMPDIR="$work" BIND_HOST=127.0.0.1 GATEWAY_PORT="$ministack" "$cache/ministack-1.5.33/bin/ministack"
ready ministack open "$ministack"

run env ROTATE_MOTO="http://127.0.0.1:$moto" ROTATE_MINISTACK="http://127.0.0.1:$ministack" \
	go test -count=1 -parallel 32 -run '^TestConformance$' ./providers/awssm "$@"
run env ROTATE_MOTO="http://127.0.0.1:$moto" go test -count=1 -v -run '^TestValueReadersOnServers$' ./cmd/rotate "$@"
