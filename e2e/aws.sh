#!/usr/bin/env bash
# The awssm adapter against two servers that others wrote, moto and ministack:
# pinned, in a cache outside the checkout, on loopback, stopped at the end.
# Arguments go to go test.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e
moto_port=${ROTATE_MOTO_PORT:-15001}
ministack_port=${ROTATE_MINISTACK_PORT:-15002}

install() { # folder, packages...
	if ! test -e "$cache/$1/.complete"; then
		rm -rf "${cache:?}/$1"
		python3 -m venv "$cache/$1"
		"$cache/$1/bin/pip" install -q --disable-pip-version-check "${@:2}"
		touch "$cache/$1/.complete"
	fi
}
install moto-5.2.5 moto==5.2.5 flask==3.1.3 flask-cors==6.0.5
install ministack-1.5.33 ministack==1.5.33

work=$(mktemp -d)
pids=()
stop() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap stop EXIT

start() { # name, port, command...
	if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then
		echo "e2e/aws.sh: port $2 is taken; set ROTATE_${1^^}_PORT" >&2
		exit 1
	fi
	(cd "$work" && exec env HOME="$work" "${@:3}") >"$work/$1.log" 2>&1 &
	pids+=($!)
	for _ in $(seq 150); do
		if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
		if ! kill -0 "${pids[-1]}" 2>/dev/null; then break; fi
		sleep 0.2
	done
	echo "e2e/aws.sh: $1 does not start" >&2
	tail -20 "$work/$1.log" >&2
	exit 1
}
start moto "$moto_port" "$cache/moto-5.2.5/bin/moto_server" -H 127.0.0.1 -p "$moto_port"
start ministack "$ministack_port" TMPDIR="$work" BIND_HOST=127.0.0.1 GATEWAY_PORT="$ministack_port" "$cache/ministack-1.5.33/bin/ministack"

ROTATE_MOTO="http://127.0.0.1:$moto_port" ROTATE_MINISTACK="http://127.0.0.1:$ministack_port" \
	go test -count=1 -parallel 32 -run '^TestConformance$' ./providers/awssm "$@"
