#!/usr/bin/env bash
# The first version of rotate and this one look after one key: in turns, both at
# once, back again, and with a document that only a later one may write. It works
# or it halts, and the key never forks. The older binary is kept in the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
first=a1878e7
old=$cache/rotate-$first
if ! test -x "$old"; then
	git cat-file -e "$first^{commit}" 2>/dev/null || die "commit $first is not in this clone: git fetch --unshallow, then call this again"
	mkdir "$work/first"
	git archive "$first" | tar -x -C "$work/first"
	run env -C "$work/first" CGO_ENABLED=0 nice -n 19 go build -trimpath -buildvcs=false -o "$old.new" ./cmd/rotate
	mv "$old.new" "$old"
fi
CGO_ENABLED=0 nice -n 19 go build -trimpath -buildvcs=false -o "$work/rotate" ./cmd/rotate
run python3 e2e/versions.py "$old" "$work/rotate" "$work"
