#!/usr/bin/env bash
# PyJWT, in a cache outside the checkout, against the rotate of this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e/pyjwt-2.10.1
if ! test -x "$cache/bin/python" || ! "$cache/bin/python" -c 'import jwt, cryptography' 2>/dev/null; then
	python3 -m venv "$cache"
	"$cache/bin/pip" install -q --disable-pip-version-check pyjwt==2.10.1 cryptography==45.0.7
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/rotate" ./cmd/rotate
"$cache/bin/python" e2e/pyjwt.py "$work/rotate"
