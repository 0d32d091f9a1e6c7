#!/usr/bin/env bash
# The check of action.yml: FILES are judged, the keys of ROTATE_CONFIG are looked for in
# REPOSITORY, and SARIF is a folder for reports. It ends as the worst of both does.
set -uo pipefail

rotate=${ROTATE:-rotate}
worst=0

# check NAME ARGUMENT… shows the answer and keeps it as SARIF, too.
check() {
  local name=$1 code
  shift
  "$rotate" check "$@"
  code=$?
  mkdir -p "$SARIF" && "$rotate" check "$@" -o sarif > "$SARIF/$name.sarif" 2> /dev/null
  case $code in
    0) ;;
    3) [ "$worst" -ne 0 ] || worst=3 ;;
    *) worst=$code ;;
  esac
}

[ -n "${ROTATE_CONFIG:-}" ] || unset ROTATE_CONFIG
if [ -n "${FILES:-}" ]; then
  read -r -d '' -a files <<< "$FILES" || true # names may stand on lines of their own
  check secrets "${files[@]}"
fi
if [ -n "${REPOSITORY:-}" ]; then
  check git --git "$REPOSITORY"
fi
exit "$worst"
