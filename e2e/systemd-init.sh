#!/usr/bin/env bash
# The deb and its units under systemd as init, in a machine of Debian that never saw Go:
# every command of docs/install-systemd.md, from the page itself, and what the page
# promises; then the same program from the archive. Needs root and what nspawn.sh says.
# Argument: a folder with a deb and an archive, if they are built already.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
source e2e/nspawn.sh
page=install-systemd.md
key=auth-jwt

machine_base
mkdir "$work/mnt"
if test $# -gt 0; then
	dist=$1
else
	dist=$work/dist
	TARGETS=linux/$(go env GOARCH) run packaging/dist.sh "$dist" v0.1.0 >/dev/null
fi
cp "$dist"/*_"$(go env GOARCH)".deb "$dist"/*-linux-"$(go env GOARCH)".tar.gz "$work/mnt"
deb=("$work"/mnt/rotate_*.deb)
CGO_ENABLED=0 go build -trimpath -o "$work/mnt/vaultfake" ./e2e/vaultfake
# The next version, for an upgrade: the same program under a higher number.
run dpkg-deb -R "${deb[0]}" "$work/next"
sed -i 's/^Version: .*/Version: 99.0.0-1/' "$work/next/DEBIAN/control"
mkdir "$work/mnt/next"
run dpkg-deb -Znone --root-owner-group -b "$work/next" "$work/mnt/next" >/dev/null

machine_boot "$work/mnt"
test -z "$(inside systemctl --failed --quiet --plain)" || die "the machine has failed units before rotate came"
if inside bash -c 'command -v go || test -e /bin/kill'; then die "the machine was meant to have neither Go nor /bin/kill"; fi

# as_page HEADING [FOLDER]: runs a block of the page, as root, where the deb is.
as_page() {
	local commands
	commands=$(page "$page" "$1")
	printf '\n## %s\n' "$1"
	inside bash -euo pipefail -c "cd ${2:-/mnt}; $commands"
}
rotate() { inside runuser -u rotate -- rotate "$@"; }
property() { inside systemctl show --value -p "$2" "$1"; }
# within SECONDS WHAT COMMAND…: waits for it.
within() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { inside journalctl --no-pager -n 60 >&2; die "$what: not within its time"; }
		sleep 0.3
	done
}
ok() { echo "ok  	$*"; }
# said UNIT PRIORITY TEXT: the journal has a line of a unit with this priority and text.
said() { inside journalctl -u "$1" -o json --no-pager | python3 e2e/journal.py "$2" "$3"; }
# kid STATUS [KEY]: of the keyset, where it is in a file.
kid() {
	rotate get "${2:-$key}" --format keyset 2>/dev/null | python3 -c '
import json, sys
print(*[k["kid"] for k in json.load(sys.stdin)["keys"] if k["status"] == sys.argv[1]])' "$1"
}
no_previous() { test -z "$(kid previous)"; }
replaced() { same active property rotate.service ActiveState && differs "$1" property rotate.service MainPID; }
same() { test "$("${@:2}")" = "$1"; }
differs() { test "$("${@:2}")" != "$1"; }
configure() { inside tee /etc/rotate/rotate.yaml >/dev/null; }

# shellcheck source=/dev/null
for part in e2e/systemd/*.sh; do
	since=$SECONDS
	source "$part"
	printf '== %s: %d s\n' "${part##*/}" $((SECONDS - since))
done
