#!/usr/bin/env bash
# PyJWT, in a cache outside the checkout, against the rotate of this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
venv=$cache/pyjwt-2.10.1
if ! test -x "$venv/bin/python" || ! "$venv/bin/python" -c 'import jwt, cryptography' 2>/dev/null; then
	python3 -m venv "$venv"
	run "$venv/bin/pip" install -q --disable-pip-version-check pyjwt==2.10.1 cryptography==45.0.7
fi
go build -o "$work/rotate" ./cmd/rotate
run "$venv/bin/python" e2e/pyjwt.py "$work/rotate"
