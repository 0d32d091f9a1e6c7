#!/usr/bin/env bash
# The systemd units: no warning from systemd-analyze verify, an exposure of at
# most 1.5, and the daemon at work under the settings that can be had where
# systemd is not init: user, limits, umask, no new privileges, system calls.
# Needs systemd-analyze and Python 3; as root it runs the daemon as nobody.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
limit=1.5
command -v systemd-analyze >/dev/null || die "systemd-analyze is missing: apt-get install systemd"
chmod 755 "$work"
CGO_ENABLED=0 go build -trimpath -o "$work/rotate" ./cmd/rotate

units=$work/units
mkdir -p "$units/rotate.service.d" "$units/rotate-.service.d"
cp deploy/systemd/*.{service,timer,path} "$units"
cp deploy/systemd/hardening.conf "$units/rotate.service.d"
cp deploy/systemd/hardening.conf "$units/rotate-.service.d"
cp "$units/rotate-now@.service" "$units/rotate-now@auth-jwt.service"
for kind in path service; do cp "$units/restart-on-rotate@.$kind" "$units/restart-on-rotate@shop.$kind"; done
sed -i "s#/usr/local/bin/rotate#$work/rotate#" "$units"/*.service

analyze() {
	local said
	said=$(systemd-analyze verify "$units/$1" 2>&1) || true
	test -z "$said" || { printf 'e2e/systemd.sh: %s: systemd-analyze verify says\n%s\n' "$1" "$said" >&2; exit 1; }
	case $1 in *.timer | *.path | restart-on-rotate@*) return ;; esac # it is systemctl that the last one runs
	systemd-analyze security --offline=true --no-pager --threshold=$(python3 -c "print(int($limit * 10))") "$units/$1" >"$work/rating" ||
		{ cat "$work/rating"; echo "e2e/systemd.sh: $1 is rated worse than $limit" >&2; exit 1; }
	tail -1 "$work/rating"
}
for unit in rotate.service rotate-once.service rotate-once.timer rotate-now@auth-jwt.service restart-on-rotate@shop.{path,service}; do analyze "$unit"; done

run python3 e2e/systemd.py "$work/rotate" "$units/rotate.service" "$units/rotate.service.d/hardening.conf"

cp deploy/systemd/dynamic-user.conf "$units/rotate.service.d"
echo "with dynamic-user.conf:"
analyze rotate.service
