#!/usr/bin/env bash
# rotate on a disk that fails, delays, hangs, lies and tears: RUNS runs from SEED on,
# each with one fault on the store, the output, the audit file or the config; then
# each STEPth byte of each file changed, and each file cut there; then the attacks of
# http.sh. Needs root and /dev/fuse; without them the disk is skipped with a word.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
if test "$(id -u)" = 0 && : 2>/dev/null <>/dev/fuse; then
	go build -o "$work/rotate" ./cmd/rotate
	run go -C e2e/faults build -o "$work/faults" .
	run env TMPDIR="$work" "$work/faults" "${RUNS:-200}" "${SEED:-1}" "${STEP:-1}" "$work/rotate"
else
	echo 'skipped: the disk that fails needs root and /dev/fuse, and one of them is missing'
fi
run e2e/http.sh
