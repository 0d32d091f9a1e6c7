#!/usr/bin/env bash
# Installs Debian's packages that are missing, if it is root, and else names them.
# Arguments: command:package, or the package alone where it brings no command.
set -euo pipefail
missing=()
for tool in "$@"; do
	case $tool in
	python3-venv) python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv) ;;
	*:*) command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}") ;;
	*) dpkg -s "$tool" >/dev/null 2>&1 || missing+=("$tool") ;;
	esac
done
test "${#missing[@]}" -gt 0 || exit 0
test "$(id -u)" = 0 || { echo "e2e/tools.sh: first install what is missing: apt-get install ${missing[*]}" >&2; exit 1; }
apt-get update -qq
# A new machine may be about to upgrade itself.
apt-get install -o DPkg::Lock::Timeout=600 -y -qq --no-install-recommends "${missing[@]}" >/dev/null
