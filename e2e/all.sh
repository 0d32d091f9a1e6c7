#!/usr/bin/env bash
# Runs each make target that it is given, all of them even where one fails, and
# ends with the rows of the table in docs/how-it-is-tested.md.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
commit=$(git rev-parse --short HEAD)
rows=()
failed=()
for target in "$@"; do
	printf '\n== make %s\n' "$target"
	begin=$SECONDS
	if make "$target"; then result=passes; else result=FAILS; failed+=("$target"); fi
	rows+=("| \`make $target\` | $(date -u +%F) at $commit | $((SECONDS - begin)) s | $result |")
done
printf '\n| target | last run | took | |\n|---|---|---|---|\n'
printf '%s\n' "${rows[@]}"
test "${#failed[@]}" = 0 || { echo "failed: ${failed[*]}; each can be run by itself: make TARGET" >&2; exit 1; }
