# shellcheck shell=bash disable=SC2154 # cache, work and begun are of lib.sh
# A machine of Debian with systemd as init, for scripts that source this after lib.sh.
# It boots from a cached installation that stays as it is, has a network of its own
# without a way out, and is gone with the script. Needs root, debootstrap and
# systemd-nspawn.

# machine_base: installs Debian into the cache, if it is not there yet. procps is left
# out on purpose: such a host has no /bin/kill. polkit is there, as on most hosts.
machine_base() {
	local tool
	base=$cache/debian-bookworm-polkit
	test -e "$base.done" && return
	test "$(id -u)" = 0 || die "needs root"
	for tool in debootstrap:debootstrap systemd-nspawn:systemd-container; do
		command -v "${tool%:*}" >/dev/null || die "${tool%:*} is missing: apt-get install ${tool#*:}"
	done
	rm -rf "$base"
	run nice debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,polkitd,libpam-systemd bookworm "$base" >"$cache/debootstrap.log" 2>&1 ||
		{ tail -20 "$cache/debootstrap.log" >&2; die "debootstrap failed"; }
	rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/lib/apt/lists/*
	touch "$base.done"
}

# machine_boot FOLDER: boots, with the folder at /mnt, and waits until it is up. What
# it changes is in memory.
machine_boot() {
	local shim
	start machine systemd-nspawn --quiet --directory="$base" --volatile=overlay --bind-ro="$1:/mnt" --private-network \
		--register=no --keep-unit --machine=rotate-e2e-$$ --console=passive --boot
	shim=${begun[-1]}
	leader() { # nspawn's last child is the machine's init; the one before prepares it
		init=$(tr -d ' ' <"/proc/$shim/task/$shim/children") && grep -q '^systemd$' "/proc/$init/comm"
	}
	ready machine leader
	ready machine up
}

# The machine outlives nspawn, if that is killed: its init has to go first.
init=
trap 'test -z "$init" || kill -KILL "$init" 2>/dev/null || true; stop' EXIT

# inside COMMAND…: runs in the machine as root, with a clean environment.
inside() { nsenter -t "$init" -a -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"; }

up() { inside systemctl is-system-running --quiet || test "$(inside systemctl is-system-running)" = degraded; }

# page FILE HEADING [N]: the commands of the first, or the Nth, block below a heading of a
# page in docs.
page() {
	awk -v heading="$2" -v want="${3:-1}" '
		/^## / { here = (substr($0, 4) == heading); next }
		here && /^```sh$/ { found++; inside = (found == want); next }
		inside && /^```$/ { done = 1; exit }
		inside { print }
		END { exit !done }' "docs/$1" || die "docs/$1 has no block ${3:-1} of commands below \"$2\""
}
