#!/usr/bin/env bash
# icalendar (of Python), in a cache outside the checkout, reads the calendars of the rotate of this checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
venv=$cache/icalendar-7.3.2
if ! test -x "$venv/bin/python" || ! "$venv/bin/python" -c 'import icalendar' 2>/dev/null; then
	python3 -m venv "$venv"
	run "$venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2
fi
go build -o "$work/rotate" ./cmd/rotate
run "$venv/bin/python" e2e/ics.py "$work/rotate"
