#!/usr/bin/env bash
# The three lines of one way to install, as README.md shows them. The argument is the
# comment above them, such as "by hand, from a checkout". Whoever runs a way calls this,
# so that what is run is what is shown.
set -euo pipefail
cd "$(dirname "$0")/.."
awk -v way="# $1" '
	/^## / { here = ($0 == "## Install") }
	here && (/^#/ || /^```/) { inside = ($0 == way); next }
	here && inside { print; lines++ }
	END { exit lines != 3 }' README.md || { echo "e2e/readme.sh: README.md has no three lines below \"# $1\"" >&2; exit 1; }
