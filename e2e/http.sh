#!/usr/bin/env bash
# A daemon of 1,000 keys under attack: a thousand hostile connections, EACH of every
# kind, stand at its one address for 30 s, and come back when they are cut. Each page
# is answered within a second. What the daemon counts, and the memory that it took,
# is printed. It must not grow beyond the limit of the shipped manifests.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
each=${EACH:-170}
ulimit -n "$(ulimit -Hn)"
test "$(ulimit -n)" -ge $((8 * each)) || die "these connections need $((8 * each)) file descriptors, and this shell may have $(ulimit -n)"
go build -o "$work/rotate" ./cmd/rotate
go test -c -o "$work/attack" ./internal/serve
listen=$(ports 1)
{
	printf 'environment: test\nlisten: 127.0.0.1:%s\nstores: {disk: {type: file, dir: ./keys}}\nkeys:\n  public: {store: disk, algorithm: ES256}\n' "$listen"
	for n in $(seq 999); do printf '  key-%s: {store: disk}\n' "$n"; done
} >"$work/rotate.yaml"
start daemon "$work/rotate" run -c "$work/rotate.yaml" --log-format json
daemon=${begun[-1]}
ready daemon fetch "$listen" /readyz
export ROTATE_HOSTILE_TO=127.0.0.1:$listen ROTATE_HOSTILE_EACH=$each
start attack "$work/attack" -test.run '^TestHostileToDaemon$'
sleep 5
run "$work/attack" -test.run '^TestProbeOfDaemon$' -test.v
wait "${begun[-2]}" || die "the attack: $(cat "$work/attack.log")"
fetch "$listen" /metrics | grep '^rotate_http'
# Whether a slow reader is cut as one depends on the host: where an answer fits into the
# buffers of the kernel, it waits as an idle connection.
for reason in idle unfinished; do
	fetch "$listen" /metrics | grep -q "^rotate_http_connections_cut_total{reason=\"$reason\"}" || die "no connection was cut as $reason"
done
lines=$(grep -c 'connections are closed so that others are answered' "$work/daemon.log")
test "$lines" -le 2 || die "$lines lines tell of it"
peak=$(awk '/^VmHWM/ {print int($2 / 1024)}' "/proc/$daemon/status")
echo "the daemon took $peak MB at most"
test "$peak" -le 128 || die 'more than the 128 MiB of the manifests'
begun+=("$daemon")
ends
